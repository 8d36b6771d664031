// Processes of a box as /proc shows them (proc(5)): which one is the first of its process namespace, and all that share it. A
// process id alone names nobody: it may belong to another process since.
import { readdirSync, readlinkSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { EXIT, NanoguardError } from "../../../errors.ts"
import { readSystem, unlessGone } from "../read-system.ts"

/** The first process of a box's own process namespace. Ending it ends every process in there. */
export interface Init {
  pid: number
  /** Inode of the process namespace. */
  namespace: number
}

const ROUNDS = 200
/** Its bit among pending signals: the nineteenth, on every architecture here. */
const SIGSTOP = 1n << 18n

/** Ticks since boot at which a process was started (field 22 of /proc/<pid>/stat); undefined where there is none. */
export function startOf(pid: number): number | undefined {
  const fields = statFields(pid)
  return fields === undefined ? undefined : Number(fields[19])
}

/** Whether the process is still the one that bwrap made: first in that namespace, and started between the two ticks. */
export function isInit({ pid, namespace }: Init, notBefore: number, notAfter: number): boolean {
  const start = startOf(pid)
  if (start === undefined || start < notBefore || start > notAfter) return false
  // One that ended is still there until its parent looked.
  if ("ZX".includes(statFields(pid)?.[0] ?? "X")) return false
  return namespaceOf(pid) === namespace && innerId(pid) === 1
}

/** Whether every process of the namespace is stopped. */
export function isStopped({ pid, namespace }: Init): boolean {
  return standsStill(pid) && inNamespace(namespace).every(standsStill)
}

/**
 * Stops every process of the namespace, the first one included: again and again until no new one was found. Nothing is done once that first one
 * is gone, and with it all others: the kernel gives its namespace's number to another one.
 */
export async function stopNamespace(init: Init): Promise<void> {
  const start = startOf(init.pid)
  for (let round = 0; round < ROUNDS; round++) {
    if (start === undefined || !isInit(init, start, start)) return
    const running = inNamespace(init.namespace).filter((pid) => !standsStill(pid))
    if (running.length === 0) return
    for (const pid of running) signal(pid, "SIGSTOP")
    if (round > 0) await setTimeout(round)
  }
  throw new NanoguardError("processes of the box do not stop", { exit: EXIT.environment, hint: "kill it instead" })
}

/** Lets every process of the namespace go on; nothing is done where its first one is gone. */
export function continueNamespace(init: Init): void {
  const start = startOf(init.pid)
  if (start === undefined || !isInit(init, start, start)) return
  for (const pid of inNamespace(init.namespace)) signal(pid, "SIGCONT")
}

/** Asks the box's command to end: the child that its first process started first. That one itself takes no signal but the last one. */
export function terminateCommand({ pid, namespace }: Init): void {
  const children = inNamespace(namespace).filter((other) => Number(statFields(other)?.[1]) === pid)
  const [command] = children.sort((one, other) => innerId(one) - innerId(other))
  if (command !== undefined) signal(command, "SIGTERM")
}

/** Ends the namespace and all in it; resolves once its first process is gone. */
export async function killNamespace(init: Init): Promise<void> {
  const start = startOf(init.pid)
  for (let round = 0; round < ROUNDS; round++) {
    if (start === undefined || !isInit(init, start, start)) return
    signal(init.pid, "SIGKILL")
    await setTimeout(Math.min(50, 1 + round))
  }
  throw new NanoguardError("the box does not end", { exit: EXIT.environment, hint: `look at process ${init.pid}` })
}

function inNamespace(namespace: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => namespaceOf(pid) === namespace)
}

function namespaceOf(pid: number): number | undefined {
  const link = unlessGone(() => readlinkSync(`/proc/${pid}/ns/pid`))
  return link === undefined ? undefined : Number(/^pid:\[(\d+)\]$/.exec(link)?.[1])
}

/** The id that a process has in its own namespace; what ended comes last. */
function innerId(pid: number): number {
  return Number(/^NSpid:.*\t(\d+)$/m.exec(readSystem(`/proc/${pid}/status`))?.[1] ?? Number.POSITIVE_INFINITY)
}

/**
 * Whether a process is stopped or ended, or waits in the kernel with the order to stop before it runs again: one that waits for its
 * child (vfork) does so for as long as that one is stopped.
 */
function standsStill(pid: number): boolean {
  const state = statFields(pid)?.[0]
  if (state !== "D") return state === undefined || "TtZX".includes(state)
  const pending = /^ShdPnd:\t([0-9a-f]+)$/m.exec(readSystem(`/proc/${pid}/status`))?.[1] ?? "0"
  return (BigInt(`0x${pending}`) & SIGSTOP) !== 0n
}

/** Fields of /proc/<pid>/stat from the third on: the second is the program's name, which may hold blanks and brackets. */
function statFields(pid: number): string[] | undefined {
  const text = readSystem(`/proc/${pid}/stat`)
  return text === "" ? undefined : text.slice(text.lastIndexOf(")") + 2).split(" ")
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}
