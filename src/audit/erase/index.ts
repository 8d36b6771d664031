// Erasing a person: what opens the commitments goes, the commitments stay. The log keeps that it happened, by whose order, and
// to which commitments; no record changes, so every proof holds.
import { type Kysely, sql } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import type { Store } from "../../store/types.ts"
import { commitPerson, PERSON } from "../sealing/people.ts"

/** Records that one query looks through: short reads, so that nothing waits for them. */
const PAGE = 20_000

/** What the record knows of a person. */
export interface PersonFound {
  /** The commitments that will be closed. */
  commitments: string[]
  /** Records that name one of them, without those that are archived. */
  records: number
  /** Last sequence number that was looked at, and the last that is archived. */
  through: number
  archived: number
}

export interface Erased {
  /** Sequence number of the `log.erased` record. */
  seq: number
}

/**
 * Looks for a person by the exact value that was recorded, or by a commitment as records show it. No commitments: nobody is
 * known by it, or not any more.
 */
export async function findPerson(db: Kysely<Tables>, person: string): Promise<PersonFound> {
  const column = PERSON.test(person) ? "commitment" : "value"
  const rows = await db.selectFrom("people").selectAll().where(column, "=", person.toWellFormed()).execute()
  const commitments = rows.map(({ commitment }) => commitment)
  // A row under another name than its own: erasing it would leave the commitment that it does open.
  if (rows.some((row) => commitPerson(row.value, row.salt) !== row.commitment)) throw damagedPeople()
  const archived = await db.selectFrom("settings").select("value").where("name", "=", "archived").executeTakeFirst()
  const last = await db.selectFrom("events").select("seq").orderBy("seq", "desc").limit(1).executeTakeFirst()
  const range = { archived: Number(archived?.value ?? 0), through: Number(last?.seq ?? 0) }
  const records = commitments.length === 0 ? 0 : await countRecords(db, commitments, range)
  return { commitments, records, ...range }
}

/**
 * Deletes what opens a person's commitments and records `log.erased`, in one transaction. `by` is the personal name of who ordered
 * it. Rejects with `Conflict` where somebody else erased it meanwhile.
 */
export async function erasePerson(
  store: Pick<Store, "db" | "write">,
  found: PersonFound,
  order: { by: string; gateway: string },
): Promise<Erased> {
  const changes = found.commitments.map((commitment) => ({
    ...compile(store.db.deleteFrom("people").where("commitment", "=", commitment)),
    expect: 1,
  }))
  const { seqs } = await store.write({
    changes,
    events: [
      {
        ...{ type: "log.erased", subject: "person", gateway: order.gateway, by: [order.by] },
        detail: { commitments: found.commitments, records: found.records, through: found.through },
      },
    ],
  })
  return { seq: seqs[0]! }
}

function compile(query: { compile(): { sql: string; parameters: readonly unknown[] } }) {
  const { sql, parameters } = query.compile()
  return { sql, parameters }
}

async function countRecords(
  db: Kysely<Tables>,
  commitments: readonly string[],
  { archived, through }: { archived: number; through: number },
): Promise<number> {
  let records = 0
  for (let from = archived + 1; from <= through; from += PAGE) {
    const names = commitments.map((commitment) => sql<boolean>`body like ${`%${escapeLike(commitment)}%`} escape '!'`)
    const row = await db
      .selectFrom("events")
      .select(({ fn }) => fn.countAll().as("count"))
      .where("seq", ">=", from)
      .where("seq", "<", from + PAGE)
      .where((where) => where.or(names))
      .executeTakeFirst()
    records += Number(row?.count ?? 0)
  }
  return records
}

/** An underscore stands for any character in LIKE, and base64url has it. */
function escapeLike(text: string): string {
  return text.replace(/[_%!]/g, "!$&")
}

function damagedPeople(): NanoguardError {
  return new NanoguardError("a personal value in the store does not open the commitment that it is kept for", {
    exit: EXIT.environment,
    hint: "run `nanoguard audit verify`: somebody has changed the table of people",
  })
}
