// A segment of the traffic journal as a batch of the store: its events, and that it was taken in, together or not at all.
import type { Item, NewEvent } from "../../audit/types.ts"
import type { Batch, Change, Store } from "../types.ts"
import type { Repeated } from "./text.ts"

/** What all repeats in one event have in common. */
export type Common = Pick<NewEvent, "gateway" | "agent" | "run" | "operator" | "boxed" | "policy" | "outcome"> & {
  item: Item
}

/** Most records that one event refers to. */
export const MOST_REFERRED = 500

/** The event for repeats; `counts` says of each record how often it was repeated. */
export function repeatedEvent<C extends Omit<Common, "gateway">>(
  common: C,
  counts: Iterable<readonly [number, number]>,
) {
  const all = [...counts]
  const total = all.reduce((sum, [, count]) => sum + count, 0)
  return {
    ...common,
    type: "network.repeated",
    subject: `${common.item.name} x${total}`,
    detail: { of: all.map(([seq, count]) => `${seq} x${count}`) },
  }
}

/**
 * The batch of segment `n` of journal `id`. Rejected with `Conflict` where that is taken in already, or the one before it is not: however
 * often it is tried, by whatever process, it counts once. `time`: when it was written, where that is not now.
 */
export function segmentBatch(db: Store["db"], id: string, n: number, repeated: Repeated, time?: number): Batch {
  const at = time === undefined ? {} : { time }
  const events = [...repeated].flatMap(([common, counts]) => {
    const all = [...counts]
    const parts = Array.from({ length: Math.ceil(all.length / MOST_REFERRED) }, (_, i) =>
      all.slice(i * MOST_REFERRED, (i + 1) * MOST_REFERRED),
    )
    return parts.map((part): NewEvent => ({ ...repeatedEvent(JSON.parse(common) as Common, part), ...at }))
  })
  return { changes: [takenIn(db, id, n)], events, lax: true }
}

/** The last segment of a journal that is taken in: 0 where none is. */
export async function lastTakenIn(db: Store["db"], id: string): Promise<number> {
  const row = await db
    .selectFrom("usage")
    .select("used")
    .where("counter", "=", counterOf(id))
    .where("window", "=", 0)
    .executeTakeFirst()
  return Number(row?.used ?? 0)
}

/** Sums that only grow are what `usage` keeps: one row a journal, for good. */
const counterOf = (id: string) => `journal/${id}`

function takenIn(db: Store["db"], id: string, n: number): Change {
  const counter = counterOf(id)
  const change =
    n === 1
      ? db
          .insertInto("usage")
          .values({ counter, window: 0, used: 1 })
          .onConflict((conflict) => conflict.columns(["counter", "window"]).doNothing())
          .compile()
      : db
          .updateTable("usage")
          .set({ used: n })
          .where("counter", "=", counter)
          .where("window", "=", 0)
          .where("used", "=", n - 1)
          .compile()
  return { ...change, expect: 1 }
}
