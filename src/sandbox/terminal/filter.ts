// What an agent's program prints, on its way to the person's terminal: text, colours, cursor and modes pass; what reaches beyond the
// screen (clipboard, title, links, window, strings of any kind) is taken out. A sequence passes whole or not at all, so that none can
// be put together from two parts, of two streams either.
import { createModeTracker, type ModeTracker } from "./modes.ts"
import { cancels, readSequence, type Sequence } from "./read-sequence.ts"
import { judgeControl, judgeEscape } from "./sequences.ts"
import { characterAt, REPLACEMENT } from "./utf8.ts"

export interface TerminalFilter {
  /** What may be printed of the next bytes; they are not copied where all of them may. */
  write: (chunk: Uint8Array) => Uint8Array
  /** The rest once there are no more bytes: of a character that was cut off its replacement, of a sequence nothing. */
  end: () => Uint8Array
  /** Sets the terminal right: undoes what passed and was not undone. */
  resetSequence: () => string
}

/** What is skipped: the rest of a string, or of a sequence that is too long. */
type Skipping = { kind: "string"; bell: boolean; last: number } | { kind: "endless" }

const NOTHING = new Uint8Array()
const ESC = 0x1b
const SO = 0x0e
const SI = 0x0f

// Bytes that pass as they are: ASCII's text, BEL, BS, HT, LF, VT, FF, CR. Not: NUL, ENQ (a terminal answers with what it was given
// before), XON, XOFF, DEL and the rest.
const PLAIN = new Uint8Array(256).map((_, byte) => Number((byte >= 0x20 && byte < 0x7f) || (byte >= 7 && byte <= 13)))

/** A filter for one stream of UTF-8 towards a terminal that reads UTF-8. It keeps less than 300 bytes, whatever comes. */
export function createTerminalFilter(): TerminalFilter {
  const modes = createModeTracker()
  /** Bytes of a character or sequence that is not whole yet. */
  let held: Uint8Array = NOTHING
  let skipping: Skipping | undefined

  const write = (chunk: Uint8Array): Uint8Array => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    held = NOTHING
    const pieces: Uint8Array[] = []
    /** From here on everything up to `at` passes as it is. */
    let kept = 0
    let at = 0
    const replace = (end: number, by?: Uint8Array) => {
      if (at > kept) pieces.push(bytes.subarray(kept, at))
      if (by !== undefined) pieces.push(by)
      kept = at = end
    }
    while (at < bytes.length) {
      if (skipping !== undefined) {
        const end = endOfSkipped(bytes, at, skipping)
        if (end >= 0) skipping = undefined
        replace(end < 0 ? bytes.length : end)
        continue
      }
      while (at < bytes.length && PLAIN[bytes[at]!] === 1) at++
      if (at === bytes.length) break
      const byte = bytes[at]!
      if (byte === ESC || (byte === 0xc2 && bytes[at + 1]! < 0xa0)) {
        const colour = endOfColour(bytes, at)
        if (colour > 0) {
          modes.colour()
          at = colour
          continue
        }
        const sequence = readSequence(bytes, at)
        if (sequence === undefined) break
        if (sequence.kind === "string") skipping = { kind: "string", bell: sequence.bell, last: 0 }
        else if (sequence.kind === "endless") skipping = { kind: "endless" }
        const text = passed(sequence, modes)
        if (text?.equals(bytes.subarray(at, sequence.end))) at = sequence.end
        else replace(sequence.end, text)
      } else if (byte >= 0x80) {
        const length = characterAt(bytes, at)
        if (length < 0) break
        if (length === 0) replace(at + 1, REPLACEMENT)
        else at += length
      } else if (byte === SO || byte === SI) {
        if (byte === SO) modes.shiftOut()
        at++
      } else replace(at + 1)
    }
    if (at < bytes.length) {
      held = Buffer.from(bytes.subarray(at))
      replace(bytes.length)
    }
    if (pieces.length === 0 && kept === 0) return bytes
    if (kept < at) pieces.push(bytes.subarray(kept, at))
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  return {
    write,
    end: () => {
      const cut = held[0]! >= 0x80 && !(held[0] === 0xc2 && held.length > 1)
      held = NOTHING
      skipping = undefined
      return cut ? REPLACEMENT : NOTHING
    },
    resetSequence: modes.reset,
  }
}

/** Where a colour (SGR) ends that begins here, and 0 where something else does: most sequences are one, and they all pass. */
function endOfColour(bytes: Uint8Array, from: number): number {
  if (bytes[from + 1] !== 0x5b) return 0
  for (let at = from + 2, digits = 0; at < from + 64; at++) {
    const byte = bytes[at]!
    if (byte === 0x6d) return at + 1
    // Digits, and what separates them: colon and semicolon.
    if (byte >= 0x30 && byte < 0x3a) digits++
    else if (byte === 0x3a || byte === 0x3b) digits = 0
    else return 0
    if (digits > 5) return 0
  }
  return 0
}

/** What a terminal gets of a sequence: written anew, so that it is exactly what was judged. */
function passed(sequence: Sequence, modes: ModeTracker): Buffer | undefined {
  if (sequence.kind === "escape") {
    if (!judgeEscape(sequence.rest)) return undefined
    modes.escape(sequence.rest)
    return Buffer.from(`\x1b${sequence.rest}`, "latin1")
  }
  if (sequence.kind !== "control") return undefined
  const parameters = judgeControl(sequence.sequence)
  if (parameters === undefined) return undefined
  const { prefix, intermediates, final } = sequence.sequence
  modes.control({ prefix, parameters, intermediates, final })
  return Buffer.from(`\x1b[${prefix}${parameters}${intermediates}${final}`, "latin1")
}

/** Where reading goes on after what is skipped, from `from` on; -1 where these bytes do not end it. ESC always begins anew. */
function endOfSkipped(bytes: Uint8Array, from: number, skipping: Skipping): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === ESC) return at
    if (cancels(byte)) return at + 1
    if (skipping.kind === "endless") {
      if (byte >= 0x80) return at
      if (byte >= 0x40 && byte < 0x7f) return at + 1
    } else {
      // ST as one character, U+009C; its second byte alone is a part of many others.
      if ((byte === 7 && skipping.bell) || (byte === 0x9c && skipping.last === 0xc2)) return at + 1
      skipping.last = byte
    }
  }
  return -1
}
