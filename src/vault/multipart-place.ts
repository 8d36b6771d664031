// Where in a multipart form (RFC 7578) the value of a field is, so that it can be changed, and nothing else. Two readers that find different
// parts in the same bytes are an attack: what is not in the one form that all encoders write is refused.
import type { Place } from "./json-place.ts"

const MAX_PARTS = 1_000
const MAX_HEAD = 8_192
/** RFC 2046, section 5.1.1, without the space; quoted or not, as clients write it. Nothing beside it but a charset that changes nothing. */
const TYPE =
  /^multipart\/form-data *; *boundary=(?:"([A-Za-z0-9'()+_,./:=?-]{1,70})"|([A-Za-z0-9'+_.-]{1,70}))(?: *; *charset="?utf-8"?)? *$/i
const LINE = /^([A-Za-z0-9-]{1,64}):[ \t]*([^\r\n\0]*)$/
/** A name without escapes: clients write those in three ways, and readers take them for one another. */
const DISPOSITION =
  /^form-data *; *name="([^"\\%\r\n]*)"( *; *filename="[^"\\\r\n]*"(?: *; *filename\*=[\w'%.!#$&+^`|~-]+)?)? *$/i
const AS_IT_IS = /^(?:7bit|8bit|binary) *$/i
const TEXT = /^text\/plain(?: *; *charset="?(?:utf-8|us-ascii)"?)? *$/i

interface Part {
  name: string
  isFile: boolean
  isText: boolean
}

/** The boundary of a content type; undefined where that is no multipart form, or names one in a way that readers differ about. */
export function boundaryOf(type: string): string | undefined {
  const found = TYPE.exec(type.trim())
  return found?.[1] ?? found?.[2]
}

/**
 * The place of a field's value in a body that is whole; undefined where no part has that name. `ambiguous`: anything before the first
 * delimiter or behind the last, a delimiter within a value, a name that comes twice or in another spelling, a field that is a file or has
 * a transfer encoding, a head that is not plain.
 */
export function findMultipartPlace(body: Buffer, boundary: string, field: string): Place | undefined | "ambiguous" {
  const text = body.toString("latin1")
  const wanted = Buffer.from(field).toString("latin1")
  const line = `--${boundary}`
  let found: Place | undefined
  let isThere = false
  let at = 0
  for (let parts = 0; parts <= MAX_PARTS; parts++) {
    if (!text.startsWith(line, at)) return "ambiguous"
    at += line.length
    if (text.startsWith("--", at)) {
      const rest = text.slice(at + 2)
      return rest === "" || rest === "\r\n" ? (parts === 0 ? undefined : found) : "ambiguous"
    }
    if (!text.startsWith("\r\n", at)) return "ambiguous"
    const head = text.indexOf("\r\n\r\n", at)
    if (head < 0 || head - at > MAX_HEAD) return "ambiguous"
    const lines = text.slice(at + 2, head)
    const part = lines.includes(line) ? undefined : readHead(lines)
    if (part === undefined) return "ambiguous"
    const start = head + 4
    // Whatever stands before it: some readers take a line feed alone for the end of a line, some look for the dashes only.
    const next = text.indexOf(line, head)
    if (next < start + 2 || text.slice(next - 2, next) !== "\r\n") return "ambiguous"
    if (spelling(part.name) === spelling(wanted)) {
      if (isThere || part.name !== wanted || part.isFile || !part.isText) return "ambiguous"
      isThere = true
      found = [start, next - 2]
    }
    at = next
  }
  return "ambiguous"
}

/** Names that some reader takes for the same: PHP turns dots and spaces into underscores, and a bracket begins a list. */
const spelling = (name: string) => name.toLowerCase().trim().replace(/\[.*$/s, "").replace(/[. ]/g, "_")

function readHead(head: string): Part | undefined {
  const seen = new Map<string, string>()
  for (const line of head.split("\r\n")) {
    const [, name, value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined || seen.has(name.toLowerCase())) return undefined
    seen.set(name.toLowerCase(), value)
  }
  const [, name, file] = DISPOSITION.exec(seen.get("content-disposition") ?? "") ?? []
  const encoding = seen.get("content-transfer-encoding")
  // HTML has a field of that name say in which encoding the others are.
  if (name === undefined || name === "_charset_" || (encoding !== undefined && !AS_IT_IS.test(encoding)))
    return undefined
  const type = seen.get("content-type")
  return { name, isFile: file !== undefined, isText: type === undefined || TEXT.test(type) }
}
