// The same text as others may read it: percent-decoded, JSON-unescaped. A view remembers where each of its characters came from.

/** A reading of a text: `text[i]` stands for the original's characters from `starts[i]` up to `ends[i]`. */
export interface View {
  text: string
  /** Absent: each character stands for itself. */
  starts?: Int32Array
  ends?: Int32Array
}

/** Where something is in the original text, in UTF-16 units. */
export interface Span {
  start: number
  end: number
}

const MAX_VIEWS = 8
const PERCENT = /%[0-9a-fA-F]{2}/
const ESCAPE = /\\[\s\S]/
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text itself and what it decodes to, three levels deep: percent-encoding and JSON's escapes, in any order. */
export function viewsOf(text: string, plusIsSpace = false): View[] {
  const views: View[] = [{ text }]
  for (let at = 0; at < views.length && views.length < MAX_VIEWS; at++) {
    const view = views[at]!
    if (PERCENT.test(view.text)) addView(views, decode(view, percentAt))
    if (ESCAPE.test(view.text)) addView(views, decode(view, escapeAt))
    if (plusIsSpace && view.text.includes("+")) addView(views, { ...view, text: view.text.replaceAll("+", " ") })
  }
  return views
}

/** The place of a view's characters from `start` up to `end` in the original. */
export function spanOf(view: View, start: number, end: number): Span {
  return { start: view.starts?.[start] ?? start, end: end === 0 ? 0 : (view.ends?.[end - 1] ?? end) }
}

function addView(views: View[], view: View): void {
  if (!views.some((other) => other.text === view.text)) views.push(view)
}

interface Piece {
  text: string
  /** UTF-16 units of the source that it stands for. */
  length: number
}

/** Decodes a view; `pieceAt` says what starts at a place, undefined for a character that stands for itself. */
function decode(view: View, pieceAt: (text: string, at: number) => Piece | undefined): View {
  const source = view.text
  const starts = new Int32Array(source.length)
  const ends = new Int32Array(source.length)
  const parts: string[] = []
  let count = 0
  let plain = 0
  for (let at = 0; at < source.length; ) {
    const piece = pieceAt(source, at)
    const length = piece?.length ?? 1
    if (piece) {
      parts.push(source.slice(plain, at), piece.text)
      plain = at + length
    }
    const { start, end } = spanOf(view, at, at + length)
    for (let unit = piece?.text.length ?? 1; unit > 0; unit--, count++) {
      starts[count] = start
      ends[count] = end
    }
    at += length
  }
  parts.push(source.slice(plain))
  return { text: parts.join(""), starts, ends }
}

/** A percent-encoded character: one byte below 0x80, else the bytes of one UTF-8 sequence; a stray byte is U+FFFD. */
function percentAt(text: string, at: number): Piece | undefined {
  const first = byteAt(text, at)
  if (first === undefined) return undefined
  if (first < 0x80) return { text: String.fromCharCode(first), length: 3 }
  const count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  const bytes = [first]
  for (let i = 1; i < count; i++) bytes.push(byteAt(text, at + 3 * i) ?? 0)
  try {
    return { text: DECODER.decode(Uint8Array.from(bytes)), length: 3 * count }
  } catch {
    return { text: "\ufffd", length: 3 }
  }
}

function byteAt(text: string, at: number): number | undefined {
  if (text.charCodeAt(at) !== 0x25) return undefined
  const digits = text.slice(at + 1, at + 3)
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined
}

const SHORT_ESCAPES: Record<string, string> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
  "/": "/",
}

/** One of JSON's escapes (RFC 8259, section 7). */
function escapeAt(text: string, at: number): Piece | undefined {
  if (text.charCodeAt(at) !== 0x5c) return undefined
  const next = text[at + 1] ?? ""
  const short = SHORT_ESCAPES[next]
  if (short !== undefined) return { text: short, length: 2 }
  const digits = text.slice(at + 2, at + 6)
  if (next !== "u" || !/^[0-9a-fA-F]{4}$/.test(digits)) return undefined
  return { text: String.fromCharCode(Number.parseInt(digits, 16)), length: 6 }
}
