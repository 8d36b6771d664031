// The ways in which a marker may be written in a request, as one non-deterministic automaton over bytes.
//
// It accepts a little more than there is (mixed escapes, line breaks anywhere): whatever it accepts is decoded and checked
// afterwards, so that too much costs a microsecond, and too little would be a way past.
import { MARKER } from "./placeholder.ts"

/** How something is written: the outermost encoding first. Empty for text, with or without escapes in it. */
export type Chain = readonly Layer[]

export interface Layer {
  encoding: "base64" | "hex" | "utf-16"
  /** What is looked for on this level: the part of it that does not depend on its neighbours. */
  needle: string
  /** base64: bytes that come before what is encoded, modulo three. */
  shift: number
  /** Bytes of what is encoded. */
  length: number
}

/** States by number, 0 the first. CR and LF lead from each other state to itself, and are in no edge. */
export interface Forms {
  /** By state: from byte to states. */
  edges: readonly ReadonlyMap<number, readonly number[]>[]
  /** By state: what was read once it is reached. */
  accepts: ReadonlyMap<number, Chain>
}

/** What of the base64 of some bytes is the same whatever comes before and after them, where `shift` bytes come before. */
function stableBase64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64")
  return text.slice(Math.ceil((8 * shift) / 6), Math.floor((8 * (shift + bytes.length)) / 6))
}

const SHIFTS = [0, 1, 2] as const

const base64Layer = (bytes: Buffer, shift: number): Layer => ({
  encoding: "base64",
  needle: stableBase64(bytes, shift),
  shift,
  length: bytes.length,
})

/** All ways but text: base64, base64 in base64, base64 of UTF-16 (as PowerShell takes commands), hex, UTF-16. */
function chains(): Chain[] {
  const marker = Buffer.from(MARKER)
  const wide = Buffer.from(MARKER, "utf16le").subarray(0, -1)
  const utf16: Layer = { encoding: "utf-16", needle: wide.toString("latin1"), shift: 0, length: MARKER.length }
  const hex: Layer = { encoding: "hex", needle: marker.toString("hex"), shift: 0, length: MARKER.length }
  const once = SHIFTS.map((shift) => base64Layer(marker, shift))
  const twice = once.flatMap((inner) => SHIFTS.map((shift) => [base64Layer(Buffer.from(inner.needle), shift), inner]))
  return [
    [hex],
    [utf16],
    ...once.map((layer) => [layer]),
    ...twice,
    ...SHIFTS.map((shift) => [base64Layer(wide, shift), utf16]),
  ]
}

/** The automaton. */
export function markerForms(): Forms {
  const edges: Map<number, number[]>[] = []
  const accepts = new Map<number, Chain>()
  const state = () => edges.push(new Map()) - 1
  const join = (from: number, chars: string, to: number) => {
    for (const char of chars) {
      const byte = char.charCodeAt(0)
      edges[from]!.set(byte, [...(edges[from]!.get(byte) ?? []), to])
    }
  }
  /** A way of several bytes; each text gives the bytes that may stand at its place. */
  const path = (from: number, steps: readonly string[], to: number) => {
    let at = from
    steps.forEach((chars, index) => {
      const next = index === steps.length - 1 ? to : state()
      join(at, chars, next)
      at = next
    })
  }
  const root = state()

  let at = root
  for (const digit of MARKER) {
    const next = state()
    join(at, digit, next)
    addEscapes(at, digit, next)
    at = next
  }
  accepts.set(at, [])

  for (const chain of chains()) {
    at = root
    for (const char of chain[0]!.needle) {
      if (at !== root && chain[0]!.encoding === "base64" && chain.length === 1) addBreaks(at)
      const next = state()
      join(at, char, next)
      at = next
    }
    accepts.set(at, chain)
  }
  return { edges, accepts }

  /** A digit in percent-encoding (once or more often), JSON, HTML, quoted-printable; its character code is 0x30 and the digit. */
  function addEscapes(from: number, digit: string, to: number) {
    const percent = state()
    join(from, "%", percent)
    path(percent, ["2", "5"], percent)
    // Digits may be encoded once more: `%25%33%32` is `%32`, and that `2`.
    const three = state()
    join(percent, "3", three)
    path(percent, ["%", "3", "3"], three)
    join(three, digit, to)
    path(three, ["%", "3", digit], to)

    const backslash = state()
    join(from, "\\", backslash)
    join(backslash, "\\", backslash)
    path(backslash, ["uU", "0", "0", "3", digit], to)
    path(backslash, ["x", "3", digit], to)

    const ampersand = state()
    const reference = state()
    const hex = state()
    join(from, "&", ampersand)
    path(ampersand, ["a", "m", "p", ";"], ampersand)
    join(ampersand, "#", reference)
    join(reference, "0", reference)
    path(reference, ["5", String(Number(digit) - 2)], to)
    join(reference, "xX", hex)
    join(hex, "0", hex)
    path(hex, ["3", digit], to)
    // The end of a reference before.
    if (from !== root) join(from, ";", from)

    // RFC 2045, section 6.7: an octet, or a soft line break (of which CR and LF are passed over).
    const equals = state()
    join(from, "=", equals)
    path(equals, ["3", digit], to)
    join(equals, digit, to)
  }

  /** Line breaks in base64 that stands in JSON or in a form. */
  function addBreaks(from: number) {
    const backslash = state()
    join(from, "\\", backslash)
    join(backslash, "\\", backslash)
    join(backslash, "nr", from)
    path(from, ["%", "0", "AaDd"], from)
  }
}
