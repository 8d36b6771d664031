// What is signed stays as it was signed, and a request only goes forward: against mistakes, and other programs' SQL.
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { describe, expect, it, onTestFinished } from "vitest"
import { loadSqlite } from "../../../src/store/sqlite/module.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { ALLOWED, REFUSED, ROWS } from "../approval-rows.ts"
import { makeDirectory } from "../directory.ts"

const TABLES = ["approvers", "approvals", "decisions", "policies", "adoptions"]
const dump = (db: DatabaseSync) => TABLES.map((table) => db.prepare(`SELECT * FROM ${table}`).all())

/** A record with a row in each table, opened by a program that knows nothing of nanoguard. */
async function filled(): Promise<DatabaseSync> {
  const directory = makeDirectory()
  const db = await openRecord(directory)
  onTestFinished(() => db.close())
  for (const row of ROWS) db.exec(row)
  const foreign = new (loadSqlite().DatabaseSync)(join(directory, "record.db"))
  onTestFinished(() => foreign.close())
  return foreign
}

describe("the guards of approvals", () => {
  it("refuse what changes or removes anything that was signed, or takes a request back", async () => {
    const db = await filled()
    const before = dump(db)
    const more = TABLES.flatMap((table) => [`REPLACE INTO ${table} SELECT * FROM ${table}`])
    for (const statement of [...REFUSED, ...more]) {
      expect(() => db.exec(statement), statement).toThrow(/never (changed|removed|goes back)|there already/)
      expect(dump(db)).toEqual(before)
    }
  })

  it("let requests go forward", async () => {
    const db = await filled()
    for (const statement of ALLOWED) db.exec(statement)
    expect(db.prepare("SELECT id, state, uses FROM approvals ORDER BY id").all()).toEqual([
      { id: "ap-1", state: "consumed", uses: 2 },
      { id: "ap-2", state: "expired", uses: 0 },
    ])
  })
})
