// What happens to requests, as the log tells it: for whoever waits for it. A record says when to look; what counts is signed.
import { type Kysely, sql } from "kysely"
import { readBody } from "../audit/sealing/record-shape.ts"
import type { Tables } from "../store/schema.ts"

export interface ApprovalRecord {
  seq: number
  /** `approval.requested`, `approval.agreed`, `approval.granted`, `approval.denied`, `approval.expired`, `approval.cancelled`. */
  type: string
  /** Id of the request. */
  approval: string
  /** RFC 3339. */
  time: string
  agent: string
  subject: string
}

/** Records that are read at once. */
export const FEED_PAGE = 500

/** The number of the newest record; 0 in an empty log. */
export async function lastRecord(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom("events")
    .select(({ fn }) => fn.max("seq").as("seq"))
    .executeTakeFirst()
  return Number(row?.seq ?? 0)
}

/** Records about requests after `from` and up to `end`, at most `FEED_PAGE`, oldest first. */
export async function readFeed(db: Kysely<Tables>, from: number, end: number): Promise<ApprovalRecord[]> {
  const rows = await db
    .selectFrom("events")
    .selectAll()
    .where("seq", ">", from)
    .where("seq", "<=", end)
    .where(sql<boolean>`body like '%"type":"approval.%'`)
    .orderBy("seq")
    .limit(FEED_PAGE)
    .execute()
  return rows.map(({ seq, body }) => {
    const { type = "", approval = "", time = "", agent = "", subject = "" } = readBody(body) ?? {}
    return { seq: Number(seq), type, approval, time, agent, subject }
  })
}
