// One escape or control sequence, read as terminals read it: ECMA-48 with the liberties that xterm, screen and the Linux console take.
import type { ControlSequence } from "./sequences.ts"

export type Sequence =
  /** `end`: index after the last byte that belongs to it, in all of them. */
  | { kind: "control"; end: number; sequence: ControlSequence }
  /** Escape sequence: what follows ESC. */
  | { kind: "escape"; end: number; rest: string }
  /** A string has begun that ends with ST, or with BEL also; nothing of it is read here. */
  | { kind: "string"; end: number; bell: boolean }
  /** Too long to be meant: it goes on, and nothing of it counts. */
  | { kind: "endless"; end: number }
  /** Broken off by what follows, or of no meaning. */
  | { kind: "broken"; end: number }

/** Bytes of a sequence; programs use some 100 at most. */
const LONGEST = 256

// OSC, DCS, APC, PM, SOS, and the title string of screen. xterm lets BEL end the first, screen the last.
const STRINGS: ReadonlyMap<string, boolean> = new Map([..."]P_^Xk"].map((char) => [char, char === "]" || char === "k"]))
const CONTROL = /^\[([<=>?]?)([\d;:]*)([ -/]*)([@-~])$/

/** CAN and SUB end whatever sequence they stand in. */
export function cancels(byte: number): boolean {
  return byte === 0x18 || byte === 0x1a
}

/**
 * Reads the sequence whose first byte is at `start`: ESC, or the first of the two bytes of a C1 control (U+0080 to U+009F), which is
 * the same as ESC and the character 0x40 before it (ECMA-48, 5.3). Undefined where the bytes end before it does.
 */
export function readSequence(bytes: Uint8Array, start: number): Sequence | undefined {
  const second = bytes[start + 1]
  if (second === undefined) return undefined
  if (bytes[start] === 0x1b) return readRest(bytes, start, start + 1, "")
  const rest = String.fromCharCode(second - 0x40)
  return endOf(rest, start + 2) ?? readRest(bytes, start, start + 2, rest)
}

/** `rest` is what follows ESC so far. Controls in between, which terminals obey before they go on, are left out. */
function readRest(bytes: Uint8Array, start: number, from: number, rest: string): Sequence | undefined {
  let read = rest
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === 0x1b || byte >= 0x80) return { kind: "broken", end: at }
    if (cancels(byte)) return { kind: "broken", end: at + 1 }
    if (at - start >= LONGEST) return { kind: "endless", end: at }
    if (byte < 0x20 || byte === 0x7f) continue
    read += String.fromCharCode(byte)
    const sequence = endOf(read, at + 1)
    if (sequence !== undefined) return sequence
  }
  return undefined
}

/** What a sequence is if it ends here. */
function endOf(rest: string, end: number): Sequence | undefined {
  const bell = STRINGS.get(rest[0]!)
  if (bell !== undefined) return { kind: "string", end, bell }
  const final = rest.charCodeAt(rest.length - 1)
  if (rest[0] !== "[") return final < 0x30 ? undefined : { kind: "escape", end, rest }
  if (rest.length === 1 || final < 0x40) return undefined
  const [, prefix, parameters, intermediates, last] = CONTROL.exec(rest) ?? []
  if (last === undefined) return { kind: "broken", end }
  return {
    ...{ kind: "control", end },
    sequence: { prefix: prefix!, parameters: parameters!, intermediates: intermediates!, final: last },
  }
}
