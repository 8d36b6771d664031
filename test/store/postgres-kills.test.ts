// What each role can do to the list of who is stopped, in SQL of its own.
import type pg from "pg"
import { describe, expect, test } from "vitest"
import { newStoreDatabase, query } from "../postgres.ts"
import { KILL_ROWS, KILLS_REFUSED } from "./kill-rows.ts"

const DENIED = "42501"
const RESTRICTED = "23001"

async function stateOf(url: string, statement: string): Promise<string> {
  return query(url, `set search_path = nanoguard; ${statement}`).then(
    () => "",
    (error: pg.DatabaseError) => error.code ?? "no SQLSTATE",
  )
}

describe("kills", () => {
  test("are added by writers, read by all, and changed by nobody", async (t) => {
    const { login, url, admin } = await newStoreDatabase(t)
    const writer = await login("writer", "nanoguard_writer")
    for (const row of KILL_ROWS) expect([row, await stateOf(writer, row)]).toEqual([row, ""])
    for (const statement of KILLS_REFUSED) {
      expect([DENIED, RESTRICTED]).toContain(await stateOf(writer, statement))
      expect([statement, await stateOf(url, statement)]).toEqual([statement, RESTRICTED])
    }
    expect(await stateOf(writer, "truncate kills")).toBe(DENIED)
    expect(await stateOf(url, "truncate kills")).toBe(RESTRICTED)
    for (const role of ["reader", "eraser"]) {
      const as = await login(role, `nanoguard_${role}`)
      expect(await stateOf(as, "select * from kills")).toBe("")
      for (const statement of [KILL_ROWS[0]!, ...KILLS_REFUSED]) expect(await stateOf(as, statement)).toBe(DENIED)
    }
    expect((await admin("select position from nanoguard.kills order by 1")).rows).toEqual([
      { position: "1" },
      { position: "2" },
    ])
  })
})
