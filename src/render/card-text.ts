// The pieces of a card: lines that fit a terminal, whatever was written into them.
import { createHash } from "node:crypto"
import { cleanText, formatCount } from "./clean.ts"
import { widthOf } from "./terminal-width.ts"

export type Tone = "head" | "dim" | "bad" | "warn" | "good"

/** One line of a screen: clean, and as wide as the screen at most. */
export interface Line {
  text: string
  tone?: Tone
}

/** A value beside its label. `same`: it says nothing new, and goes first where there is no room. */
export interface Row {
  label: string
  value: string
  tone?: Tone
  same?: true
}

/** Columns of a label. */
export const LABEL = 12

/** A row as lines: what does not fit goes on behind a bar, in the same column, so that nothing of it begins a line. */
export function linesOf({ label, value, tone }: Row, columns: number, max = Infinity): Line[] {
  const [indent, gap] = columns < 60 ? [10, 1] : [LABEL, 2]
  const parts = wrapWidth(value, Math.max(16, columns - indent - gap), max)
  return parts.map((part, i) => ({
    text:
      i === 0
        ? `${label.padEnd(indent)}${" ".repeat(gap)}${part}`
        : `${" ".repeat(indent)}${"| ".slice(0, gap)}${part}`,
    ...(tone !== undefined && { tone }),
  }))
}

/** A clean text in pieces of at most `width` columns, at its line ends, and at spaces where there are some; where they are more than `max`, the last says how many characters are left out. */
export function wrapWidth(text: string, width: number, max = Infinity): string[] {
  const parts: string[] = []
  let part = ""
  let used = 0
  let taken = 0
  for (const char of text) {
    if (char === "\n") {
      parts.push(part)
      taken += 1
      if (parts.length === max) {
        if (taken < text.length) parts[max - 1] = endCut(part, text.length - taken, width)
        return parts
      }
      part = ""
      used = 0
      continue
    }
    const wide = widthOf(char)
    if (used + wide > width) {
      const at = part.lastIndexOf(" ")
      const [head, rest] = at > width / 2 ? [part.slice(0, at), part.slice(at + 1)] : [part, ""]
      parts.push(head)
      if (parts.length === max) {
        parts[max - 1] = endCut(head, text.length - taken + rest.length, width)
        return parts
      }
      part = rest
      used = widthOf(rest)
    }
    part += char
    used += wide
    taken += char.length
  }
  parts.push(part)
  return parts
}

function endCut(text: string, left: number, width: number): string {
  let cut = [...text]
  const note = (length: number) => `... [+${left + text.length - length}]`
  while (cut.length > 0 && widthOf(cut.join("")) + note(cut.join("").length).length > width) cut = cut.slice(0, -1)
  return `${cut.join("")}${note(cut.join("").length)}`
}

/**
 * A value for a card: clean, and where it is longer than `max` cut, with the length and the hash of the whole. With `lines` its line ends
 * stay: `linesOf` puts each further line behind a bar.
 */
export function shortValue(
  value: string,
  max: number,
  cut?: { length: number; sha256: string },
  lines = false,
): string {
  const isLong = value.length > max
  // Of a long one only what is shown is looked at: it may be very long.
  const part = isLong ? value.slice(0, max) : value
  const cleaned = (text: string) => cleanText(text, 12 * text.length + 40)
  const clean = lines ? part.split("\n").map(cleaned).join("\n") : cleaned(part)
  if (!isLong && cut === undefined && clean.length <= max) return clean
  const { length, sha256 } = cut ?? { length: value.length, sha256: createHash("sha256").update(value).digest("hex") }
  const head =
    clean.length > max ? clean.slice(0, max).replace(/[\ud800-\udbff]$|\\(?:u(?:\{[0-9a-f]{0,6})?)?$/, "") : clean
  return `${head}... [${formatCount(length)} characters, sha256 ${sha256.slice(0, 16)}]`
}
