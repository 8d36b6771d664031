// What budgets have used, as the store has it: sums by counter and window, read and added to.
import type { Budget } from "../../policy/compiled.ts"
import type { Change, Store } from "../../store/types.ts"
import type { Attribution } from "../types.ts"

/** Milliseconds of the windows that have a length. They begin at the same instants everywhere: multiples of it, in UTC. */
const LENGTH: Readonly<Record<Exclude<Budget["window"], "run">, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/** Milliseconds after the beginning of a window until its sums may go: one more day than the store asks for. */
const KEPT = 3 * 86_400_000

/** A row of `usage`. */
export interface UsageKey {
  counter: string
  window: number
}

/** Which row a budget counts in at that moment. A clock that was set back finds what was used of that window. */
export function rowOf(
  { counter, window, run: own }: Pick<Budget, "counter" | "window"> & { run?: string },
  { run }: Pick<Attribution, "run">,
  now: number,
): UsageKey {
  if (window === "run") return { counter: `${counter}@${own ?? run}`, window: 0 }
  return { counter, window: now - (now % LENGTH[window]) }
}

/** What all gateways have used, in the order of the keys; 0 where nothing is on record. Errors: environment. */
export async function readUsed(db: Store["db"], keys: readonly UsageKey[]): Promise<number[]> {
  const rows = await db
    .selectFrom("usage")
    .selectAll()
    .where(
      "counter",
      "in",
      keys.map(({ counter }) => counter),
    )
    .where("window", "in", [...new Set(keys.map(({ window }) => window))])
    .execute()
  const found = new Map(rows.map(({ counter, window, used }) => [`${counter} ${window}`, Number(used)]))
  return keys.map(({ counter, window }) => found.get(`${counter} ${window}`) ?? 0)
}

/** Adds to a sum, whoever else does: `amount` is more than nothing. */
export function addUsed(db: Store["db"], { counter, window }: UsageKey, amount: number): Change {
  return db
    .insertInto("usage")
    .values({ counter, window, used: amount })
    .onConflict((conflict) =>
      conflict
        .columns(["counter", "window"])
        .doUpdateSet((build) => ({ used: build("usage.used", "+", build.ref("excluded.used")) })),
    )
    .compile()
}

/** Takes sums away whose windows are long over. The store refuses where this clock is days ahead of its own. */
export function dropOld(db: Store["db"], now: number): Change {
  return db
    .deleteFrom("usage")
    .where("window", ">", 0)
    .where("window", "<", now - KEPT)
    .compile()
}
