// What the command lines of docker and podman have in common beyond `run`: boxes are frozen, killed and removed many at a time.
import { setTimeout as sleep } from "node:timers/promises"
import type { Context, ExecResult } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import type { EngineName, FoundBox } from "../types.ts"
import { killMembers } from "./members.ts"

/** Milliseconds for one answer of an engine; ending a box may take the engine's own grace of ten seconds. */
const ANSWER_MS = 20_000
const END_MS = 40_000
/** Milliseconds to have boxes stand still that are killed next: what comes after does not wait for an engine that hangs at it. */
const STRIKE_MS = 2_000

const MAX_OUTPUT = 4 * 1024 * 1024

/** Identifiers in one command: far below what a system takes for its arguments. */
const AT_ONCE = 200

/** How often, and after how many milliseconds, a box that may be starting is tried again. */
const STARTING_TRIES = 8
const STARTING_MS = 50

/** Runs the engine's program. It answers whatever the exit code; throws `NanoguardError` where it hangs or cannot start. */
export type EngineCli = (args: readonly string[], timeout?: number) => Promise<ExecResult>

/** The program of an engine with arguments that stand before every command. */
export function engineCli(
  ctx: Pick<Context, "exec">,
  engine: EngineName,
  program: { file: string; args: readonly string[]; env: Record<string, string> },
): EngineCli {
  return async (args, timeout = ANSWER_MS) => {
    const options = { env: program.env, timeout, maxBuffer: MAX_OUTPUT }
    try {
      return await ctx.exec(program.file, [...program.args, ...args], options)
    } catch (cause) {
      throw new NanoguardError(`${engine} could not be run or did not answer within ${timeout / 1000} s`, {
        ...{ exit: EXIT.environment, cause },
        hint: "nanoguard doctor",
      })
    }
  }
}

/** What a command of the engine printed. Throws `NanoguardError` (environment) with the end of its complaint. */
export function mustAnswer(engine: EngineName, what: string, { exitCode, stdout, stderr }: ExecResult): string {
  if (exitCode === 0) return stdout
  throw failed(engine, what, stderr)
}

function failed(engine: EngineName, what: string, stderr: string): NanoguardError {
  const last = stderr.trim().split("\n").at(-1) ?? ""
  return new NanoguardError(`${engine} could not ${what}: ${cleanText(last, 300)}`, {
    exit: EXIT.environment,
    hint: "nanoguard doctor",
  })
}

/** The operations on boxes by an engine's command line. `list` says what became of them: what an engine complains of is not read. */
export function boxCommands(engine: EngineName, cli: EngineCli, list: () => Promise<FoundBox[]>) {
  const left = async (boxes: readonly FoundBox[], states: readonly FoundBox["state"][]) => {
    const runs = new Set(boxes.map(({ run }) => run))
    // One that the engine takes away already is as good as gone: nothing runs of it, and a second removal is refused.
    return (await list()).filter((box) => runs.has(box.run) && states.includes(box.state) && box.removing !== true)
  }
  // A box that ended meanwhile, or was in that state already, makes the engine complain and is fine.
  const apply = async (
    what: string,
    words: readonly string[],
    boxes: readonly FoundBox[],
    unwanted: readonly FoundBox["state"][],
  ) => {
    let complaint = ""
    for (let at = 0; at < boxes.length; at += AT_ONCE) {
      const some = boxes.slice(at, at + AT_ONCE).map(({ handle }) => handle)
      const { exitCode, stderr } = await cli([...words, ...some], END_MS)
      if (exitCode !== 0) complaint = stderr || `exit code ${exitCode}`
    }
    if (complaint === "") return
    if ((await left(boxes, unwanted)).length > 0) throw failed(engine, what, complaint)
  }
  const removeAll = (boxes: readonly FoundBox[]) =>
    apply("remove a box", ["rm", "--force", "--volumes"], boxes, ["running", "frozen", "stopped"])
  const freezeAll = async (boxes: readonly FoundBox[]) => {
    // One that is being started cannot be paused yet.
    for (let again = STARTING_TRIES; ; again--) {
      try {
        return await apply("freeze a box", ["pause"], boxes, ["running"])
      } catch (error) {
        if (again === 0) throw error
        await sleep(STARTING_MS)
      }
    }
  }
  // Engines let go on what stands still to have it die, and some processes of it run before they do. All of them are sent the signal while
  // none runs: also by who was asked to end it while somebody else is at that, too, and has it stand still.
  const strikeAll = async (boxes: readonly FoundBox[]) => {
    for (let at = 0; at < boxes.length; at += AT_ONCE) {
      const some = boxes.slice(at, at + AT_ONCE).map(({ handle }) => handle)
      // Where that fails they are struck as they run.
      await cli(["pause", ...some], STRIKE_MS).catch(() => {})
    }
    // Known by name alone where its own run ends it.
    const runs = new Set(boxes.map(({ run }) => run))
    killMembers((await list()).flatMap(({ run, handle }) => (runs.has(run) ? [handle] : [])))
  }
  const killAll = async (boxes: readonly FoundBox[]) => {
    // What it is for fails below, and is said there.
    await strikeAll(boxes).catch(() => {})
    try {
      await apply("kill a box", ["kill"], boxes, ["running", "frozen"])
    } catch {
      // Some do not kill what stands still; removing by force ends it, too.
      await removeAll(await left(boxes, ["running", "frozen"]))
    }
  }
  return {
    freezeAll,
    killAll,
    freeze: (box: FoundBox) => freezeAll([box]),
    thaw: (box: FoundBox) => apply("thaw a box", ["unpause"], [box], ["frozen"]),
    // Its init passes the signal on to what it started.
    terminate: (box: FoundBox) => apply("end a box", ["kill", "--signal", "TERM"], [box], []),
    kill: (box: FoundBox) => killAll([box]),
    remove: (box: FoundBox) => removeAll([box]),
  }
}
