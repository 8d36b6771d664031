// The record from its newest end back, for whoever looks for something that is not long ago.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"

/** Records that are looked through, and at a time. */
const MAX_SEARCHED = 20_000
const SLICE = 500

/** Rows of the log, the newest first, 20,000 at most: whoever stops early reads no more than that. Errors: environment (store). */
export async function* rowsBack(db: Kysely<Tables>): AsyncGenerator<{ seq: number; body: string }> {
  const { newest } = await db
    .selectFrom("events")
    .select(({ fn }) => fn.max("seq").as("newest"))
    .executeTakeFirstOrThrow()
  for (let to = Number(newest ?? 0), seen = 0; to > 0 && seen < MAX_SEARCHED; to -= SLICE, seen += SLICE) {
    const rows = await db
      .selectFrom("events")
      .select(["seq", "body"])
      .where("seq", "<=", to)
      .where("seq", ">", to - SLICE)
      .orderBy("seq", "desc")
      .execute()
    for (const { seq, body } of rows) yield { seq: Number(seq), body }
  }
}
