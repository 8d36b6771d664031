// Which pairs of bytes may stand next to each other in a form of a secret: where a text has none of them, it has no secret.
import type { Pattern } from "./scrub-forms.ts"

const NAMES: Readonly<Record<number, string>> = { 38: "&amp;", 60: "&lt;", 62: "&gt;", 34: "&quot;", 39: "&apos;" }
const SHORT: Readonly<Record<number, string>> = { 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r" }

/** All ways to write one byte of a pattern. */
function waysOf(byte: number): string[] {
  const hex = byte.toString(16).padStart(2, "0")
  const ways = [String.fromCharCode(byte), SHORT[byte] ?? "", NAMES[byte] ?? "", `&#${byte};`]
  // Leading zeros of a reference.
  ways.push(`&#00${byte};`)
  if (/["'/\\]/.test(String.fromCharCode(byte))) ways.push(`\\${String.fromCharCode(byte)}`)
  for (const digits of [
    hex,
    hex.toUpperCase(),
    `${hex[0]}${hex[1]!.toUpperCase()}`,
    `${hex[0]!.toUpperCase()}${hex[1]}`,
  ]) {
    ways.push(`%${digits}`, `\\u00${digits}`, `\\x${digits}`, `&#x${digits};`, `&#X${digits};`, `&#x00${digits};`)
  }
  return ways.filter((way) => way !== "")
}

const CR = 13
const LF = 10

interface Ways {
  /** Pairs within them, as numbers. */
  inner: readonly number[]
  firsts: readonly number[]
  lasts: readonly number[]
}

const known: (Ways | undefined)[] = []

function readWays(byte: number): Ways {
  const before = known[byte]
  if (before !== undefined) return before
  const ways = waysOf(byte).map((way) => Buffer.from(way, "latin1"))
  const made = {
    inner: [...new Set(ways.flatMap((way) => [...way.subarray(1)].map((second, at) => (way[at]! << 8) | second)))],
    firsts: [...new Set(ways.map((way) => way[0]!))],
    lasts: [...new Set(ways.map((way) => way.at(-1)!))],
  }
  known[byte] = made
  return made
}

/** A table of 65,536: 1 for a pair that is in some form. */
export function pairsOf(patterns: readonly Pattern[]): Uint8Array {
  const pairs = new Uint8Array(65_536)
  for (const { bytes, bare } of patterns) {
    if (bare) {
      for (let at = 1; at < bytes.length; at++) pairs[(bytes[at - 1]! << 8) | bytes[at]!] = 1
      continue
    }
    // What is not ASCII is escaped as a character, of several bytes: no pair is told apart then.
    if (bytes.some((byte) => byte > 0x7f)) return pairs.fill(1)
    // Escapes twice over, and a run of backslashes, which is read from its first one.
    pairs[0x5c5c] = 1
    // The end of a line.
    pairs[(CR << 8) | LF] = 1
    let before: Ways | undefined
    for (const byte of bytes) {
      const ways = readWays(byte)
      for (const pair of ways.inner) pairs[pair] = 1
      for (const last of before?.lasts ?? [])
        for (const first of [...ways.firsts, CR, LF]) pairs[(last << 8) | first] = 1
      if (before !== undefined) for (const first of ways.firsts) pairs[(LF << 8) | first] = 1
      before = ways
    }
  }
  return pairs
}
