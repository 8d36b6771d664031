import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe, expect, it, onTestFinished } from "vitest"
import { type ArchiveHeader, listSegments, segmentName } from "../../../src/audit/archive/format.ts"
import { loadFrontier } from "../../../src/audit/archive/frontier.ts"
import { checkSegment, openSegment } from "../../../src/audit/archive/read.ts"
import { writeSegment } from "../../../src/audit/archive/write.ts"
import { emptyFrontier, hashLeaf, pushLeaf } from "../../../src/audit/tree/merkle.ts"
import { openFilesForReading } from "../../../src/store/sqlite/reader.ts"
import { temporaryDirectory } from "../../context.ts"
import { checkpointsOf, makeLog, type TestLog } from "../verify-log.ts"

async function readerOf(log: TestLog) {
  const reader = await openFilesForReading(log.directory)
  onTestFinished(() => reader.close())
  return reader
}

async function bodiesOf(log: TestLog): Promise<string[]> {
  const reader = await openFilesForReading(log.directory)
  const rows = await reader.db.selectFrom("events").select("body").orderBy("seq").execute()
  await reader.close()
  return rows.map(({ body }) => body)
}

describe("a segment", () => {
  it("is checked alone, wherever in the log it begins", async () => {
    const log = await makeLog(600, [530, 600])
    const { db } = await readerOf(log)
    const directory = temporaryDirectory()
    for (const [from, to] of [
      [1, 1],
      [1, 256],
      [2, 255],
      [257, 512],
      [300, 530],
      [512, 600],
      [600, 600],
    ] as const) {
      const checkpoint = checkpointsOf(log).find(({ size }) => size >= to)!
      const segment = await writeSegment(db, { directory, from, to, checkpoint, gzip: to % 2 === 0 })
      expect(await checkSegment(segment)).toEqual({ header: segment.header, digest: segment.digest })
    }
  })

  it("begins with the frontier of what was before it", async () => {
    const log = await makeLog(600)
    const { db } = await readerOf(log)
    const frontier = emptyFrontier()
    const bodies = await bodiesOf(log)
    for (const [size, body] of bodies.entries()) {
      if (size % 37 === 0 || size % 256 < 2)
        expect(await loadFrontier(db, size)).toEqual(frontier.nodes.map((node) => Uint8Array.from(node)))
      pushLeaf(frontier, hashLeaf(body))
    }
  })

  it("is refused for every change to it", async () => {
    const log = await makeLog(60, [50, 60])
    const { db } = await readerOf(log)
    const directory = temporaryDirectory()
    const checkpoint = checkpointsOf(log)[1]!
    const whole = await writeSegment(db, { directory, from: 11, to: 40, checkpoint, gzip: false })
    const lines = readFileSync(whole.path, "utf8").split("\n").slice(0, -1)
    const header = JSON.parse(lines[0]!) as ArchiveHeader
    const flip = (hash: string) => {
      const bytes = Buffer.from(hash, "base64")
      bytes[3]! ^= 1
      return bytes.toString("base64")
    }
    const withHeader = (over: object) => [JSON.stringify({ ...header, ...over }), ...lines.slice(1)]
    const changes: [string, string[]][] = [
      ["a byte of a record", lines.map((line, i) => (i === 7 ? line.replace('"v":1', '"v":2') : line))],
      ["two records in another order", lines.with(5, lines[6]!).with(6, lines[5]!)],
      ["a record less", lines.toSpliced(9, 1)],
      ["a record more", [...lines, lines.at(-1)!]],
      ["a record twice", lines.toSpliced(9, 1, lines[8]!)],
      ["another root", withHeader({ root: flip(header.root) })],
      ["another beginning", withHeader({ before: [flip(header.before[0]!), header.before[1]] })],
      ["a beginning too short", withHeader({ before: header.before.slice(1) })],
      ["another proof", withHeader({ proof: header.proof.map(flip) })],
      ["no proof", withHeader({ proof: [] })],
      ["another range", withHeader({ from: 12, to: 41 })],
      ["an older checkpoint", withHeader({ checkpoint: checkpointsOf(log)[0]!.note })],
      ["another origin", withHeader({ origin: "nanoguard/0123456789abcdef" })],
      ["no checkpoint", withHeader({ checkpoint: "x" })],
      ["another format", withHeader({ format: "nanoguard.archive/2" })],
      ["hashes that are none", withHeader({ root: "short" })],
      ["a header that is none", ["[]", ...lines.slice(1)]],
      ["no header", lines.slice(1)],
      ["nothing", []],
    ]
    for (const [what, changed] of changes) {
      writeFileSync(whole.path, changed.map((line) => `${line}\n`).join(""))
      await expect(checkSegment(whole), what).rejects.toThrow(/the archive is damaged/)
    }
    writeFileSync(whole.path, lines.map((line) => `${line}\n`).join(""))
    await checkSegment(whole)
    const raw = readFileSync(whole.path)
    for (const [what, bytes] of [
      ["a file cut short", raw.subarray(0, -40)],
      ["no last newline", raw.subarray(0, -1)],
      ["what is no UTF-8", raw.with(raw.length - 20, 0xff)],
      ["an endless line", Buffer.concat([raw, Buffer.alloc(600_000, 0x61)])],
    ] as const) {
      writeFileSync(whole.path, bytes)
      await expect(checkSegment(whole), what).rejects.toThrow(/the archive is damaged/)
    }
    const zipped = { ...whole, path: `${whole.path}.gz` }
    const gzip = gzipSync(raw)
    writeFileSync(zipped.path, gzip)
    await checkSegment(zipped)
    for (const bytes of [
      gzip.subarray(0, -9),
      gzip.with(gzip.length - 3, gzip.at(-3)! ^ 1),
      raw,
      gzipSync(Buffer.alloc(3_000_000)),
    ]) {
      writeFileSync(zipped.path, bytes)
      await expect(checkSegment(zipped)).rejects.toThrow(/the archive is damaged/)
    }
    await expect(checkSegment({ ...whole, path: join(directory, "none") })).rejects.toThrow(/ENOENT/)
  })

  it("is never written over another", async () => {
    const log = await makeLog(40)
    const { db } = await readerOf(log)
    const directory = temporaryDirectory()
    const plan = { directory, from: 1, to: 30, checkpoint: checkpointsOf(log)[0]!, gzip: false }
    writeFileSync(join(directory, segmentName(1, 30, false)), "somebody's")
    await expect(writeSegment(db, plan)).rejects.toThrow(/a file in the archive's place/)
    expect(readdirSync(directory)).toEqual([segmentName(1, 30, false)])
    expect(readFileSync(join(directory, segmentName(1, 30, false)), "utf8")).toBe("somebody's")
  })

  it("is one only by its name", async () => {
    const directory = temporaryDirectory({
      "records-000000000005-000000000009.ndjson": "",
      "records-000000000001-000000000004.ndjson.gz": "",
      "records-000000000009-000000000005.ndjson": "",
      "records-1-4.ndjson": "",
      ".part-0123456789ab-records-000000000001-000000000004.ndjson": "",
      "records-000000000001-000000000004.ndjson.bak": "",
    })
    expect(listSegments(directory).map(({ from, to }) => [from, to])).toEqual([
      [1, 4],
      [5, 9],
    ])
    expect(() => listSegments(join(directory, "none"))).toThrow(/cannot be read \(ENOENT\)/)
    await expect(openSegment(join(directory, "records-000000000005-000000000009.ndjson"))).rejects.toThrow(
      /does not begin/,
    )
  })
})
