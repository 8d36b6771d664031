// More changes than a report has room for: all of them are applied.
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { makeRepository, open } from "./make.ts"

test("what a report has no room for is applied with the rest, and only what is asked for", async () => {
  const root = makeRepository()
  const { workspace, directory } = await open(root, { mode: "copy" })
  mkdirSync(join(directory, "tree/new"))
  for (let i = 0; i < 5001; i++) writeFileSync(join(directory, `tree/new/${i}`), "")
  const report = await workspace.finish()
  expect(report).toMatchObject({ counts: { added: 5002 }, partial: false })
  expect(report.changes).toHaveLength(5000)
  const last = "new/999"
  expect(report.changes.map(({ path }) => path)).not.toContain(last)
  expect((await workspace.apply(report, ["new", last])).applied).toEqual(["new", last])
  expect((await workspace.apply(report)).applied).toHaveLength(5002)
  expect(existsSync(join(root, last))).toBe(true)
})
