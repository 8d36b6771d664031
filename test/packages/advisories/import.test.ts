// Sources in every shape -> one index.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type ImportReport, type ImportSource, importAdvisories } from "../../../src/packages/advisories/import.ts"
import { readPath } from "../../../src/packages/advisories/input/path.ts"
import { normalizeOsv } from "../../../src/packages/advisories/osv.ts"
import { openAdvisories } from "../../../src/packages/advisories/read.ts"
import { isReduced, normalizeReduced } from "../../../src/packages/advisories/reduced.ts"
import type { AdvisoryIndex } from "../../../src/packages/advisories/types.ts"
import { asZip64, zipOf } from "./make-zip.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nanoguard-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

const GHSA = {
  schema_version: "1.7.0",
  id: "GHSA-aaaa-bbbb-cccc",
  modified: "2026-03-01T00:00:00Z",
  aliases: ["CVE-2026-1"],
  summary: "never stored",
  something_new: { a: 1 },
  severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" }],
  affected: [
    {
      package: { ecosystem: "npm", name: "left-pad", purl: "pkg:npm/left-pad" },
      ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.3.0" }] }],
    },
  ],
  database_specific: { severity: "MODERATE", cwe_ids: ["CWE-400"] },
}
const MAL = {
  id: "MAL-2026-9",
  modified: "2026-04-01T00:00:00Z",
  affected: [{ package: { ecosystem: "PyPI", name: "Left.Pad" }, versions: ["0.1", "0.2"] }],
}
const both = `${JSON.stringify(GHSA)}\n${JSON.stringify(MAL)}\n`

async function importing<T>(
  source: string | ImportSource,
  look: (index: AdvisoryIndex, report: ImportReport) => T,
): Promise<T> {
  const file = join(directory, "out", "advisories.idx")
  const sources = [typeof source === "string" ? { name: "test", read: () => readPath(source) } : source]
  const options = { kind: "imported" as const, now: Date.parse("2026-06-01"), completeness: "complete" as const }
  const report = await importAdvisories(file, sources, options)
  expect(readdirSync(join(directory, "out"))).toEqual(["advisories.idx"])
  const index = openAdvisories(file)
  try {
    return look(index, report)
  } finally {
    index.close()
  }
}

const put = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, "in", name)
  mkdirSync(join(path, ".."), { recursive: true })
  writeFileSync(path, content)
  return path
}

/** What every good source of the two records comes to. */
const expectBoth = (index: AdvisoryIndex, report: ImportReport) => {
  expect(report).toMatchObject({
    read: 2,
    withdrawn: 0,
    invalid: { count: 0 },
    info: { records: 2, asOf: "2026-04-01" },
  })
  expect(index.affecting("npm", "left-pad", "1.2.9")).toEqual([
    {
      id: "GHSA-aaaa-bbbb-cccc",
      aliases: ["CVE-2026-1"],
      kind: "vulnerability",
      severity: "high",
      cvss: 7.5,
      fixed: ["1.3.0"],
    },
  ])
  expect(index.affecting("npm", "left-pad", "1.3.0")).toEqual([])
  expect(index.affecting("pypi", "left-pad", "0.2").map(({ id, kind }) => [id, kind])).toEqual([
    ["MAL-2026-9", "malware"],
  ])
}

describe("the same two records as", () => {
  test("NDJSON", () => importing(put("a.ndjson", both), expectBoth))
  test("NDJSON without a final newline, with blank lines and CRLF", () =>
    importing(put("a.jsonl", both.trim().replace("\n", "\r\n\r\n")), expectBoth))
  test("gzipped NDJSON", () => importing(put("a.ndjson.gz", gzipSync(both)), expectBoth))
  test("NDJSON under any name", () => importing(put("download", both), expectBoth))
  test("one pretty-printed JSON list", () => importing(put("a.json", JSON.stringify([GHSA, MAL], null, 2)), expectBoth))
  test("a zip, deflated", () =>
    importing(put("all.zip", zipOf({ "a.json": JSON.stringify(GHSA), "b.json": JSON.stringify(MAL) })), expectBoth))
  test("a zip, stored, with hostile names and other files", () =>
    importing(
      put(
        "all.zip",
        zipOf({ "../../a.json": JSON.stringify(GHSA), "/b\u202e.json": JSON.stringify(MAL), "c.txt": "no" }, 0),
      ),
      expectBoth,
    ))
  test("a zip with 64-bit counts and offsets", () =>
    importing(
      put("all.zip", asZip64(zipOf({ "a.json": JSON.stringify(GHSA), "b.json": JSON.stringify(MAL) }))),
      expectBoth,
    ))
  test("a directory tree", () => {
    put("2026/03/GHSA-aaaa-bbbb-cccc.json", JSON.stringify(GHSA, null, 2))
    put("2026/04/x/MAL-2026-9.json", JSON.stringify(MAL))
    put("README.md", "not a record")
    put(".git/x.json", "not a record")
    symlinkSync(join(directory, "in"), join(directory, "in", "loop"))
    return importing(join(directory, "in"), expectBoth)
  })
})

