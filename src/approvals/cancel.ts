// Withdrawing: a question that nobody needs answered any more, or a grant that is not to be used again. It lets nothing through, so it needs no signature.
import { Conflict } from "../store/conflict.ts"
import type { Store } from "../store/types.ts"
import { eventOf } from "./events.ts"
import { readApproval } from "./list.ts"
import { dropHeld, moveState } from "./queue.ts"
import { MAX_LISTED, toApprovals } from "./rows.ts"
import type { Approval } from "./types.ts"

/** Withdraws a request that waits, or what was granted; false where there is nothing to withdraw. Errors: environment (store). */
export async function cancelApproval(store: Store, id: string, now: number, gateway: string): Promise<boolean> {
  const approval = await readApproval(store.db, id, now)
  return approval !== undefined && cancel(store, approval, gateway)
}

/** Withdraws whatever of one run waits for people about requests; resolves with how many. Errors: environment (store). */
export async function cancelRunApprovals(store: Store, run: string, now: number, gateway: string): Promise<number> {
  let cancelled = 0
  for (let after = ""; ; ) {
    const rows = await store.db
      .selectFrom("approvals")
      .selectAll()
      .where("state", "=", "pending")
      .where("kind", "=", "network")
      .where("id", ">", after)
      .orderBy("id")
      .limit(MAX_LISTED)
      .execute()
    const ofRun = (await toApprovals(store.db, rows, now)).filter(({ binding }) => binding.run === run)
    const done = await Promise.all(ofRun.map((approval) => cancel(store, approval, gateway)))
    cancelled += done.filter(Boolean).length
    if (rows.length < MAX_LISTED) return cancelled
    after = rows.at(-1)!.id
  }
}

async function cancel(store: Store, approval: Approval, gateway: string): Promise<boolean> {
  const { id, state } = approval
  if (state !== "pending" && state !== "granted") return false
  try {
    await store.write({
      changes: [moveState(store.db, id, state, "expired"), dropHeld(store.db, id)],
      events: [eventOf(approval, "cancelled", gateway)],
    })
    return true
  } catch (error) {
    if (error instanceof Conflict) return false
    throw error
  }
}
