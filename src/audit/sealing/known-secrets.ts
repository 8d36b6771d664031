// Secrets whose exact value is known, as the vault's are: found wherever they stand, raw or encoded, at any place of a text.
import { type Span, spanOf, type View, viewsOf } from "./secret-views.ts"

/** Shorter values, in UTF-16 units, are not searched for: they would be found in half of all texts. */
const MIN_LENGTH = 6

interface Known {
  value: string
  /** What to look for: the value, and in base64 and hex what is the same wherever in the encoded bytes it stands. */
  needles: readonly Needle[]
}

interface Needle {
  text: string
  /** The characters of its encoding: all around it belong to it. Absent where the needle is the value itself. */
  around?: RegExp
}

/** Prepared for search. */
export interface KnownSecrets {
  secrets: readonly Known[]
  /** One of them is true for every text, also as JSON, that may hold one. */
  prefilters: readonly RegExp[]
  /** A value holds a space: then "+" may stand for one. */
  spaces: boolean
  /** UTF-16 units of the longest. */
  longest: number
}

/** A place in a text, and the secret that is there. */
export interface Found extends Span {
  value: string
}

const BASE64 = /[A-Za-z0-9+/=_-]/
const HEX = /[0-9a-fA-F]/

/** Prepares exact values for search; undefined where none is long enough to be searched for. */
export function knownSecrets(values: Iterable<string>): KnownSecrets | undefined {
  const secrets = [...new Set(values)]
    .map((value) => value.toWellFormed())
    .filter((value) => value.length >= MIN_LENGTH)
    .map((value) => ({ value, needles: needlesOf(value) }))
  if (secrets.length === 0) return undefined
  const literals = secrets.flatMap(({ needles }) =>
    needles.flatMap(({ text }) => [text, JSON.stringify(text).slice(1, -1)]),
  )
  return {
    secrets,
    prefilters: [
      new RegExp(
        [...new Set(literals)]
          .map((text) => text.replace(/[^A-Za-z0-9_]/g, "\\$&"))
          .join("|")
          .concat("|%[0-9a-fA-F]{2}|\\\\"),
      ),
    ],
    spaces: secrets.some(({ value }) => value.includes(" ")),
    longest: Math.max(...secrets.map(({ value }) => value.length)),
  }
}

/** Both together. */
export function joinKnown(a: KnownSecrets | undefined, b: KnownSecrets | undefined): KnownSecrets | undefined {
  if (!a || !b) return a ?? b
  return {
    secrets: [...a.secrets, ...b.secrets],
    prefilters: [...a.prefilters, ...b.prefilters],
    spaces: a.spaces || b.spaces,
    longest: Math.max(a.longest, b.longest),
  }
}

/** Every place of the text where one of the secrets stands: raw, in base64, in hex, percent-encoded, escaped as in JSON. */
export function findKnown(text: string, known: KnownSecrets): Found[] {
  return viewsOf(text, known.spaces).flatMap((view) =>
    known.secrets.flatMap(({ value, needles }) => needles.flatMap((needle) => findNeedle(view, needle, value))),
  )
}

function findNeedle(view: View, needle: Needle, value: string): Found[] {
  const found: Found[] = []
  for (let at = view.text.indexOf(needle.text); at >= 0; ) {
    let start = at
    let end = at + needle.text.length
    if (needle.around) {
      while (start > 0 && view.text[start - 1] !== "=" && needle.around.test(view.text[start - 1]!)) start--
      while (end < view.text.length && needle.around.test(view.text[end]!)) end++
    }
    found.push({ ...spanOf(view, start, end), value })
    at = view.text.indexOf(needle.text, end)
  }
  return found
}

function needlesOf(value: string): Needle[] {
  const bytes = Buffer.from(value, "utf8")
  const needles: Needle[] = [{ text: value }]
  for (const shift of [0, 1, 2]) {
    const text = base64Within(bytes, shift)
    needles.push({ text, around: BASE64 })
    const url = text.replaceAll("+", "-").replaceAll("/", "_")
    if (url !== text) needles.push({ text: url, around: BASE64 })
  }
  const hex = bytes.toString("hex")
  return [...needles, { text: hex, around: HEX }, { text: hex.toUpperCase(), around: HEX }]
}

/** The base64 characters that encode only bits of `bytes` where these begin `shift` bytes after a group of three. */
function base64Within(bytes: Buffer, shift: number): string {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64")
  return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6))
}