describe("what is left out is counted and named", () => {
  test("invalid records, other ecosystems, withdrawn ones, commit ranges", async () => {
    const lines = [
      GHSA,
      { ...GHSA, id: "GHSA-gone-gone-gone", withdrawn: "2026-01-01T00:00:00Z" },
      { ...GHSA, id: undefined },
      { ...GHSA, id: "GHSA-\u001b[31m" },
      { id: "X-1", affected: [{ package: { ecosystem: "Maven", name: "a:b" }, versions: ["1"] }] },
      { id: "X-2", affected: [{ package: { ecosystem: "Debian:12", name: "a" }, versions: ["1"] }] },
      { id: "X-3", affected: [{ package: { ecosystem: "npm", name: "evil\u001b[2Jname" }, versions: ["1"] }] },
      {
        id: "X-4",
        affected: [
          {
            package: { ecosystem: "npm", name: "b" },
            ranges: [{ type: "GIT", repo: "x", events: [{ introduced: "0" }] }],
            versions: ["1.0.0"],
          },
        ],
      },
      [],
      null,
    ].map((it) => JSON.stringify(it))
    await importing(put("a.ndjson", [...lines, "{broken", "7"].join("\n")), (index, report) => {
      expect(report).toMatchObject({
        read: 12,
        withdrawn: 1,
        gitRanges: 1,
        otherEcosystems: { Maven: 1, Debian: 1 },
        invalid: {
          count: 7,
          examples: [
            { where: "a.ndjson:3", problem: "no usable id" },
            { where: "a.ndjson:4", problem: "no usable id" },
            { where: "a.ndjson:7", problem: "a package without a usable name" },
            { where: "a.ndjson:9", problem: "not an object" },
            { where: "a.ndjson:10", problem: "not an object" },
            { where: "a.ndjson:11", problem: "not JSON" },
            { where: "a.ndjson:12", problem: "not an object" },
          ],
        },
      })
      expect(index.info.unreadable).toBe(7)
      expect(index.records("npm", "left-pad")?.withdrawn).toEqual(["GHSA-gone-gone-gone"])
      expect(index.affecting("npm", "b", "1.0.0").length).toBe(1)
    })
  })

  test("a date in the future does not make old data look fresh", () =>
    importing(put("a.json", JSON.stringify({ ...GHSA, modified: "2099-01-01T00:00:00Z" })), (index) => {
      expect(index.info.asOf).toBe("")
    }))

  test("nothing to import is an error that keeps the old index", async () => {
    await importing(put("a.ndjson", both), expectBoth)
    const empty = put("empty.ndjson", "\n")
    await expect(importing(empty, () => {})).rejects.toMatchObject({ exit: 3 })
    const index = openAdvisories(join(directory, "out", "advisories.idx"))
    expect(index.info.records).toBe(2)
    index.close()
  })

  test("a source that fails half-way keeps the old index and leaves no files", async () => {
    await importing(put("a.ndjson", both), expectBoth)
    const failing: ImportSource = {
      name: "failing",
      async *read() {
        yield { where: "a", text: JSON.stringify({ ...GHSA, id: "GHSA-dddd-dddd-dddd" }) }
        throw new Error("the connection broke")
      },
    }
    await expect(importing(failing, () => {})).rejects.toThrow("the connection broke")
    expect(readdirSync(join(directory, "out"))).toEqual(["advisories.idx"])
    const index = openAdvisories(join(directory, "out", "advisories.idx"))
    expect(index.records("npm", "left-pad")?.advisories[0]?.id).toBe("GHSA-aaaa-bbbb-cccc")
    index.close()
  })
})

