// Clearing up: questions that nobody answered, bodies of requests that are over, and releases that a dead gate left unfinished.
import { readApproval } from "../../approvals/list.ts"
import { expireApprovals } from "../../approvals/queue.ts"
import type { NewEvent } from "../../audit/types.ts"
import { Conflict } from "../../store/conflict.ts"
import type { Store } from "../../store/types.ts"
import { isProcessAlive } from "./process.ts"
import { countOver, dropOver, readMark, readMarks } from "./rows.ts"
import type { Swept } from "./types.ts"

/** Milliseconds after which a release of another gateway, which may not come back, counts as one that ended with it. */
const FORSAKEN = 86_400_000

/** Who sweeps. */
export interface Sweeper {
  /** Its name in the record. */
  gateway: string
  /** Whose releases it answers for: those of processes that were this gate before. */
  owner: string
  /** This process: what it released itself is under way. */
  process: string
}

/** Any number of processes may do it at once. Errors: environment (store). */
export async function sweepHeld(store: Store, { gateway, owner, process }: Sweeper, now: number): Promise<Swept> {
  const expired = await expireApprovals(store, now, gateway)
  let unknown = 0
  for (const { approval: mark, gateway: releasedBy, time } of await readMarks(store.db)) {
    const of = readMark(mark)
    // One that makes room for another gate finishes what it has begun.
    const isUnderWay = releasedBy !== owner || (of !== undefined && isProcessAlive(of.process))
    if (of?.process === process || (isUnderWay && now - time < FORSAKEN)) continue
    const remove = { ...store.db.deleteFrom("held").where("approval", "=", mark).compile(), expect: 1 }
    const events = of === undefined ? [] : [await unknownEvent(store, of.id, gateway, now)]
    try {
      await store.write({ changes: [remove], events })
      unknown += events.length
    } catch (error) {
      // Another gateway recorded it.
      if (!(error instanceof Conflict)) throw error
    }
  }
  const dropped = await countOver(store.db, now)
  if (dropped > 0) await store.write({ changes: [dropOver(store.db, now)] })
  return { expired, unknown, dropped }
}

/** Whether the request reached its recipient nobody knows: it is said, and nothing is ever sent again. */
async function unknownEvent(store: Store, id: string, gateway: string, now: number): Promise<NewEvent> {
  const binding = (await readApproval(store.db, id, now))?.binding
  return {
    ...{
      type: "network.failed",
      outcome: "unknown",
      gateway,
      approval: id,
      subject: binding?.subject ?? `request ${id}`,
    },
    ...(binding && { agent: binding.agent, policy: binding.policyHash }),
    ...(binding?.run !== undefined && { run: binding.run }),
    ...(binding?.operator !== undefined && { operator: binding.operator }),
    detail: { why: "the gateway ended before the outcome was recorded" },
  }
}
