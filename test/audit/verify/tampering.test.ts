// Every tampering of the list, done to a real log on disk.

import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { parseCheckpoint, signCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { makeSigner } from "../../../src/audit/checkpoints/note.ts"
import { sampleEvents } from "../events.ts"
import { anchorOf, checkpointsOf, copyLog, type TestLog, verify, writeLog } from "../verify-log.ts"
import { RECORDS, rewriteHistory, SIZES, TAMPERINGS } from "./tampering.ts"

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

test("a second branch that was published, under the log's own key, and a checkpoint of a longer log", async () => {
  const { note } = signCheckpoint({ size: 200, root: new Uint8Array(32).fill(1) }, clean.signer)
  const branch = await verify(clean, { anchors: [anchorOf([parseCheckpoint(note)])] })
  expect(branch.problems[0]).toMatchObject({ code: "anchor.branch", seq: 1, to: 200 })
  const longer = signCheckpoint({ size: 700, root: new Uint8Array(32).fill(1) }, clean.signer)
  const cut = await verify(clean, { anchors: [anchorOf([...checkpointsOf(clean), longer])] })
  expect(cut.problems).toMatchObject([{ code: "anchor.branch", seq: 601, to: 700 }])
  expect(cut.anchors).toMatchObject([{ state: "branch", newest: 550 }])
  const stranger = makeSigner(clean.origin, generateKeyPairSync("ed25519").privateKey)
  const foreign = signCheckpoint({ size: 100, root: checkpointsOf(clean)[0]!.root }, stranger)
  const malformed = await verify(clean, { anchors: [anchorOf([foreign])] })
  expect(malformed.problems).toMatchObject([{ code: "anchor.malformed", seq: 100 }])
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
