// Patterns on paths and names. `*` stays within a segment, `**` as a whole segment is any number of them.
// No regular expression is built, so no pattern and no path can make the comparison explode.

/** A compiled pattern. `test` needs a path in normal form. */
export interface Glob {
  text: string
  segments: readonly string[]
  test: (path: string) => boolean
}

/** Compiles a pattern of segments separated by `/`; undefined where `**` is only part of a segment. */
export function compileGlob(text: string): Glob | undefined {
  const segments = text.split("/")
  if (segments.some((segment) => segment !== "**" && segment.includes("**"))) return undefined
  if (segments.length > 64) return undefined
  const test = text.includes("*")
    ? (path: string) => matchSegments(segments, path.split("/"))
    : (path: string) => path === text
  return { text, segments, test }
}

/** Greedy with one point to come back to: linear in patterns with a single `**`, quadratic at worst. */
function matchSegments(pattern: readonly string[], path: readonly string[]): boolean {
  let p = 0
  let s = 0
  let star = -1
  let resume = 0
  while (s < path.length) {
    const want = pattern[p]
    if (want === "**") {
      star = p++
      resume = s
    } else if (want !== undefined && matchSegment(want, path[s] ?? "")) {
      p++
      s++
    } else if (star >= 0) {
      p = star + 1
      s = ++resume
    } else return false
  }
  while (pattern[p] === "**") p++
  return p === pattern.length
}

/** Whether a name fits a pattern in which `*` stands for any characters. */
export function matchSegment(pattern: string, text: string): boolean {
  if (pattern === "*") return true
  if (!pattern.includes("*")) return pattern === text
  const parts = pattern.split("*")
  const first = parts[0] ?? ""
  const last = parts.at(-1) ?? ""
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  const end = text.length - last.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/**
 * Whether a path is in the one spelling in which patterns can be trusted: absolute, without empty, `.` or `..` segments,
 * backslashes, control characters, or percent-encoding of what need not be encoded (RFC 3986, 6.2.2) or separates.
 */
export function isNormalPath(path: string): boolean {
  if (path.charCodeAt(0) !== 47) return false
  return !/\/\/|\/\.{1,2}(?:\/|$)|[\x00-\x20\x7f\\;]|%(?:2[def]|5[cf]|7e|3[0-9b]|[46][1-9a-f]|[57][0-9a]|[01][0-9a-f])|%(?![0-9a-f]{2})/i.test(
    path,
  )
}
