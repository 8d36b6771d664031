// An engine whose boxes are plain processes of this machine: what needs none of the real ones is tested with it.
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { onTestFinished } from "vitest"
import type { Context } from "../../src/context.ts"
import { writeBoxFile } from "../../src/sandbox/boxes.ts"
import { ownIdentity } from "../../src/sandbox/owner.ts"
import type { BoxFile, Engine, EngineName, FoundBox } from "../../src/sandbox/types.ts"

export interface ProcessEngine extends Engine {
  start: (run: string, agent: string) => ChildProcess
  /** The letter of its state in /proc: T where it stands still, S where it goes on; undefined where it is dead. */
  stateOf: (run: string) => string | undefined
  /** Methods that fail, each with this message. */
  broken: Map<string, string>
  /** What was asked of it, in order. */
  asked: string[]
}

/** An engine of the given name. */
export function processEngine(name: EngineName = "bubblewrap"): ProcessEngine {
  const boxes = new Map<string, { agent: string; child: ChildProcess }>()
  const broken = new Map<string, string>()
  const asked: string[] = []
  const letterOf = (pid: number | undefined) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
      const letter = stat.slice(stat.lastIndexOf(")") + 2)[0]
      // One that was just started runs for a moment.
      return letter === "R" || letter === "D" ? "S" : letter
    } catch {
      return undefined
    }
  }
  const gone = (child: ChildProcess) =>
    child.exitCode !== null || child.signalCode !== null ? undefined : new Promise((done) => child.once("exit", done))
  const act = async (method: string, { run }: FoundBox, work: (child: ChildProcess) => unknown) => {
    asked.push(`${method} ${run}`)
    const message = broken.get(method)
    if (message === "hangs") return new Promise<void>(() => {})
    if (message !== undefined) throw new Error(message)
    const box = boxes.get(run)
    if (box) await work(box.child)
  }
  // As every engine does: done is what it says once it is so. The kernel takes its time with a signal.
  const until = async (child: ChildProcess, isSo: (letter: string | undefined) => boolean) => {
    for (let waited = 0; !isSo(letterOf(child.pid)) && waited < 5000; waited += 2) await sleep(2)
  }
  const end = async (child: ChildProcess) => {
    child.kill("SIGKILL")
    await gone(child)
  }
  onTestFinished(async () => {
    for (const { child } of boxes.values()) await end(child)
  })
  return {
    ...{ name, images: false, broken, asked },
    start: (run, agent) => {
      const child = spawn("sleep", ["300"], { stdio: "ignore" })
      boxes.set(run, { agent, child })
      return child
    },
    stateOf: (run) => letterOf(boxes.get(run)?.child.pid),
    probe: async () => ({ engine: name, available: true, isolation: [], warnings: [] }),
    launch: async () => ({ file: "true", args: [] }),
    list: async () => {
      const message = broken.get("list")
      if (message !== undefined) throw new Error(message)
      return [...boxes].map(([run, { agent, child }]) => {
        const letter = letterOf(child.pid)
        const state = letter === "T" ? "frozen" : letter === undefined || letter === "Z" ? "stopped" : "running"
        return { run, agent, engine: name, handle: String(child.pid), state }
      })
    },
    freeze: (box) =>
      act("freeze", box, async (child) => {
        child.kill("SIGSTOP")
        await until(child, (letter) => letter !== "S")
      }),
    thaw: (box) =>
      act("thaw", box, async (child) => {
        child.kill("SIGCONT")
        await until(child, (letter) => letter !== "T")
      }),
    kill: (box) => act("kill", box, end),
    remove: (box) =>
      act("remove", box, async (child) => {
        await end(child)
        boxes.delete(box.run)
      }),
  } satisfies ProcessEngine as ProcessEngine
}

/** Writes the file of a box that this process owns, unless `more` says otherwise. */
export function keepBox(ctx: Context, run: string, agent: string, more: Partial<BoxFile> = {}): BoxFile {
  const box: BoxFile = {
    ...{ schema: "nanoguard.box/1", run, agent, operator: "olga", project: "/p", engine: "bubblewrap" },
    ...{ owner: ownIdentity(), started: ctx.now(), command: ["sleep", "300"], writes: [], leftovers: [], ...more },
  }
  writeBoxFile(ctx, box)
  return box
}

/** Id of a run from a number. */
export const runId = (n: number) => `run-${n.toString(16).padStart(12, "0")}`

/** The identity of a process that is dead. */
export async function deadOwner(): Promise<BoxFile["owner"]> {
  const child = spawn("sleep", ["60"], { stdio: "ignore" })
  const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1")
  const owner = { pid: child.pid!, start: stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]! }
  child.kill("SIGKILL")
  await new Promise((done) => child.once("exit", done))
  return owner
}