describe("hostile archives", () => {
  const problems = (path: string) =>
    importing(
      {
        name: "test",
        async *read() {
          yield { where: "good", text: JSON.stringify(GHSA) }
          yield* readPath(path)
        },
      },
      (_, report) => report.invalid,
    )

  test("a member that unpacks to more than it may", async () => {
    const bomb = put("bomb.zip", zipOf({ "bomb.json": " ".repeat(40 << 20) }))
    expect(await problems(bomb)).toEqual({
      count: 1,
      examples: [{ where: "bomb.zip/bomb.json", problem: "larger than 16 MiB" }],
    })
  })
  test("a member that lies about its size", async () => {
    const bytes = zipOf({ "bomb.json": " ".repeat(40 << 20) })
    for (let at = 0; at + 4 <= bytes.length; at++) {
      if (bytes.readUInt32LE(at) === 40 << 20) bytes.writeUInt32LE(10, at)
    }
    expect(await problems(put("bomb.zip", bytes))).toMatchObject({
      count: 1,
      examples: [{ problem: "larger than 16 MiB" }],
    })
  })
  test("gzip that unpacks to one endless line", async () => {
    const bomb = put("bomb.ndjson.gz", gzipSync(Buffer.alloc(70 << 20, 32)))
    expect(await problems(bomb)).toMatchObject({ count: 1, examples: [{ problem: "a line longer than 16 MiB" }] })
  })
  test("truncated gzip", async () => {
    const cut = put("cut.ndjson.gz", gzipSync(both.repeat(50)).subarray(0, 200))
    expect((await problems(cut)).examples.at(-1)).toEqual({ where: "cut.ndjson.gz", problem: "damaged gzip data" })
  })
  test("zips cut off or changed anywhere give problems, never an exception", async () => {
    const good = zipOf({ "a.json": JSON.stringify(GHSA), "b.json": JSON.stringify(MAL) })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        async (at, value, cut) => {
          const bytes = cut ? good.subarray(0, at) : Buffer.from(good)
          if (!cut) bytes[at] = value
          const path = put("changed.zip", bytes)
          for await (const item of readPath(path)) expect(item.text ?? item.problem).toBeTypeOf("string")
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe("mutated records", () => {
  const textless = { toString: 1, valueOf: 1 }
  const constants = [null, [], {}, textless, [textless]].map((value) => fc.constant(value))
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), ...constants)
  function mutate(value: unknown, path: readonly number[], replacement: unknown): unknown {
    if (typeof value !== "object" || value === null || path.length === 0) return replacement
    const keys = Object.keys(value)
    if (keys.length === 0) return replacement
    const key = keys[path[0]! % keys.length]!
    const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value }
    ;(copy as Record<string, unknown>)[key] = mutate(
      (value as Record<string, unknown>)[key],
      path.slice(1),
      replacement,
    )
    return copy
  }
  const reduced = {
    id: "NSWG-ECO-1",
    aliases: ["CVE-1-1"],
    ecosystem: "npm",
    package: "a",
    kind: "vulnerability",
    severity: "HIGH",
    cvss: null,
    ranges: [{ introduced: "0", fixed: "1.0.0" }],
    vulnerable_versions: "<1.0.0",
    patched_versions: ">=1.0.0",
    versions: ["0.1.0"],
  }
  test.each([
    ["OSV", GHSA],
    ["reduced", reduced],
  ])("%s: any member replaced by anything is read or refused, never thrown at", (_, original) => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }), leaf, (path, replacement) => {
        const record = JSON.parse(JSON.stringify(mutate(original, path, replacement)))
        const { findings, invalid } = isReduced(record) ? normalizeReduced(record) : normalizeOsv(record)
        expect(findings !== undefined || invalid !== undefined).toBe(true)
        for (const finding of findings ?? []) {
          const entry = finding.record
          // Nothing to compare with must leave a mark.
          if (entry && !entry.ranges && !entry.versions) expect(entry.unreadable).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })
  test("anything at all", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { findings, invalid } = isReduced(value) ? normalizeReduced(value) : normalizeOsv(value)
        expect(findings !== undefined || invalid !== undefined).toBe(true)
      }),
    )
  })
})
