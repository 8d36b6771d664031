// Takes secrets out of what comes back, as it streams by: only bytes that may begin one are withheld.
import { hash } from "node:crypto"
import type { Secret } from "./outgoing.ts"
import { type Automaton, createAutomaton } from "./scrub-automaton.ts"
import { createDecoded, type Match } from "./scrub-decoded.ts"
import { ESCAPES } from "./scrub-escapes.ts"
import { secretPatterns } from "./scrub-forms.ts"
import { pairsOf } from "./scrub-pairs.ts"

export interface Scrubber {
  /** What may go out now: the chunk itself where it has nothing of a secret. */
  push: (chunk: Uint8Array) => Uint8Array
  /** What was withheld, which began like a secret and did not become one. */
  end: () => Uint8Array
  /** How many were taken out. */
  readonly count: number
}

interface Table {
  automaton: Automaton
  pairs: Uint8Array
  /** No form is shorter than this and one. */
  stride: number
}

/** Characters that a line has at least where a text is wrapped: 60, 64 or 76. */
const WRAPPED = 40
const isBreak = (byte: number) => byte === 0x0a || byte === 0x0d

/** How many bytes stand before one in its line, `WRAPPED` at most; `before` of them before the first. */
function columnOf(bytes: Uint8Array, at: number, before: number): number {
  for (let count = 0; count < WRAPPED; count++) {
    if (at === count) return Math.min(WRAPPED, count + before)
    if (isBreak(bytes[at - count - 1]!)) return count
  }
  return WRAPPED
}

const NOTHING = Buffer.alloc(0)

/**
 * Replaces every secret, raw, in base64 (at any alignment), base64url, hex and UTF-16, each but the last one also behind percent, JSON and
 * HTML escapes, and wrapped in lines. Withholds at most the longest form of one; at the end of an SSE event nothing is, since no secret begins with its
 * line ends. Of an answer that is cut into ranges, a secret that is cut with it is not found.
 */
export function createScrubber(secrets: readonly Secret[]): Scrubber {
  const table = tableOf(secrets)
  return table === undefined ? { push: (chunk) => chunk, end: () => NOTHING, count: 0 } : scrubWith(table)
}

/** Tables of the last secrets, by their hash: making one takes about a millisecond. */
const tables = new Map<string, Table | undefined>()
const MAX_TABLES = 64

function tableOf(secrets: readonly Secret[]): Table | undefined {
  const text = JSON.stringify(secrets.map(({ value, replacement }) => [value, replacement]))
  const name = hash("sha256", text)
  if (tables.has(name)) return tables.get(name)
  const patterns = secretPatterns(secrets)
  const stride = Math.min(...patterns.map(({ bytes }) => bytes.length)) - 1
  const table =
    patterns.length === 0 ? undefined : { automaton: createAutomaton(patterns), pairs: pairsOf(patterns), stride }
  if (tables.size >= MAX_TABLES) tables.delete(tables.keys().next().value!)
  tables.set(name, table)
  return table
}

/** Lets go of what was made from secrets, for a vault that is locked; a scrubber that is at work keeps its own. */
export function forgetTables(): void {
  tables.clear()
}

function scrubWith({ automaton, pairs, stride }: Table): Scrubber {
  const { step, depth, ending } = automaton
  let held: Uint8Array = NOTHING
  // What is looked through now, and how much of a line was before it.
  let looked: Uint8Array = NOTHING
  let column = 0
  let count = 0
  let raw = 0
  const readers = ESCAPES.map((escapes) => createDecoded(automaton, escapes))
  // Whether any reader is somewhere else than the bytes as they are.
  let apart = false
  const reset = () => {
    raw = 0
    apart = false
    for (const reader of readers) reader.reset()
  }

  /** A line that is short is not wrapped: nothing of it is withheld for the next one. */
  const mayWrap = (byte: number, at: number, before: number) =>
    before !== 0 && isBreak(byte) && columnOf(looked, at, column) >= WRAPPED

  /** What ends with a byte: as it is, or as one of the readers sees it. */
  const read = (byte: number, at: number): Match | undefined => {
    const before = raw
    raw = step(raw, byte)
    const plain = ending(raw)
    if (plain !== undefined) return { start: at + 1 - plain.bytes.length, end: at + 1, mark: plain.mark }
    if (!apart && byte !== 0x25 && byte !== 0x5c && byte !== 0x26 && (byte > 0x0d || !mayWrap(byte, at, before)))
      return undefined
    apart = false
    for (const reader of readers) {
      const match = reader.read(byte, at, before)
      if (match !== undefined) return match
      if (reader.settle(raw, at + 1)) apart = true
    }
    return undefined
  }

  const push = (chunk: Uint8Array): Uint8Array => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    looked = bytes
    const last = bytes.length - 1
    const out: Uint8Array[] = []
    let written = 0
    let at = held.length
    while (at <= last) {
      let until = at
      while (raw === 0 && !apart && at + stride <= last) {
        const sample = at + stride - 1
        if (pairs[(bytes[sample]! << 8) | bytes[sample + 1]!] === 0) {
          at = sample + 1
          continue
        }
        let start = sample
        while (start > at && pairs[(bytes[start - 1]! << 8) | bytes[start]!] !== 0) start--
        at = start
        until = sample + 1
        break
      }
      do {
        const match = read(bytes[at]!, at)
        at++
        if (match !== undefined) {
          out.push(bytes.subarray(written, match.start), match.mark)
          written = match.end
          at = match.end
          count++
          reset()
        }
      } while ((raw !== 0 || at < until || apart) && at <= last)
    }
    const end = bytes.length
    const keep = Math.max(written, Math.min(end - depth(raw), ...readers.map((reader) => reader.held(end))))
    if (out.length === 0 && keep === end) {
      held = NOTHING
      column = columnOf(bytes, end, column)
      return bytes
    }
    out.push(bytes.subarray(written, keep))
    held = Buffer.from(bytes.subarray(keep))
    for (const reader of readers) reader.rebase(keep)
    column = columnOf(bytes, keep, column)
    return out.length === 1 ? out[0]! : Buffer.concat(out)
  }

  return {
    push,
    end: () => {
      const rest = held
      held = NOTHING
      reset()
      return rest
    },
    get count() {
      return count
    },
  }
}

/** A text without secrets: a header's value, a status phrase. */
export function scrubText(text: string, secrets: readonly Secret[]): string {
  const scrubber = createScrubber(secrets)
  const out = Buffer.concat([scrubber.push(Buffer.from(text, "latin1")), scrubber.end()])
  return out.toString("latin1")
}

/** Is in no form of a secret that a header can have. */
const BETWEEN = "\u0001"

/**
 * Headers or trailers without secrets, in names as well: one whose name has one is left out. Names lose their case on the way, and a
 * secret in one of them with it.
 */
export function scrubHeaders(
  headers: readonly (readonly [name: string, value: string])[],
  secrets: readonly Secret[],
): [name: string, value: string][] {
  const folded = secrets.map((secret) => ({ ...secret, value: secret.value.toLowerCase() }))
  const hasNone = (name: string) => scrubText(name.toLowerCase(), folded) === name.toLowerCase()
  // Nearly all answers have none: one look over all of them says so.
  const all = headers.map((pair) => pair.join(BETWEEN)).join(BETWEEN)
  if (scrubText(all, secrets) === all && hasNone(headers.map(([name]) => name).join(BETWEEN)))
    return headers.map(([name, value]) => [name, value])
  return headers.flatMap(([name, value]): [string, string][] =>
    hasNone(name) && scrubText(name, secrets) === name ? [[name, scrubText(value, secrets)]] : [],
  )
}
