// A range's rows through the reader's own connection: PostgreSQL, and logs that are not worth a thread.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { entryText } from "./index-range.ts"
import type { RangeSource } from "./range.ts"

/** Reads through `db`; `entries`: whether the rows of the index are to be compared. */
export function typedSource(db: Kysely<Tables>, entries: boolean): RangeSource {
  return {
    bodies: async (from, to) => {
      const query = db.selectFrom("events").select(["seq", "body"]).where("seq", ">=", from).where("seq", "<=", to)
      const rows = await query.orderBy("seq").execute()
      return rows.map(({ seq, body }) => [seq, body] as const)
    },
    tile: async (position) => {
      const query = db.selectFrom("tiles").select("hashes").where("level", "=", 0).where("position", "=", position)
      return (await query.executeTakeFirst())?.hashes
    },
    entries: entries
      ? async (from, to) => {
          const rows = await db
            .selectFrom("entries")
            .selectAll()
            .where("seq", ">=", from)
            .where("seq", "<=", to)
            .orderBy("seq")
            .execute()
          return rows.map((row) => [row.seq, entryText(row), row.use] as const)
        }
      : undefined,
  }
}
