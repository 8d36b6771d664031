// One box in the hand of its run: stopped where it stands, let go on, ended. Several things may want it to stand still at once.
import type { Context } from "../context.ts"
import { containerName } from "./engines/labels.ts"
import { isBeingKilled } from "./neighbours/questions.ts"
import type { Stop } from "./terminal/stop.ts"
import type { BoxSpec, Engine, EngineName, FoundBox } from "./types.ts"

export interface Hand {
  engine: EngineName
  /**
   * Has it stand still, for as long as any reason for it lasts. Both resolve once it does what is wanted by then; they reject where the engine
   * cannot: it is tried again then, as long as it is wanted. A box that somebody else kills meanwhile does not go on, and the answer is false:
   * whoever kills has every box stand still first.
   */
  freeze: (why: string) => Promise<boolean>
  thaw: (why: string) => Promise<boolean>
  /** Resolves once it does what is wanted by then, whatever failed before. */
  settled: () => Promise<void>
  kill: () => Promise<void>
  /** Asked first, then made: what started it passes the first on. One that stands still is asked once it goes on; one that its engine did not stop, at once. */
  stop: Stop
  remove: () => Promise<void>
}

/** Milliseconds between two tries: the engine could not, or somebody was killing a box that is to go on. */
const LOOK = 500

/** The box that `engine` makes of `spec`. Nothing fails for a box that an engine of processes does not find: it is over already. */
export function createHand(
  ctx: Pick<Context, "env">,
  engine: Engine,
  { run, agent }: Pick<BoxSpec, "run" | "agent">,
): Hand {
  const reasons = new Set<string>()
  // An engine of containers knows it by name, one of processes by its run: neither is to be looked for among others.
  const handle = engine.images ? containerName(run) : ""
  const act = (what: (box: FoundBox) => Promise<void>) =>
    what({ run, agent, engine: engine.name, handle, state: "running" })
  // Undefined while nobody knows: what was begun and failed may come about all the same.
  let isFrozen: boolean | undefined = false
  let isRemoved = false
  let isAsked = false
  // Also while it was to stand still and did not.
  let isAskedRunning = false
  let later: NodeJS.Timeout | undefined
  const waiting: (() => void)[] = []
  const ask = () => act(engine.terminate ?? engine.kill).catch(ignore)
  // One after the other: a box that is let go on while it is still being frozen would stand still for good.
  let turn: Promise<unknown> = Promise.resolve()
  const settle = (): Promise<boolean> => {
    const done = turn.then(async () => {
      const wanted = reasons.size > 0
      if (wanted !== isFrozen) {
        if (!wanted && isBeingKilled(ctx, run)) {
          wait()
          return false
        }
        isFrozen = undefined
        try {
          await act(wanted ? engine.freeze : engine.thaw)
        } catch (error) {
          wait()
          // It runs, as far as anybody knows; where it stands still all the same it is asked again once it goes on.
          if (isAsked && !isAskedRunning && !isBeingKilled(ctx, run)) {
            isAskedRunning = true
            await ask()
          }
          throw error
        }
        isFrozen = wanted
      }
      for (const tell of waiting.splice(0)) tell()
      if (wanted || !isAsked) return true
      if (isBeingKilled(ctx, run)) wait()
      else {
        isAsked = false
        await ask()
      }
      return true
    })
    turn = done.catch(ignore)
    return done
  }
  // Whoever kills it may fail, and what did not stop it or let it go on may do so later: one that had not begun runs by then.
  const wait = () => {
    clearTimeout(later)
    if (!isRemoved) later = setTimeout(() => void settle().catch(ignore), LOOK).unref()
  }
  return {
    engine: engine.name,
    freeze: (why) => {
      reasons.add(why)
      return settle()
    },
    thaw: (why) => {
      reasons.delete(why)
      return settle()
    },
    settled: () => new Promise((resolve) => waiting.push(resolve)),
    kill: () => act(engine.kill).catch(ignore),
    // Engines refuse to signal a box that stands still, or let it go on for that: such a box is not asked yet.
    stop: async (how) => {
      if (how === "kill") return act(engine.kill).catch(ignore)
      isAsked = true
      isAskedRunning = false
      await settle().catch(ignore)
    },
    remove: () => {
      isRemoved = true
      clearTimeout(later)
      return act(async (box) => {
        if (engine.images) {
          // Engines of containers end what they remove, and let it go on for that where it stands still: to kill it does not.
          if (isFrozen !== false) await engine.kill(box).catch(ignore)
          return engine.remove(box)
        }
        // What launches it is gone by now, or never was: what has not begun does not any more.
        const over: FoundBox = { ...box, state: "stopped" }
        await engine.kill(over)
        await engine.remove(over)
      })
    },
  }
}

function ignore(): void {}
