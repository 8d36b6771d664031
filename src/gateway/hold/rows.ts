// The rows of held requests: one for each that waits, with its body, and one for each release whose outcome is not known yet.
import { type Kysely, sql } from "kysely"
import type { Tables } from "../../store/schema.ts"
import type { Change } from "../../store/types.ts"

/** What the names of marks begin with, and no id of an approval. */
const MARK = "/"

/** A request that waits, and who has its client. `sealed` is empty where there is no body. */
export function insertHeld(
  db: Kysely<Tables>,
  row: { approval: string; gateway: string; time: number; sealed: Uint8Array },
): Change {
  return db.insertInto("held").values(row).compile()
}

/** Another client, or another gate, has the request from now on. */
export function takeOver(db: Kysely<Tables>, id: string, gateway: string, time: number): Change {
  return { ...db.updateTable("held").set({ gateway, time }).where("approval", "=", id).compile(), expect: 1 }
}

/** What was sealed for a request that waits; undefined where nothing is kept. */
export async function readSealed(db: Kysely<Tables>, id: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom("held").select("sealed").where("approval", "=", id).executeTakeFirst()
  return row?.sealed
}

/** The name of one release of a grant; `process` tells the processes apart that bear one gateway's name. */
export function markOf(id: string, process: string, count: number): string {
  return `${MARK}${id}${MARK}${process}.${count}`
}

/** What a mark is of; undefined for a row of a request that waits. */
export function readMark(approval: string): { id: string; process: string } | undefined {
  const match = /^\/(ap-[a-z2-7]{8})\/([\w-]{1,40})\.\d+$/.exec(approval)
  return match ? { id: match[1]!, process: match[2]! } : undefined
}

/** Rows of requests that neither wait nor may be used any more. */
const over = (now: number) => sql`from held where approval not like ${`${MARK}%`} and not exists (
  select 1 from approvals a where a.id = held.approval
    and ((a.state = 'pending' and a.expires > ${now}) or (a.state = 'granted' and a.ends > ${now})))`

/** How many of them there are. */
export async function countOver(db: Kysely<Tables>, now: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count ${over(now)}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

/** Removes them. */
export function dropOver(db: Kysely<Tables>, now: number): Change {
  return sql`delete ${over(now)}`.compile(db)
}

/** Withdraws a request that waits, without a word: it is let through for another reason. */
export function withdraw(db: Kysely<Tables>, id: string): Change {
  return db
    .updateTable("approvals")
    .set({ state: "expired" })
    .where("id", "=", id)
    .where("state", "=", "pending")
    .compile()
}

/** Marks of releases, oldest first. */
export async function readMarks(db: Kysely<Tables>): Promise<{ approval: string; gateway: string; time: number }[]> {
  return db
    .selectFrom("held")
    .select(["approval", "gateway", "time"])
    .where("approval", "like", `${MARK}%`)
    .orderBy("time")
    .limit(1000)
    .execute()
}
