// Stopping all processes of a box where no cgroup can: podman without root on cgroups v1. What is stopped cannot continue another.
import { readdirSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { EXIT, NanoguardError } from "../../errors.ts"
import { readSystem, unlessGone } from "./read-system.ts"

/** Milliseconds within which every process must stand still. */
const PATIENCE_MS = 3_000

/**
 * Stops the process `root` (a box's process 1) and all that descend from it; in a process namespace nothing has another ancestor.
 * Resolves once none of them runs. Throws `NanoguardError` where one still does after three seconds.
 */
export async function stopTree(root: number): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const tree = descendants(root)
    // A process that is started between two looks, or continued by one that ran on, is found by the next look.
    for (const pid of tree) signal(pid, "SIGSTOP")
    if (!descendants(root).some((pid) => !tree.includes(pid) || runs(pid))) return
    if (performance.now() > end) break
    await sleep(2)
  }
  throw new NanoguardError("a process of the box does not stop", { exit: EXIT.environment, hint: "nanoguard kill" })
}

/** Lets all of them run on. */
export function continueTree(root: number): void {
  for (const pid of descendants(root)) signal(pid, "SIGCONT")
}

/** Whether a process and all that descend from it are stopped. */
export function isTreeStopped(root: number): boolean {
  const tree = descendants(root)
  return tree.length > 0 && !tree.some(runs)
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone meanwhile; or not ours, and then found to run.
  }
}

/** `root` and everything below it, as of now. Every parent is asked for, since a namespace may hide a process's directory. */
function descendants(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const pid = Number(name)
    const parent = Number(stat(`/proc/${pid}/stat`)?.parent)
    if (Number.isInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found = stat(`/proc/${root}/stat`) === undefined ? [] : [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

// proc(5): a thread that is stopped (T, t), dead (Z, X) or waits in the kernel with the stop pending (D) runs nothing of its own.
function runs(pid: number): boolean {
  return (unlessGone(() => readdirSync(`/proc/${pid}/task`)) ?? []).some((thread) => {
    const state = stat(`/proc/${pid}/task/${thread}/stat`)?.state
    return state !== undefined && !"TtZXxD".includes(state)
  })
}

// The name of a program is in parentheses and may hold any character.
function stat(path: string): { state: string; parent: string } | undefined {
  const text = readSystem(path)
  if (text === "") return undefined
  const [state = "", parent = ""] = text.split(") ").at(-1)!.split(" ")
  return { state, parent }
}
