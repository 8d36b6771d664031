// A store in memory whose derived tables are filled by the real fold, from records that a test writes down.
import { DatabaseSync } from "node:sqlite"
import { Kysely } from "kysely"
import { onTestFinished } from "vitest"
import { emptyChanges, emptyKnown, foldRow } from "../../../src/audit/derive/derive-fold.ts"
import { writeChanges, writeDerived } from "../../../src/audit/derive/derive-sql.ts"
import { indexRow } from "../../../src/audit/derive/index-rows.ts"
import { newPerson } from "../../../src/audit/sealing/people.ts"
import type { LogRecord, PersonCommitment } from "../../../src/audit/types.ts"
import type { Advisory, Effect, Verdict } from "../../../src/policy/types.ts"
import { createTables } from "../../../src/store/index-tables.ts"
import { migrateTo, recordMigrations } from "../../../src/store/migrate.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"

export const at = (time: string) => Date.parse(time)

/** A record with the members that every one has. */
export function recordOf(record: Partial<LogRecord>): LogRecord {
  const time = record.time ?? "2026-11-01T00:00:00.000Z"
  return { v: 1, kind: "package", type: "package.decided", subject: "x", gateway: "gw", ...record, time }
}

/** A verdict that rests on these advisories. */
export function verdictOf(effect: Effect, subject = "x", advisories: readonly Partial<Advisory>[] = []): Verdict {
  const evidence = advisories.map(({ id = "", aliases = [] }) => ({ kind: "advisory", id, aliases }))
  return {
    ...{ effect, code: `${effect}.test`, rule: "packages (nanoguard.yaml:1:1)", subject, reason: "because" },
    ...{ evidence, mode: "enforce", policyHash: "policy-1" },
  }
}

/** A database with the records as events 1, 2, ...; a string is a body as it is. */
export async function fillStore(records: readonly (LogRecord | string)[]): Promise<Kysely<Tables>> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(new DatabaseSync(":memory:"), ":memory:") })
  onTestFinished(() => db.destroy())
  await migrateTo(db, recordMigrations(), ":memory:")
  await createTables(db, "sqlite")
  const known = emptyKnown()
  const changes = emptyChanges()
  const events = records.map((record, i) => {
    const body = typeof record === "string" ? record : JSON.stringify(record)
    foldRow(known, changes, indexRow(i + 1, body))
    return { seq: i + 1, body }
  })
  for (const event of events) await db.insertInto("events").values(event).execute()
  await writeChanges(db, "sqlite", changes, [])
  await writeDerived(db, "sqlite", "seq", String(records.length))
  return db
}

/** Adds a person to the store and returns the commitment. */
export async function addPerson(db: Kysely<Tables>, value: string): Promise<PersonCommitment> {
  const person = newPerson(value)
  await db.insertInto("people").values(person).execute()
  return person.commitment
}
