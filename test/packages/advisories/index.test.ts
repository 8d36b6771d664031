// The index file: whatever went in is found again, nothing else is, and damage is never an empty answer.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import { hashName } from "../../../src/packages/advisories/format.ts"
import { openAdvisories } from "../../../src/packages/advisories/read.ts"
import type { PackageRecord } from "../../../src/packages/advisories/types.ts"
import { verifyIndex } from "../../../src/packages/advisories/verify.ts"
import { writeIndex } from "../../../src/packages/advisories/write.ts"
import { writeSyntheticIndex } from "../../bench/make-advisories.ts"

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "nanoguard-"))
})
afterAll(() => rmSync(directory, { recursive: true }))

const DESCRIPTION = {
  kind: "imported" as const,
  created: "2026-01-01T00:00:00.000Z",
  asOf: "2025-12-31",
  newest: {},
  completeness: { npm: "complete" as const },
  sources: [],
  unreadable: 0,
}

function write(name: string, records: readonly PackageRecord[]): string {
  const file = join(directory, name)
  const packages = records.map((record) => ({ hash: hashName(record.ecosystem, record.name), record }))
  writeIndex(
    file,
    packages.sort((a, b) => a.hash - b.hash),
    DESCRIPTION,
  )
  return file
}

const record = (name: string, id = "MAL-2026-1", ecosystem: PackageRecord["ecosystem"] = "npm"): PackageRecord => ({
  ecosystem,
  name,
  advisories: [{ id, kind: "malware", versions: ["1.0.0"] }],
})

describe("round trip", () => {
  const ecosystem = fc.constantFrom<PackageRecord["ecosystem"]>("npm", "pypi", "cargo", "golang")
  const name = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "a\0b"),
  )
  const versions = fc.array(fc.string(), { maxLength: 3 })
  const records = fc.uniqueArray(
    fc.record({ ecosystem, name, versions }).map(
      (it): PackageRecord => ({
        ecosystem: it.ecosystem,
        name: it.name,
        advisories: [{ id: "T-1", kind: "vulnerability", versions: it.versions }],
      }),
    ),
    { selector: (it) => `${it.ecosystem}\0${it.name}`, maxLength: 40 },
  )

  test("any names, found under themselves and nowhere else", () => {
    fc.assert(
      fc.property(records, fc.array(name, { maxLength: 10 }), (list, others) => {
        const index = openAdvisories(write("round.idx", list))
        try {
          for (const it of list) expect(index.records(it.ecosystem, it.name)).toEqual(it)
          const known = new Set(list.map((it) => `${it.ecosystem}\0${it.name}`))
          for (const other of others) {
            if (!known.has(`npm\0${other}`)) expect(index.records("npm", other)).toBeUndefined()
          }
          expect([...index.packages()].length).toBe(list.length)
        } finally {
          index.close()
        }
      }),
      { numRuns: 100 },
    )
  })

  test("names with the same hash are told apart", () => {
    // Found by search: FNV-1a gives both the same 32 bits.
    const pair = ["package-1162789", "package-1379192"] as const
    expect(hashName("npm", pair[0])).toBe(hashName("npm", pair[1]))
    const index = openAdvisories(write("collision.idx", [record(pair[0], "MAL-1"), record(pair[1], "MAL-2")]))
    expect(index.affecting("npm", pair[0], "1.0.0").map(({ id }) => id)).toEqual(["MAL-1"])
    expect(index.affecting("npm", pair[1], "1.0.0").map(({ id }) => id)).toEqual(["MAL-2"])
    index.close()
  })

  test("a synthetic index of many records", () => {
    const file = join(directory, "synthetic.idx")
    const names = Array.from({ length: 300 }, (_, i) => `package-${i}`)
    const info = writeSyntheticIndex(file, { records: 5000, names, share: 0.33, seed: 7 })
    expect(info.records).toBe(5000)
    const index = openAdvisories(file)
    const found = names.filter((name) => index.records("npm", name) !== undefined)
    expect(found.length).toBeGreaterThan(70)
    expect(found.length).toBeLessThan(130)
    let listed = 0
    for (const it of index.packages()) {
      expect(index.records(it.ecosystem, it.name)).toEqual(it)
      listed++
    }
    expect(listed).toBe(info.counts.npm?.packages)
    index.close()
  })
})

describe("damage", () => {
  const names = Array.from({ length: 50 }, (_, i) => `package-${i}`)
  const search = (file: string) => {
    const index = openAdvisories(file)
    try {
      return names.map((name) => index.affecting("npm", name, "1.0.0").length)
    } finally {
      index.close()
    }
  }

  test("any changed byte is an error or changes nothing; no advisory is ever lost in silence", () => {
    const file = write(
      "good.idx",
      names.map((name) => record(name)),
    )
    const good = readFileSync(file)
    expect(verifyIndex(file)).toBe(true)
    const bad = join(directory, "bad.idx")
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(good)
        bytes[at]! ^= flip
        writeFileSync(bad, bytes)
        expect(verifyIndex(bad)).toBe(false)
        try {
          expect(search(bad)).toEqual(names.map(() => 1))
        } catch (error) {
          expect(error).toBeInstanceOf(NanoguardError)
          expect((error as NanoguardError).hint).toContain("nanoguard advisories update")
        }
      }),
      { numRuns: 500 },
    )
  })

  test("a file cut off anywhere is refused", () => {
    const file = write(
      "whole.idx",
      names.map((name) => record(name)),
    )
    const good = readFileSync(file)
    const cut = join(directory, "cut.idx")
    fc.assert(
      fc.property(fc.nat(good.length - 1), (length) => {
        writeFileSync(cut, good.subarray(0, length))
        expect(() => openAdvisories(cut)).toThrow(NanoguardError)
        expect(verifyIndex(cut)).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  test("arbitrary bytes are refused", () => {
    const file = join(directory, "noise.idx")
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        writeFileSync(file, bytes)
        expect(() => openAdvisories(file)).toThrow(NanoguardError)
      }),
      { numRuns: 200 },
    )
  })

  test("a missing file says how to get one", () => {
    const missing = () => openAdvisories(join(directory, "missing.idx"))
    expect(missing).toThrow(NanoguardError)
    expect(missing).toThrow(expect.objectContaining({ exit: 5, hint: "create it with `nanoguard advisories update`" }))
  })

  test("a writer that fails leaves the old file and nothing else", () => {
    const file = write("kept.idx", [record("kept")])
    const before = readFileSync(file)
    function* failing() {
      yield { hash: 1, record: record("x") }
      throw new Error("the source broke")
    }
    expect(() => writeIndex(file, failing(), DESCRIPTION)).toThrow("the source broke")
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(() => statSync(`${file}.${process.pid}.tmp`)).toThrow("ENOENT")
  })

  test("an index that is replaced while it is open still answers", () => {
    const file = write("replaced.idx", [record("old")])
    const index = openAdvisories(file)
    write("replaced.idx", [record("new")])
    expect(index.affecting("npm", "old", "1.0.0").length).toBe(1)
    index.close()
    index.close()
    const again = openAdvisories(file)
    expect(again.affecting("npm", "old", "1.0.0").length).toBe(0)
    again.close()
  })
})
