// Whether every personal value is still the one that was committed to.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { opensPerson } from "../people.ts"
import type { Problems } from "./report.ts"

const PAGE = 1_000

/** Checks every row of `people` against its own commitment; returns how many there are. */
export async function checkPeople(db: Kysely<Tables>, problems: Problems): Promise<number> {
  let count = 0
  for (let after = ""; ; ) {
    const query = db.selectFrom("people").selectAll().where("commitment", ">", after).orderBy("commitment").limit(PAGE)
    const rows = await query.execute()
    for (const row of rows) {
      if (opensPerson(row)) continue
      const what = `what opens the commitment ${row.commitment} is not what was committed to: its value or salt was changed`
      problems.add({ code: "person.differs", what })
    }
    count += rows.length
    after = rows.at(-1)?.commitment ?? after
    if (rows.length < PAGE) return count
  }
}
