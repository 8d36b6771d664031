// Looking at the queue: for people.
import { type Kysely, sql } from "kysely"
import { rankOfRisk } from "../policy/risk.ts"
import type { Tables } from "../store/schema.ts"
import { MAX_LISTED, toApprovals } from "./rows.ts"
import type { Approval, ApprovalState } from "./types.ts"

/** A request whole; undefined where there is none of this id, or where its binding is not what its digest names. */
export async function readApproval(db: Kysely<Tables>, id: string, now: number): Promise<Approval | undefined> {
  const row = await db.selectFrom("approvals").selectAll().where("id", "=", id).executeTakeFirst()
  return row && (await toApprovals(db, [row], now))[0]
}

/** How many requests of the network wait for people. */
export async function countHeld(db: Kysely<Tables>, now: number): Promise<number> {
  const { count } = await db
    .selectFrom("approvals")
    .select((is) => is.fn.countAll<number | string>().as("count"))
    .where("state", "=", "pending")
    .where("kind", "=", "network")
    .where("expires", ">", now)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** What waits for people at a time, the gravest and then the oldest first; or, where `state` says so, what stands otherwise, the newest first. */
export async function listApprovals(
  db: Kysely<Tables>,
  now: number,
  state: ApprovalState = "pending",
): Promise<Approval[]> {
  let query = db.selectFrom("approvals").selectAll().limit(MAX_LISTED)
  const isOver = sql<boolean>`(state = 'pending' and expires <= ${now}) or (state = 'granted' and ends <= ${now})`
  if (state === "pending") query = query.where("state", "=", state).where("expires", ">", now).orderBy("expires")
  else if (state === "expired")
    query = query.where((is) => is.or([is("state", "=", state), isOver])).orderBy("requested", "desc")
  else query = query.where("state", "=", state).where(sql<boolean>`not (${isOver})`).orderBy("requested", "desc")
  const found = await toApprovals(db, await query.execute(), now)
  return state === "pending" ? found.sort(byUrgency) : found
}

/** The gravest first; of the same risk whoever waits longest, and of those that came at once what is over first, as they were read. */
function byUrgency({ binding: a }: Approval, { binding: b }: Approval): number {
  return rankOfRisk(b.approvers.risk) - rankOfRisk(a.approvers.risk) || a.requested - b.requested
}
