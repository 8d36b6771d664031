// Personal values leave the log's hashes as salted commitments. The table `people` opens them; a row that is gone stays closed.
import { createHash, randomBytes } from "node:crypto"
import type { Kysely } from "kysely"
import type { PeopleTable, Tables } from "../../store/schema.ts"
import type { PersonCommitment } from "../types.ts"

/** What stands for a value that was erased. */
export const ERASED = "erased"

/** `person:` and the base64url of a SHA-256. */
export const PERSON = /^person:[A-Za-z0-9_-]{43}$/

/**
 * Statements of the committer's transaction. `find` takes one parameter, the values (SQLite: as the text of a JSON array;
 * PostgreSQL: as an array), and answers rows of `value` and `commitment`. `add` takes commitment, salt and value of one row.
 * Found again in every transaction, never remembered: another process may have erased the row since.
 */
export const PEOPLE_SQL = {
  sqlite: {
    find: "SELECT value, commitment FROM people WHERE value IN (SELECT value FROM json_each(?))",
    add: "INSERT INTO people (commitment, salt, value) VALUES (?, ?, ?)",
  },
  postgres: {
    find: "SELECT value, commitment FROM nanoguard.people WHERE value = ANY($1)",
    add: "INSERT INTO nanoguard.people (commitment, salt, value) VALUES ($1, $2, $3)",
  },
} as const

/** The commitment to a value: base64url of SHA-256 over the salt (base64url of 32 bytes) and the value's UTF-8 bytes. */
export function commitPerson(value: string, salt: string): PersonCommitment {
  const hash = createHash("sha256").update(Buffer.from(salt, "base64url")).update(value, "utf8")
  return `person:${hash.digest("base64url")}`
}

/** A new row for a value, with 32 random bytes of salt. */
export function newPerson(value: string): PeopleTable & { commitment: PersonCommitment } {
  const salt = randomBytes(32).toString("base64url")
  return { commitment: commitPerson(value, salt), salt, value }
}

/** Whether the row opens its own commitment: salt and value are those that were committed to. */
export function opensPerson(row: PeopleTable): boolean {
  return row.commitment === commitPerson(row.value, row.salt)
}

/**
 * What commitments open to, by commitment: the value, or "erased" where the row is gone or does not open it. Asks the store
 * for at most 500 at a time.
 */
export async function openPeople(db: Kysely<Tables>, commitments: Iterable<string>): Promise<Map<string, string>> {
  const opened = new Map<string, string>()
  for (const commitment of commitments) opened.set(commitment, ERASED)
  const all = [...opened.keys()]
  for (let at = 0; at < all.length; at += 500) {
    const some = all.slice(at, at + 500)
    const rows = await db.selectFrom("people").selectAll().where("commitment", "in", some).execute()
    for (const row of rows) if (opensPerson(row)) opened.set(row.commitment, row.value)
  }
  return opened
}
