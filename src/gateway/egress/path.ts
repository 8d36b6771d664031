// Paths and queries of requests, in the one form that is both matched and sent: what a rule saw is what the origin gets.
import { isNormalPath } from "../../policy/glob.ts"

export interface NormalPath {
  /** What rules are matched against, and what is sent. */
  path: string
  /** After the `?`, as it came; "" where there is none. `hasQuery` tells `/a` from `/a?`. */
  query: string
  hasQuery: boolean
  /** False where origins may read it in several ways (`//`, `%2F`, `;`): no rule that permits by path is met by it. */
  normal: boolean
}

const MAX_URL = 16_384
/** Visible ASCII without `#` and backslash, which some parsers take for a slash. */
const CHARACTERS = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/
/** Queries may hold what browsers leave in them, a backslash among it. */
const QUERY = /^[\x21\x22\x24-\x7e]*$/
const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * Reads the origin form of a request's address. Percent-encoding is put into its normal form (RFC 3986, section 6.2.2); undefined for
 * what no client sends unless to be misread: dot segments in any spelling, control characters, broken percent-encoding.
 */
export function normalPath(url: string): NormalPath | undefined {
  if (url.length > MAX_URL) return undefined
  const mark = url.indexOf("?")
  const raw = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 ? "" : url.slice(mark + 1)
  if (!CHARACTERS.test(raw) || !QUERY.test(query)) return undefined
  const path = raw.includes("%") ? normalEncoding(raw) : raw
  if (path === undefined || hasDotSegment(path)) return undefined
  return { path, query, hasQuery: mark >= 0, normal: isNormalPath(path) }
}

/** What need not be encoded is not, and hexadecimal digits are upper case. Undefined for what is no encoding, and for control characters. */
function normalEncoding(path: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]/.test(path)) return undefined
  return path.replace(/%[0-9A-Fa-f]{2}/g, (text) => {
    const character = String.fromCharCode(Number.parseInt(text.slice(1), 16))
    return UNRESERVED.test(character) ? character : text.toUpperCase()
  })
}

/** Whether any reader may find `.` or `..` as a segment: with encoded slashes, with parameters (`..;x`), or encoded twice. */
function hasDotSegment(path: string): boolean {
  if (!path.includes(".") && !path.includes("%25")) return false
  const read = path
    .replace(/%(?:25)+/g, "%")
    .replace(/%2e/gi, ".")
    .replace(/%3b/gi, ";")
    .replace(/%(?:2f|5c)/gi, "/")
  return read.split("/").some((segment) => /^\.{1,2}(?:;|$)/.test(segment))
}
