// What each role can do to approvals, in SQL of its own: rights first, triggers behind them.
import type pg from "pg"
import { describe, expect, type TestContext, test } from "vitest"
import { newStoreDatabase, query } from "../postgres.ts"
import { ALLOWED, REFUSED, ROWS } from "./approval-rows.ts"

const DENIED = "42501"
const RESTRICTED = "23001"
const NAMED = "set search_path = nanoguard; "

async function stateOf(url: string, statement: string): Promise<string> {
  return query(url, NAMED + statement).then(
    () => "",
    (error: pg.DatabaseError) => error.code ?? "no SQLSTATE",
  )
}

async function filledDatabase(t: TestContext) {
  const database = await newStoreDatabase(t)
  const writer = await database.login("writer", "nanoguard_writer")
  for (const row of ROWS) expect(await stateOf(writer, row)).toBe("")
  return { ...database, writer }
}

describe("approvals", () => {
  test("grow and go forward by a writer's hand, and nothing that was signed changes", async (t) => {
    const { writer, admin } = await filledDatabase(t)
    for (const statement of REFUSED) {
      // A writer may touch a request's state and uses: there the trigger stands.
      const expected = statement.includes("uses = -1") ? RESTRICTED : DENIED
      expect([statement, await stateOf(writer, statement)]).toEqual([statement, expected])
    }
    for (const statement of ALLOWED) expect([statement, await stateOf(writer, statement)]).toEqual([statement, ""])
    for (const back of ["state = 'pending'", "state = 'granted'", "uses = 1"])
      expect(await stateOf(writer, `update approvals set ${back} where id = 'ap-1'`)).toBe(RESTRICTED)
    const { rows } = await admin("select id, state, uses from nanoguard.approvals order by id")
    expect(rows.map(({ state, uses }) => `${state} ${uses}`)).toEqual(["consumed 2", "expired 0"])
  })

  test("are closed to whoever only reads or erases, and to the owner's mistakes", async (t) => {
    const { login, url } = await filledDatabase(t)
    for (const role of ["reader", "eraser"]) {
      const as = await login(role, `nanoguard_${role}`)
      for (const table of ["approvers", "approvals", "decisions", "policies", "adoptions"]) {
        expect(await stateOf(as, `select * from ${table}`)).toBe("")
        expect(await stateOf(as, `insert into ${table} select * from ${table}`)).toBe(DENIED)
        expect(await stateOf(as, `truncate ${table}`)).toBe(DENIED)
        expect(await stateOf(url, `truncate ${table}`)).toBe(RESTRICTED)
      }
      for (const statement of [...REFUSED, ...ALLOWED]) expect(await stateOf(as, statement)).toBe(DENIED)
    }
    for (const statement of REFUSED) expect([statement, await stateOf(url, statement)]).toEqual([statement, RESTRICTED])
  })

  test("of one question at most one waits", async (t) => {
    const { writer } = await filledDatabase(t)
    const again = ROWS[1]!.replaceAll("ap-1", "ap-3")
    expect(await stateOf(writer, again)).toBe("23505")
    expect(await stateOf(writer, again.replace("'pending'", "'expired'"))).toBe("")
  })
})
