// Columns of a terminal: what is taken for narrower than it is drawn leaves the screen on the right, and nobody sees it.
import { expect, test } from "vitest"
import { linesOf } from "../../src/render/card-text.ts"
import { cleanText } from "../../src/render/clean.ts"
import { widthOf } from "../../src/render/terminal-width.ts"

// Wide by Unicode's EastAsianWidth.txt: an angle bracket, a hexagram, a trigram, Hangul and kana of all blocks, vertical forms, Tangut, Nushu, Khitan, Taixuan.
const WIDE =
  "〈䷀☰ꥠ가あ㎏︐\u{16fe0}\u{17000}\u{18800}\u{18b00}\u{18d00}\u{1aff0}\u{1b170}\u{1d300}\u{1f600}\u{20000}"

test("what is drawn over two columns counts as two, and a mark with a place of its own as one", () => {
  expect([...WIDE].filter((char) => widthOf(char) !== 2)).toEqual([])
  // Devanagari vowels: the first stands behind its letter, the second above it.
  expect(["क", "\u093e", "\u0947", "\u0301", "\u20dd"].map(widthOf)).toEqual([1, 1, 0, 0, 0])
})

test("no line of a card ends behind the edge of the screen, whatever letters come first", () => {
  for (const unit of ["\u{17000}", "क\u093e\u093e\u093e"]) {
    const value = cleanText(`${unit.repeat(40)}pay to mallory`)
    const lines = linesOf({ label: "JSON", value }, 80)
    // Two columns for each of the first, and one for each character of the second.
    const columns = lines.map(({ text }) => [...text].reduce((sum, char) => sum + (char === "\u{17000}" ? 2 : 1), 0))
    expect(Math.max(...columns)).toBeLessThanOrEqual(80)
    expect(lines.at(-1)!.text).toMatch(/pay to mallory$/)
  }
})
