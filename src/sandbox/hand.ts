// One box in the hand of its run: stopped where it stands, let go on, ended. Several things may want it to stand still at once.
import { containerName } from "./engines/labels.ts"
import type { Stop } from "./terminal/stop.ts"
import type { BoxSpec, Engine, EngineName, FoundBox } from "./types.ts"

export interface Hand {
  engine: EngineName
  /** Has it stand still, for as long as any reason for it lasts. */
  freeze: (why: string) => Promise<void>
  thaw: (why: string) => Promise<void>
  kill: () => Promise<void>
  /** Asked first, then made: what started it passes the first on. */
  stop: Stop
  remove: () => Promise<void>
}

/** The box that `engine` makes of `spec`. None of it fails for a box that is over already. */
export function createHand(engine: Engine, { run, agent }: Pick<BoxSpec, "run" | "agent">): Hand {
  const reasons = new Set<string>()
  // An engine of containers knows it by name; one of processes has to be asked for its process.
  const find = async (): Promise<FoundBox | undefined> =>
    engine.images
      ? { run, agent, engine: engine.name, handle: containerName(run), state: "running" }
      : (await engine.list()).find((box) => box.run === run)
  const act = async (what: (box: FoundBox) => Promise<void>) => {
    const box = await find()
    if (box !== undefined) await what(box)
  }
  return {
    engine: engine.name,
    freeze: async (why) => {
      reasons.add(why)
      if (reasons.size === 1) await act(engine.freeze).catch(ignore)
    },
    thaw: async (why) => {
      if (reasons.delete(why) && reasons.size === 0) await act(engine.thaw).catch(ignore)
    },
    kill: () => act(engine.kill).catch(ignore),
    stop: (how) => act(how === "kill" ? engine.kill : (engine.terminate ?? engine.kill)).catch(ignore),
    remove: () =>
      act(async (box) => {
        // Engines of containers end what they remove.
        if (!engine.images) await engine.kill(box)
        await engine.remove(box)
      }),
  }
}

function ignore(): void {}
