import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { indexRow, indexText, UNREADABLE } from "../../../src/audit/derive/index-rows.ts"
import { PEOPLE, packageEvent, sealSamples } from "../events.ts"

const TIME = "2026-11-02T03:04:05.678Z"
const rowOf = (record: object) => indexRow(7, JSON.stringify({ v: 1, time: TIME, kind: "package", ...record }))

describe("a row of the index", () => {
  test("says of a sealed decision what filters and the inventory ask for", () => {
    const event = packageEvent("left-pad", "1.3.0", {
      effect: "deny",
      agent: "claude-1",
      run: "run-1",
      by: [PEOPLE[0]],
    })
    const { bodies, people } = sealSamples([{ ...event, time: Date.parse(TIME) }])
    const ana = people.find(({ value }) => value === PEOPLE[0])!.commitment
    const row = indexRow(7, bodies[0]!)
    expect(row).toMatchObject({
      ...{ seq: 7, time: Date.parse(TIME), kind: "package", type: "package.decided", agent: "claude-1", run: "run-1" },
      ...{ effect: "deny", outcome: "refused", operator: ana, policy: event.decision!.verdict.policyHash, boxed: true },
      use: {
        item: { kind: "package", name: "pkg:npm/left-pad", version: "1.3.0", digest: event.item!.digest },
        ...{ outcome: "refused", operator: ana, approvers: ana },
      },
    })
    expect(new Set(row.advisories)).toEqual(new Set(["GHSA-aaaa-bbbb-cccc", "CVE-2026-1234"]))
  })

  test("names advisories that are known of an item though an exception lifted them, by id and alias", () => {
    const facts = { advisories: [{ id: "GHSA-1", aliases: ["CVE-1", "CVE-2"], kind: "vulnerability", fixed: [] }] }
    const verdict = {
      effect: "allow",
      evidence: [
        { kind: "license", license: "MIT" },
        { kind: "advisory", id: "MAL-9" },
      ],
    }
    const row = rowOf({ item: { kind: "package", name: "pkg:npm/x" }, evidence: { now: 0, facts }, verdict })
    expect([...row.advisories].sort()).toEqual(["CVE-1", "CVE-2", "GHSA-1", "MAL-9"])
  })

  test("is one use, however its approvers are ordered or repeated", () => {
    const use = (by: string[]) => rowOf({ item: { kind: "host", name: "h" }, by }).use?.approvers
    expect(use(["person:b", "person:a", "person:b"])).toBe("person:a person:b")
    expect(use([])).toBe("")
  })

  test("has no use without an item, and no advisories without a use", () => {
    const verdict = { effect: "deny", evidence: [{ kind: "advisory", id: "GHSA-1" }] }
    expect(rowOf({ verdict })).toMatchObject({ use: undefined, advisories: [], effect: "deny" })
  })

  test("lists what is no record as unreadable", () => {
    for (const body of ["", "null", "7", "[]", '{"v":2}', "{", '"text"'])
      expect(indexRow(3, body)).toMatchObject({ seq: 3, kind: UNREADABLE, agent: "", use: undefined })
  })

  test("has the same types and bounds, whatever JSON a tampered record is", () => {
    const members = [
      "time",
      "kind",
      "type",
      "agent",
      "run",
      "by",
      "item",
      "verdict",
      "evidence",
      "policy",
      "boxed",
      "detail",
    ]
    const record = fc.dictionary(fc.constantFrom(...members), fc.jsonValue({ maxDepth: 4 }))
    const odd = fc.record({
      item: fc.record({ name: fc.string(), kind: fc.jsonValue(), version: fc.jsonValue(), digest: fc.jsonValue() }),
      evidence: fc.record({ facts: fc.record({ advisories: fc.jsonValue() }) }),
      verdict: fc.record({ effect: fc.jsonValue(), evidence: fc.array(fc.jsonValue()) }),
    })
    fc.assert(
      fc.property(fc.oneof(record, odd), (value) => {
        const { seq, time, times, boxed, use, advisories, ...texts } = indexRow(1, JSON.stringify({ v: 1, ...value }))
        expect(seq).toBe(1)
        expect(Number.isSafeInteger(time)).toBe(true)
        expect(Number.isSafeInteger(times) && times >= 1).toBe(true)
        expect([undefined, true, false]).toContain(boxed)
        const { item, ...rest } = use ?? { item: {} }
        for (const text of [...Object.values(texts), ...Object.values(item), ...Object.values(rest), ...advisories]) {
          expect(typeof text).toBe("string")
          expect(text.length).toBeLessThanOrEqual(1_024)
          expect(text.isWellFormed() && !text.includes("\0")).toBe(true)
        }
      }),
    )
  })
})

describe("how often something happened", () => {
  const timesOf = (type: string, of: unknown) => indexRow(1, JSON.stringify({ v: 1, type, detail: { of } })).times

  test("is once, or what a record of repeats says, read strictly", () => {
    expect(timesOf("network.repeated", ["7 x3", "9 x1"])).toBe(4)
    expect(timesOf("network.decided", ["7 x3"])).toBe(1)
    for (const odd of ["7 x3", [], ["7 x-3"], ["7 x1e9"], ["x5"], [{}], null, [`7 x${"9".repeat(30)}`]])
      expect(timesOf("network.repeated", odd)).toBe(1)
    expect(timesOf("network.repeated", Array(1e5).fill("1 x999999999"))).toBe(1_000 * 999_999_999)
  })
})

describe("a text of the index", () => {
  test("is itself where it is short and well-formed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
        fc.pre(!text.includes("\0") && text.length <= 200)
        expect(indexText(text)).toBe(text)
      }),
    )
  })

  test("is bounded, and two long ones stay two", () => {
    const long = "x".repeat(4_000)
    expect(indexText(long)).toHaveLength(200)
    expect(indexText(`${long}a`)).not.toBe(indexText(`${long}b`))
    expect(indexText("\u{1f600}".repeat(500)).isWellFormed()).toBe(true)
  })
})
