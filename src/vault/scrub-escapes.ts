// Escapes that texts are put into: what begins one, and what it stands for.

/** Longer is no escape. */
const MAX_ESCAPE = 12

const SHORT: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" }
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" }

/** UTF-8 of a code point that stands alone; undefined for what is none. */
function bytesOf(code: number): Buffer | undefined {
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? undefined : Buffer.from(String.fromCodePoint(code))
}

/** What an escape stands for, and how many of its characters are read. */
export interface Unescaped {
  bytes: Buffer
  size: number
}

const whole = (text: string, bytes: Buffer | undefined): Unescaped | undefined =>
  bytes === undefined ? undefined : { bytes, size: text.length }

/** `more` where the text may still become an escape, undefined where it never will. */
type Read = Unescaped | "more" | undefined

/** One kind of escape: the byte that it begins with, and how a text is read that begins so. */
export interface Escapes {
  lead: number
  read: (text: string) => Read
  /** It is one only within something that began. */
  within?: true
}

const NO_BYTES = Buffer.alloc(0)

/** The end of a line, which base64 and hex are wrapped by: nothing. A blank line is none. */
function readBreak(text: string): Read {
  if (/^(?:\r|\r?\n)$/.test(text)) return "more"
  const found = /^\r?\n(?=[^\r\n])/.exec(text)
  return found === null ? undefined : { bytes: NO_BYTES, size: found[0].length }
}

/** RFC 3986, section 2.1. */
function readPercent(text: string): Read {
  if (!/^%[0-9A-Fa-f]{0,2}$/.test(text)) return undefined
  return text.length < 3 ? "more" : whole(text, Buffer.of(Number.parseInt(text.slice(1), 16)))
}

/** RFC 8259, section 7; and `\x`, as programs have it. */
function readBackslash(text: string): Read {
  if (/^\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?$/.test(text)) return "more"
  const code = /^\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))$/.exec(text)
  if (code !== null) return whole(text, bytesOf(Number.parseInt(code[1] ?? code[2]!, 16)))
  if (/^\\[/"'\\]$/.test(text)) return whole(text, Buffer.from(text.slice(1)))
  return /^\\[nrtbf]$/.test(text) ? whole(text, Buffer.from(SHORT[text[1]!]!)) : undefined
}

/** The same escaped again, as JSON in a string of JSON is: any number of backslashes is one. */
function readBackslashes(text: string): Read {
  if (/^\\{1,5}(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?$/.test(text)) return "more"
  const code = /^\\{1,5}(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))$/.exec(text)
  return code === null ? undefined : whole(text, bytesOf(Number.parseInt(code[1] ?? code[2]!, 16)))
}

/** Character references of HTML. */
function readReference(text: string): Read {
  const named = /^&([a-z]{1,4});$/.exec(text)
  if (named !== null) return whole(text, Object.hasOwn(NAMED, named[1]!) ? Buffer.from(NAMED[named[1]!]!) : undefined)
  const decimal = /^&#(\d{1,7});$/.exec(text)
  if (decimal !== null) return whole(text, bytesOf(Number(decimal[1])))
  const hex = /^&#[xX]([0-9A-Fa-f]{1,6});$/.exec(text)
  if (hex !== null) return whole(text, bytesOf(Number.parseInt(hex[1]!, 16)))
  return text.length < MAX_ESCAPE && /^&(?:[a-z]{0,4}|#\d{0,7}|#[xX][0-9A-Fa-f]{0,6})$/.test(text) ? "more" : undefined
}

/** Each kind is undone by itself: what is an escape to one is text to the others. */
export const ESCAPES: readonly Escapes[] = [
  { lead: 0x25, read: readPercent },
  { lead: 0x5c, read: readBackslash },
  { lead: 0x5c, read: readBackslashes },
  { lead: 0x26, read: readReference },
  { lead: 0x0a, read: readBreak, within: true },
  { lead: 0x0d, read: readBreak, within: true },
]
