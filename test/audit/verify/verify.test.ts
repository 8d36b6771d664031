import { expect, test } from "vitest"
import { anchorOf, checkpointsOf, makeLog, verify } from "../verify-log.ts"

test("accepts a log that nobody touched, and says what nobody could check", async () => {
  const log = await makeLog(1000, [1, 255, 256, 257, 700])
  const report = await verify(log)
  expect(report.problems).toEqual([])
  expect(report).toMatchObject({
    intact: true,
    origin: log.origin,
    records: 1000,
    hashed: 1000,
    indexed: 1000,
    opened: 4,
  })
  expect(report.checkpoints).toEqual({ count: 5, verified: 5, newest: 700 })
  expect(report.unchecked.map(({ code }) => code)).toEqual(["checkpoint.behind", "anchor.none"])
})

test("hashes in threads what it hashes in one", async () => {
  const log = await makeLog(3000, [100, 3000])
  const anchors = [anchorOf(checkpointsOf(log))]
  const { milliseconds: _, ...alone } = await verify(log, { anchors })
  const { milliseconds: __, ...threads } = await verify(log, { anchors, threads: 2 })
  expect(threads).toEqual(alone)
  expect(alone).toMatchObject({
    intact: true,
    unchecked: [],
    anchors: [{ state: "consistent", newest: 3000, checkpoints: 2 }],
  })
})
