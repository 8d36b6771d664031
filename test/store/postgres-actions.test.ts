// What each role can do to credentials, held bodies and usage, in SQL of its own: rights first, triggers behind them.
import type pg from "pg"
import { describe, expect, type TestContext, test } from "vitest"
import { newStoreDatabase, query } from "../postgres.ts"
import { ACTIONS_ALLOWED, actionRows, actionsRefused } from "./action-rows.ts"

const DENIED = "42501"
const RESTRICTED = "23001"
const CHECKED = "23514"
const TABLES = ["credentials", "held", "usage"]

async function stateOf(url: string, statement: string): Promise<string> {
  return query(url, `set search_path = nanoguard; ${statement}`).then(
    () => "",
    (error: pg.DatabaseError) => error.code ?? "no SQLSTATE",
  )
}

async function filledDatabase(t: TestContext) {
  const database = await newStoreDatabase(t)
  const writer = await database.login("writer", "nanoguard_writer")
  for (const row of actionRows("postgres")) expect([row, await stateOf(writer, row)]).toEqual([row, ""])
  return { ...database, writer }
}

describe("actions", () => {
  test("a writer adds credentials, holds and lets go of bodies, and counts up", async (t) => {
    const { writer, admin } = await filledDatabase(t)
    const rows = async () =>
      Promise.all(TABLES.map(async (table) => (await admin(`select * from nanoguard.${table}`)).rows))
    const before = await rows()
    for (const statement of actionsRefused("postgres"))
      expect([DENIED, RESTRICTED, CHECKED]).toContain(await stateOf(writer, statement))
    expect(await stateOf(writer, "update usage set used = 'NaN'")).toBe(CHECKED)
    expect(await rows()).toEqual(before)
    for (const statement of ACTIONS_ALLOWED)
      expect([statement, await stateOf(writer, statement)]).toEqual([statement, ""])
    for (const table of TABLES) expect(await stateOf(writer, `truncate ${table}`)).toBe(DENIED)
  })

  test("are closed to whoever only reads or erases, and to the owner's mistakes", async (t) => {
    const { login, url } = await filledDatabase(t)
    for (const role of ["reader", "eraser"]) {
      const as = await login(role, `nanoguard_${role}`)
      for (const table of TABLES) {
        expect(await stateOf(as, `select * from ${table}`)).toBe("")
        expect(await stateOf(as, `insert into ${table} select * from ${table}`)).toBe(DENIED)
        expect(await stateOf(as, `truncate ${table}`)).toBe(DENIED)
        expect(await stateOf(url, `truncate ${table}`)).toBe(RESTRICTED)
      }
      for (const statement of [...actionsRefused("postgres"), ...ACTIONS_ALLOWED])
        expect([statement, await stateOf(as, statement)]).toEqual([statement, DENIED])
    }
    for (const statement of actionsRefused("postgres"))
      expect([RESTRICTED, CHECKED]).toContain(await stateOf(url, statement))
  })
})
