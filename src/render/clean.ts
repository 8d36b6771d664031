// Every string that came from outside passes through here on its way to a terminal, a log or a CI page.

/** Longest text that is shown whole, in UTF-16 units. Longer names and reasons are an attack or an accident. */
export const DEFAULT_MAX = 400

const PLAIN = /^[\x20-\x7e]*$/

// Controls, format characters (bidi, zero-width, tags), surrogates without a partner, private and unassigned code
// points, every separator but the space, and what Unicode draws as nothing (fillers, variation selectors).
const UNSAFE = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u

const UNSAFE_ALL = new RegExp(UNSAFE, "gu")

// Three marks on one letter are a language; a hundred are meant to cover the lines above.
const MARK = /\p{M}/u
const MAX_MARKS = 3

// What CI systems obey in a log: `::command::` where a line starts (GitHub trims it first, and a text may be wrapped at
// any space), and `##[command]`, `##vso[command]` and `##teamcity[command]` anywhere in it.
const COMMAND = /(?:^| )::|##[a-z]{0,20}\[/i
const COMMAND_MARK = /^##[a-z]{0,20}\[/i

/**
 * Makes any string safe for one line of a terminal or a log: a character that could move the cursor, reorder or hide
 * text, or that starts a command of a CI system, is shown as `\u{202e}`, and what is longer than `max` (UTF-16 units of
 * the result, at least 40) is cut with the number of characters left out. Cleaning twice changes nothing.
 */
export function cleanText(text: string, max = DEFAULT_MAX): string {
  const limit = Math.max(40, max)
  if (text.length <= limit && PLAIN.test(text) && !COMMAND.test(text)) return text
  const { shown, used, whole } = escapeUpTo(text, limit)
  if (whole) return shown
  const cut = ` [+${text.length - used} characters]`
  const short = escapeUpTo(text, limit - cut.length - 2)
  return `${short.shown} [+${text.length - short.used} characters]`
}

/** Escapes until the result would pass `limit`; `used` counts the UTF-16 units of `text` that are in it. */
function escapeUpTo(text: string, limit: number): { shown: string; used: number; whole: boolean } {
  let shown = ""
  let used = 0
  let marks = 0
  for (const char of text) {
    marks = MARK.test(char) ? marks + 1 : 0
    const hidden = UNSAFE.test(char) || marks > MAX_MARKS || startsCommand(text, used)
    const piece = hidden ? `\\u{${char.codePointAt(0)!.toString(16)}}` : char
    if (shown.length + piece.length > limit) return { shown, used, whole: false }
    shown += piece
    used += char.length
  }
  return { shown, used, whole: true }
}

function startsCommand(text: string, at: number): boolean {
  if (text[at] === ":") return text[at + 1] === ":" && (at === 0 || text[at - 1] === " ")
  return text[at] === "#" && COMMAND_MARK.test(text.slice(at, at + 24))
}

/**
 * Serialises to JSON that is safe to print: the same value for a parser, while bidi, zero-width and C1 characters and
 * `##[` are written as \uXXXX escapes, so that a terminal shows what is there. Ends with a newline.
 */
export function safeJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2).replace(/##(?=[a-z]{0,20}\[)/gi, "#\\u0023")
  if (!/[^\n\x20-\x7e]/.test(text)) return `${text}\n`
  const escaped = text.replace(UNSAFE_ALL, (char) => (char === "\n" ? char : escapeUnits(char)))
  return `${escaped}\n`
}

function escapeUnits(char: string): string {
  let escaped = ""
  for (let i = 0; i < char.length; i++) escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`
  return escaped
}

/** `1204` -> `1,204`, without the cost of loading a locale. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** `1 package`, `2 packages`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`
}
