// Ending boxes by their engines: all of them stand still first, so that nothing finishes while others are still being killed.
import { setTimeout as sleep } from "node:timers/promises"
import type { Engine, FoundBox } from "./types.ts"

/** A box, with what runs it. */
export interface BoxRunning {
  engine: Engine
  found: FoundBox
}

/** What became of a box. Times in milliseconds since `stopBoxes` was called; absent where that step failed. */
export interface StoppedBox {
  found: FoundBox
  frozen?: number
  killed?: number
  removed?: number
  /** Why it may still run, or is still there. */
  problem?: string
}

/** Milliseconds that an engine has to make its boxes stand still before they are killed all the same. */
const FREEZE_MS = 5000

/** Milliseconds that an engine has to kill, and to remove. */
const END_MS = 20_000

const REMOVE_TRIES = 4
const REMOVE_PAUSE_MS = 100

/** Freezes boxes, all engines at once, then kills and removes them. Never rejects: what failed is said of each box. */
export async function stopBoxes(boxes: readonly BoxRunning[]): Promise<StoppedBox[]> {
  const start = performance.now()
  const passed = () => Math.round(performance.now() - start)
  const stopped = new Map<BoxRunning, StoppedBox>(boxes.map((box) => [box, { found: box.found }]))
  const engines = [...new Set(boxes.map(({ engine }) => engine))]
  const step = async (name: "frozen" | "killed" | "removed", limit: number, work: Work) => {
    const of = (engine: Engine) => boxes.filter((box) => box.engine === engine)
    const one = async (engine: Engine, some: readonly BoxRunning[]) => {
      const problem = await within(
        limit,
        work(
          engine,
          some.map(({ found }) => found),
        ),
        engine,
      )
      for (const box of some) {
        const result = stopped.get(box)!
        if (problem === undefined) result[name] = passed()
        else result.problem = problem
      }
    }
    await Promise.all(
      engines.flatMap((engine) => {
        const own = of(engine)
        const atOnce = name === "frozen" ? engine.freezeAll : name === "killed" ? engine.killAll : undefined
        return atOnce ? [one(engine, own)] : own.map((box) => one(engine, [box]))
      }),
    )
  }
  await step("frozen", FREEZE_MS, (engine, some) => engine.freezeAll?.(some) ?? engine.freeze(some[0]!))
  // A box that did not freeze is killed as any other; that it could not is no problem any more once it is dead.
  for (const result of stopped.values()) delete result.problem
  await step("killed", END_MS, (engine, some) => engine.killAll?.(some) ?? engine.kill(some[0]!))
  await step("removed", END_MS, (engine, some) => removePatiently(engine, some[0]!))
  // What is removed is dead, whatever was said before that.
  return [...stopped.values()].map((result) => {
    if (result.removed !== undefined) delete result.problem
    return result
  })
}

/** As `stopBoxes`; resolves with the problems alone. */
export async function endBoxes(boxes: readonly BoxRunning[]): Promise<string[]> {
  return (await stopBoxes(boxes)).flatMap(({ problem }) => problem ?? [])
}

/** Boxes of all engines, with what those said that did not answer. */
export async function findBoxes(
  engines: readonly Engine[],
  limit = FREEZE_MS,
): Promise<{ boxes: BoxRunning[]; engines: { engine: Engine; ms: number; boxes: number; problem?: string }[] }> {
  const boxes: BoxRunning[] = []
  const answers = await Promise.all(
    engines.map(async (engine) => {
      const start = performance.now()
      let count = 0
      const listed = engine.list().then((list) => {
        count = list.length
        boxes.push(...list.map((found) => ({ engine, found })))
      })
      const problem = await within(limit, listed, engine)
      const ms = Math.round(performance.now() - start)
      return { engine, ms, boxes: count, ...(problem !== undefined && { problem }) }
    }),
  )
  return { boxes: [...boxes], engines: answers }
}

/** Removes a box whose engine may be at it already: one that was started to remove itself does as soon as it is dead. */
async function removePatiently(engine: Engine, box: FoundBox): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await engine.remove(box)
    } catch (error) {
      if (tries === REMOVE_TRIES) throw error
      await sleep(REMOVE_PAUSE_MS * tries)
    }
  }
}

type Work = (engine: Engine, some: readonly FoundBox[]) => Promise<void>

/** What was wrong; undefined where `work` ended well in time. */
async function within(limit: number, work: Promise<void>, { name }: Engine): Promise<string | undefined> {
  const stop = new AbortController()
  const late = sleep(limit, `${name} did not answer within ${limit / 1000} s`, { signal: stop.signal }).catch(() => "")
  const done = work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  const result = await Promise.race([done, late])
  stop.abort()
  return result
}
