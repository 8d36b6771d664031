// A checkpoint's time is beside what is signed: it may not be before that of the one before it, or of the last record under it.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import type { Problems } from "./report.ts"

/** Milliseconds by which the clocks of several hosts may differ. */
const SLACK = 60_000

/** Records after a checkpoint within which the log itself may say that the clock had run back before it. */
const NEAR = 4096

const PAGE = 1_000

/** Says which checkpoints are dated too early, unless a record near them says that the clock ran back. Needs the index. */
export async function checkTimes(db: Kysely<Tables>, problems: Problems): Promise<void> {
  let last = { size: 0, time: 0 }
  for (let full = true; full; ) {
    const rows = await db
      .selectFrom("checkpoints")
      .leftJoin("entries", "entries.seq", "checkpoints.size")
      .select(["checkpoints.size", "checkpoints.time", "entries.time as written"])
      .where("checkpoints.size", ">", last.size)
      .orderBy("checkpoints.size")
      .limit(PAGE)
      .execute()
    for (const row of rows) {
      const late = Math.max(last.time, row.written ?? 0) - SLACK
      if (row.time < late && !(await clockRanBack(db, last.size, row.size + NEAR))) {
        const what = `the checkpoint of ${row.size} records is dated before ${row.time < last.time - SLACK ? `that of ${last.size}` : "the last of them"}`
        problems.add({ code: "checkpoint.time", seq: row.size, what })
      }
      last = row
    }
    full = rows.length === PAGE
  }
}

async function clockRanBack(db: Kysely<Tables>, after: number, to: number): Promise<boolean> {
  const row = await db
    .selectFrom("entries")
    .select("seq")
    .where("seq", ">", after)
    .where("seq", "<=", to)
    .where("type", "=", "log.clock-back")
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
