// Whether every personal value is still the one that was committed to.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { opensPerson } from "../sealing/people.ts"
import type { Mentions } from "./mentions.ts"
import type { Problems } from "./report.ts"

const PAGE = 1_000

/**
 * Checks every row of `people` against its own commitment, and that every commitment of the log which no record says was erased
 * still has one; that record may be among the archived ones, unless all were read (`complete`). Returns how many rows there are, and how many values were erased.
 */
export async function checkPeople(
  db: Kysely<Tables>,
  mentions: Mentions,
  complete: boolean,
  problems: Problems,
): Promise<{ opened: number; erased: number }> {
  const missing = new Set(mentions.people)
  let count = 0
  for (let after = ""; ; ) {
    const query = db.selectFrom("people").selectAll().where("commitment", ">", after).orderBy("commitment").limit(PAGE)
    const rows = await query.execute()
    for (const row of rows) {
      missing.delete(row.commitment)
      if (opensPerson(row)) continue
      const what = `what opens the commitment ${row.commitment} is not what was committed to: its value or salt was changed`
      problems.add({ code: "person.differs", what })
    }
    count += rows.length
    after = rows.at(-1)?.commitment ?? after
    if (rows.length < PAGE) break
  }
  const erased = new Set(mentions.erased)
  for (const commitment of missing) {
    if (erased.has(commitment) || !complete) continue
    const what = `nothing opens the commitment ${commitment} any more, and no record says that it was erased`
    problems.add({ code: "person.missing", what })
  }
  return {
    opened: count,
    erased: missing.size - (complete ? [...missing].filter((one) => !erased.has(one)).length : 0),
  }
}
