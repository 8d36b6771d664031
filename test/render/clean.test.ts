import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { cleanText, countOf, formatCount, safeJson } from "../../src/render/clean.ts"

// Written out as ranges, so that the test does not lean on the property classes that the code uses.
const FORBIDDEN: [number, number][] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xe000, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xfff0, 0xfffb],
  [0xfffe, 0xffff],
  [0xe0000, 0xe0fff],
  [0xf0000, 0x10ffff],
]

function forbiddenIn(text: string): string[] {
  const codes = [...text].map((char) => char.codePointAt(0)!)
  return codes.filter((code) => FORBIDDEN.some(([from, to]) => code >= from && code <= to)).map((c) => c.toString(16))
}

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc
    .array(fc.constantFrom(...FORBIDDEN.flat().map((code) => String.fromCodePoint(code)), "a", "\\", "\u0301"))
    .map((parts) => parts.join("")),
  fc.array(fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))).map((units) => units.join("")),
)

describe("cleanText", () => {
  test.each([
    ["plain-name@1.0.0", "plain-name@1.0.0"],
    ["naïve 包 пакет", "naïve 包 пакет"],
    ["a\u202eb", "a\\u{202e}b"],
    ["\x1b[31mred", "\\u{1b}[31mred"],
    ["\x1b]8;;https://evil.example\x07x", "\\u{1b}]8;;https://evil.example\\u{7}x"],
    ["one\r\ntwo", "one\\u{d}\\u{a}two"],
    ["\u009b2J", "\\u{9b}2J"],
    ["zero\u200bwidth\u2060", "zero\\u{200b}width\\u{2060}"],
    ["tag\u{e0041}", "tag\\u{e0041}"],
    ["lone \ud800!", "lone \\u{d800}!"],
    ["no\u00a0break", "no\\u{a0}break"],
    ["vs\ufe0f", "vs\\u{fe0f}"],
    ["\0", "\\u{0}"],
    ["", ""],
    ["::error::x", "\\u{3a}:error::x"],
    ["  ::set-output name=a::b", "  \\u{3a}:set-output name=a::b"],
    ["std::vec::Vec", "std::vec::Vec"],
    ["a ##[error]b", "a \\u{23}#[error]b"],
    ["##vso[task.setvariable]", "\\u{23}#vso[task.setvariable]"],
    ["###[group]", "#\\u{23}#[group]"],
    ["## title", "## title"],
  ])("%j is shown as %j", (input, output) => {
    expect(cleanText(input)).toBe(output)
  })

  test("three marks stay on a letter, the fourth does not", () => {
    expect(cleanText("e\u0301\u0302\u0303\u0304\u0305x")).toBe("e\u0301\u0302\u0303\\u{304}\\u{305}x")
  })

  test("counts what it cuts", () => {
    const cut = cleanText("x".repeat(1_000_000), 100)
    const match = /^(x+) \[\+(\d+) characters\]$/.exec(cut)!
    expect(cut.length).toBeLessThanOrEqual(100)
    expect(match[1]!.length + Number(match[2])).toBe(1_000_000)
  })

  test("never holds a forbidden character, never passes its limit, and is idempotent", () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 40, max: 120 }), (text, max) => {
        const clean = cleanText(text, max)
        expect(forbiddenIn(clean)).toEqual([])
        expect(clean.length).toBeLessThanOrEqual(max)
        expect(cleanText(clean, max)).toBe(clean)
        expect(clean).not.toMatch(/(^| )::|##[a-z]{0,20}\[/i)
      }),
      { numRuns: 2000 },
    )
  })
})

describe("safeJson", () => {
  test("prints only safe characters and means the same", () => {
    fc.assert(
      fc.property(fc.dictionary(nasty, nasty), (value) => {
        const printed = safeJson(value)
        expect(forbiddenIn(printed.replaceAll("\n", ""))).toEqual([])
        // Each text by itself: of a whole object JSON.parse may take a name with an escape for another one (nodejs/node#63785).
        const texts = printed.match(/"(?:[^"\\]|\\.)*"/g) ?? []
        expect(texts.map((text) => JSON.parse(text))).toEqual(Object.entries(value).flat())
      }),
      { numRuns: 500 },
    )
  })

  test("escapes what a terminal would act on, as UTF-16 units", () => {
    expect(safeJson(["\u202e", "\u{e0041}", "ok"])).toBe('[\n  "\\u202e",\n  "\\udb40\\udc41",\n  "ok"\n]\n')
  })
})

test("counts read like counts", () => {
  expect([0, 7, 999, 1000, 1234567].map(formatCount)).toEqual(["0", "7", "999", "1,000", "1,234,567"])
  expect([countOf(1, "package"), countOf(2, "package"), countOf(0, "entry", "entries")]).toEqual([
    "1 package",
    "2 packages",
    "0 entries",
  ])
})
