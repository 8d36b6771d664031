// Every tampering of the list, done to a real log on disk.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { sampleEvents } from "./events.ts"
import { RECORDS, rewriteHistory, SIZES, TAMPERINGS } from "./tampering.ts"
import { anchorOf, checkpointsOf, copyLog, type TestLog, verify, writeLog } from "./verify-log.ts"

let clean: TestLog

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-test-"))
  // A clock that ran back would explain a checkpoint that is dated back.
  const events = sampleEvents(3, RECORDS + 100).filter(({ type }) => type !== "log.clock-back")
  clean = await writeLog(directory, events.slice(0, RECORDS), SIZES)
})
afterAll(() => rmSync(clean.directory, { recursive: true }))

test("nothing is wrong before", async () => {
  const report = await verify(clean, { anchors: [anchorOf(checkpointsOf(clean))] })
  expect(report.problems).toEqual([])
  expect(report.unchecked).toMatchObject([
    { code: "checkpoint.behind", from: 551, to: 600 },
    { code: "anchor.behind", from: 551, to: 600, what: "not anchored since seq 551" },
  ])
})

test.for(TAMPERINGS)("notices: $name", async ({ work, finds }) => {
  const log = copyLog(clean)
  await work(log)
  const report = await verify(log)
  expect(report.intact).toBe(false)
  const first = finds.seq === undefined ? report.problems.find(({ code }) => code === finds.code) : report.problems[0]
  expect(first, JSON.stringify(report.problems, null, 1)).toMatchObject(finds)
})

test("a rewritten history, signed with the log's own key, is noticed as soon as one outside checkpoint exists", async () => {
  const log = copyLog(clean)
  const anchor = anchorOf(checkpointsOf(clean).slice(1, 2))
  await rewriteHistory(log)
  const report = await verify(log, { anchors: [anchor] })
  expect(report.problems).toMatchObject([{ code: "anchor.branch", seq: 1, to: 256 }])
  expect(report.anchors).toMatchObject([{ state: "branch", newest: 0 }])
})

test("and without one, that it could not be noticed is said", async () => {
  const log = copyLog(clean)
  await rewriteHistory(log)
  const report = await verify(log)
  expect(report.intact).toBe(true)
  expect(report.unchecked.at(-1)).toEqual({
    code: "anchor.none",
    what: "no anchor is configured: whoever has root on this host could have rewritten all of it",
  })
})
