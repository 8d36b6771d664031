import fc from "fast-check"
import { expect, test } from "vitest"
import { type BodyRow, beginScan } from "../../../src/audit/verify/scan.ts"
import { beginTree } from "../../../src/audit/verify/tree.ts"
import { mth, sha256 } from "../oracle.ts"

const bodies = Array.from({ length: 1500 }, (_, at) => `{"v":${at}}`)
const leaves = bodies.map((body) => sha256(Buffer.of(0), Buffer.from(body)))

/** Scans `rows` in ranges of `tiles` tiles each, against the tiles of the first `derived` records as they should be. */
function scan(rows: readonly BodyRow[], records: number, sizes: readonly number[], tiles: number, derived = records) {
  const tree = beginTree()
  const differences = []
  for (let from = 1; from <= records; from += tiles * 256) {
    const to = Math.min(records, from + tiles * 256 - 1)
    const range = beginScan({
      from,
      to,
      sizes: sizes.filter((size) => size >= from && size <= to),
      derived,
      archived: 0,
    })
    for (let start = from; start <= to; start += 256) {
      const end = Math.min(to, start + 255)
      const tile = Buffer.concat(leaves.slice(start - 1, Math.min(end, derived)))
      range.addTile(
        rows.filter(([seq]) => seq >= start && seq <= end),
        tile,
      )
    }
    const result = range.result()
    tree.add(result.roots, result.partial)
    differences.push(...result.differences)
  }
  return { tree, differences }
}

const rowsOf = (records: number) => bodies.slice(0, records).map((body, at): BodyRow => [at + 1, body])

test("gives the root of RFC 6962 at every size that was asked for, however the log is cut into ranges", () => {
  const cases = fc.record({
    records: fc.integer({ min: 1, max: bodies.length }),
    tiles: fc.integer({ min: 1, max: 4 }),
    wanted: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
  })
  fc.assert(
    fc.property(cases, ({ records, tiles, wanted }) => {
      const sizes = [...new Set(wanted.map((part) => Math.max(1, Math.round(part * records))))].sort((a, b) => a - b)
      const { tree, differences } = scan(rowsOf(records), records, sizes, tiles)
      expect(differences).toEqual([])
      for (const size of sizes) expect(Buffer.from(tree.rootAt(size)!)).toEqual(Buffer.from(mth(leaves.slice(0, size))))
      expect(tree.rootAt(records + 256)).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})

test("names every record that was altered, and no other", () => {
  const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(seqs, (altered) => {
      const rows = rowsOf(700).map(([seq, body]): BodyRow => [seq, altered.includes(seq) ? `${body} ` : body])
      const { differences } = scan(rows, 700, [], 2)
      const named = differences.flatMap(({ seq, to }) => Array.from({ length: to - seq + 1 }, (_, at) => seq + at))
      expect(named).toEqual(altered.toSorted((a, b) => a - b))
      expect(differences.every(({ kind }) => kind === "altered")).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test("says nothing of records whose leaf is not derived yet", () => {
  const rows = rowsOf(600).map(([seq, body]): BodyRow => [seq, seq > 500 ? `${body} ` : body])
  expect(scan(rows, 600, [], 2, 500).differences).toEqual([])
  expect(scan(rows, 600, [], 2, 501).differences).toMatchObject([{ kind: "altered", seq: 501, to: 501 }])
})
