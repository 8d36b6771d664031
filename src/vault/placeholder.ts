// What stands for a credential in an agent's hands: made from the vault's key, recognised by a marker, proven by a check.
//
// Whatever its shape, a placeholder contains a core: MARKER, then a tag of the run, then a check over credential and tag.
// The marker's digits are in every alphabet that keys are written in (hex, base 32, base 62), and have no upper or lower case,
// so that one search finds all of them. All that is asked of a text is its core: what stands before and after it may be gone.
import { createHmac, timingSafeEqual } from "node:crypto"
import { EXIT, NanoguardError } from "../errors.ts"
import { BASE32, BASE62, type CoreName, HEX, type Piece, SHAPES, tokenCheck } from "./shapes.ts"
import type { Identified } from "./types.ts"

/** Eight digits of 2-7; the first comes once, so that no two markers overlap. */
export const MARKER = "57362742"

/** Characters of a core after its marker, at most (a UUID's, with its dashes). */
export const CORE_REST = 28

/** Characters behind the marker that hold a tag in every layout, without dashes. */
const RUN_PART = 8

/** Which characters of the rest are the run's tag and which the check; those between are fixed. Lengths in characters. */
interface Layout {
  alphabet: string
  tag: number
  check: number
}

// Bits of tag and check: 29 and 41; 20 and 20 (with the marker's 40 no text has them by chance); 28 and 60.
const BASE62_CORE: Layout = { alphabet: BASE62, tag: 5, check: 7 }
const BASE32_CORE: Layout = { alphabet: BASE32, tag: 4, check: 4 }
const HEX_CORE: Layout = { alphabet: HEX, tag: 7, check: 15 }

/** What was derived from a key lately: each request asks for the same again. */
const derived = new WeakMap<Uint8Array, Map<string, string>>()
const MAX_DERIVED = 8192

/** `length` characters that only the key's holder can know, for what `parts` say. */
function derive(key: Uint8Array, parts: readonly string[], alphabet: string, length: number): string {
  let known = derived.get(key)
  if (known === undefined) {
    known = new Map()
    derived.set(key, known)
  }
  const name = `${length} ${alphabet} ${JSON.stringify(parts)}`
  let text = known.get(name)
  if (text === undefined) {
    text = computeText(key, parts, alphabet, length)
    // Made up ones fill it, too: it starts anew.
    if (known.size >= MAX_DERIVED) known.clear()
    known.set(name, text)
  }
  return text
}

function computeText(key: Uint8Array, parts: readonly string[], alphabet: string, length: number): string {
  let text = ""
  for (let block = 0; text.length < length; block++) {
    const bytes = createHmac("sha256", key)
      .update(JSON.stringify(["nanoguard placeholder", ...parts, block]))
      .digest()
    for (const byte of bytes) text += alphabet[byte % alphabet.length]
  }
  return text.slice(0, length)
}

const checkOf = (key: Uint8Array, layout: Layout, credential: string, tag: string) =>
  derive(key, ["check", layout.alphabet, credential, tag], layout.alphabet, layout.check)

function makeCore(key: Uint8Array, credential: string, run: string, name: CoreName): string {
  const layout = name === "base62" ? BASE62_CORE : name === "base32" ? BASE32_CORE : HEX_CORE
  const tag = derive(key, ["run", layout.alphabet, run], layout.alphabet, layout.tag)
  const check = checkOf(key, layout, credential, tag)
  if (layout !== HEX_CORE) return `${MARKER}${tag}${check}`
  // RFC 9562, section 5.4: version 4 and the variant at their places; both are the same for every one.
  const digits = `${MARKER}${tag.slice(0, 4)}4${tag.slice(4)}a${check}`
  return name === "hex" ? digits : digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}

/**
 * What stands for a credential in a run: always the same for the same key, names and shape (a name of `SHAPES`).
 * Throws `NanoguardError` (usage) for a shape that there is not.
 */
export function makePlaceholder(key: Uint8Array, credential: string, run: string, shape: string): string {
  const pieces = Object.hasOwn(SHAPES, shape) ? SHAPES[shape] : undefined
  if (pieces === undefined) {
    throw new NanoguardError("There is no placeholder of this shape.", {
      exit: EXIT.usage,
      hint: `Shapes are ${Object.keys(SHAPES).join(", ")}.`,
    })
  }
  const made: string[] = []
  const write = (piece: Piece, index: number): string => {
    if (typeof piece === "string") return piece
    if ("core" in piece) return makeCore(key, credential, run, piece.core)
    if ("check" in piece) return tokenCheck(made.slice(1).join(""))
    return derive(key, ["fill", shape, credential, run, String(index)], piece.fill, piece.length)
  }
  pieces.forEach((piece, index) => {
    made.push(write(piece, index))
  })
  return made.join("")
}

/** Tag and check of a text that follows a marker, if it can be a core of this layout. */
function splitCore(rest: string, layout: Layout): [string, string] | undefined {
  if (layout !== HEX_CORE) {
    const end = layout.tag + layout.check
    return rest.length < end ? undefined : [rest.slice(0, layout.tag), rest.slice(layout.tag, end)]
  }
  const digits = rest.replaceAll("-", "").toLowerCase()
  if (digits.length < 24 || digits[4] !== "4" || digits[8] !== "a") return undefined
  return [digits.slice(0, 4) + digits.slice(5, 8), digits.slice(9, 24)]
}

const sameText = (left: string, right: string) => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * Whose placeholder a text is: of any run, in whatever shape it was made. The text may have anything around it; its first
 * marker counts. Undefined for whatever this key did not make for one of these credentials. Costs three HMACs a credential.
 */
export function readPlaceholder(
  key: Uint8Array,
  text: string,
  credentials: readonly { name: string }[],
): Identified | undefined {
  const at = text.indexOf(MARKER)
  if (at < 0) return undefined
  const rest = text.slice(at + MARKER.length, at + MARKER.length + CORE_REST)
  for (const layout of [BASE62_CORE, HEX_CORE, BASE32_CORE]) {
    const parts = splitCore(rest, layout)
    if (parts === undefined || ![...parts[0]].every((char) => layout.alphabet.includes(char))) continue
    for (const { name } of credentials) {
      if (sameText(checkOf(key, layout, name, parts[0]), parts[1])) return { credential: name, runTag: parts[0] }
    }
  }
  return undefined
}

/**
 * Whether a text that `readPlaceholder` knew is of the run of a whole placeholder: by the run's tag alone, since what surrounds
 * a core may be gone. Of an AWS key either half will do.
 */
export function isOfRun(text: string, placeholder: string): boolean {
  const tagOf = (from: string, at: number) =>
    from
      .slice(at + MARKER.length)
      .replaceAll("-", "")
      .slice(0, RUN_PART)
  const at = text.indexOf(MARKER)
  const tag = tagOf(text, at)
  for (let own = placeholder.indexOf(MARKER); own >= 0 && at >= 0; own = placeholder.indexOf(MARKER, own + 1)) {
    const whole = tagOf(placeholder, own)
    if (tag === whole || (/^[0-9a-f]+$/.test(whole) && tag.toLowerCase() === whole)) return true
  }
  return false
}
