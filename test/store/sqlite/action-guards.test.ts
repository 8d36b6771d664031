// Credentials stay as signed, a held body as it was asked about, and nothing that was used is given back: against mistakes, and
// other programs' SQL.
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { describe, expect, it, onTestFinished } from "vitest"
import { loadSqlite } from "../../../src/store/sqlite/module.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { ACTIONS_ALLOWED, actionRows, actionsRefused } from "../action-rows.ts"
import { makeDirectory } from "../directory.ts"

const dump = (db: DatabaseSync) =>
  ["credentials", "held", "usage"].map((table) => db.prepare(`SELECT * FROM ${table}`).all())

/** A record with rows in each table, opened by a program that knows nothing of nanoguard. */
async function filled(): Promise<DatabaseSync> {
  const directory = makeDirectory()
  const db = await openRecord(directory)
  onTestFinished(() => db.close())
  for (const row of actionRows("sqlite")) db.exec(row)
  const foreign = new (loadSqlite().DatabaseSync)(join(directory, "record.db"))
  onTestFinished(() => foreign.close())
  return foreign
}

describe("the guards of actions", () => {
  it("refuse what changes a credential or a held body, or gives back what was used", async () => {
    const db = await filled()
    const before = dump(db)
    const replaced = ["credentials", "held"].map((table) => `REPLACE INTO ${table} SELECT * FROM ${table}`)
    for (const statement of [...actionsRefused("sqlite"), ...replaced]) {
      expect(() => db.exec(statement), statement).toThrow(/never (changed|removed|given)|there already|CHECK/)
      expect(dump(db)).toEqual(before)
    }
  })

  it("let a body change hands and go, counters grow, and those of old windows go", async () => {
    const db = await filled()
    for (const statement of ACTIONS_ALLOWED.slice(0, 3)) db.exec(statement)
    expect(db.prepare("SELECT gateway, time FROM held").all()).toEqual([{ gateway: "gw-2", time: 2 }])
    expect(db.prepare('SELECT used FROM usage WHERE "window" = 60000').all()).toEqual([{ used: 5 }])
    for (const statement of ACTIONS_ALLOWED.slice(3)) db.exec(statement)
    expect(db.prepare("SELECT * FROM held").all()).toEqual([])
    expect(db.prepare('SELECT * FROM usage WHERE "window" = 60000').all()).toEqual([])
  })
})
