import { expect, test } from "vitest"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { makeDirectory } from "../directory.ts"
import { KILL_ROWS, KILLS_REFUSED } from "../kill-rows.ts"

test("whom somebody stopped stays on the list", async (t) => {
  const db = await openRecord(makeDirectory())
  t.onTestFinished(() => db.close())
  for (const row of KILL_ROWS) db.exec(row)
  const rows = () => db.prepare("SELECT * FROM kills ORDER BY position").all()
  const before = rows()
  const replaced = KILLS_REFUSED.filter((one) => one.startsWith("insert")).map((one) => `${one} on conflict do nothing`)
  const replacing = ["replace into kills values (1, 'resume', 'all', 1, 'x', 'x', '')"]
  for (const statement of [...KILLS_REFUSED, ...replaced, ...replacing])
    expect(() => db.exec(statement), statement).toThrow(/never (changed|removed)|follows the last/)
  expect(rows()).toEqual(before)
})
