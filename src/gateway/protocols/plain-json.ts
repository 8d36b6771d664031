// JSON without what moves a cursor or hides words: clients print names, engines and descriptions as a registry wrote them.
import { parseForeignJson } from "../../foreign-json.ts"

/** What JSON.stringify writes for a control character other than tab and line feed, or as it is for what reorders or hides text. */
const CONTROL = /\\(?:u00|[bfr])|[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
/** Without a backslash. */
const VISIBLE = /^[\x20-\x5b\x5d-\x7e]*$/
const PIECE = /\\(?:u00[01][0-9a-f]|.)|[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** The JSON text of a value, keys included; each such character is a question mark. */
export function plainJson(value: object): string {
  const text = JSON.stringify(value)
  if (!CONTROL.test(text)) return text
  return text.replace(PIECE, (piece) => (/^\\[^bfru]/.test(piece) ? piece : "?"))
}

/** A line of JSON that somebody else wrote: the same bytes where they are visible ASCII without an escape; undefined where it is no object. */
export function plainLine(line: Buffer): Buffer | undefined {
  if (VISIBLE.test(line.toString("latin1"))) return line
  try {
    const value: unknown = parseForeignJson(line.toString("utf8"))
    return typeof value === "object" && value !== null ? Buffer.from(plainJson(value)) : undefined
  } catch {
    return undefined
  }
}
