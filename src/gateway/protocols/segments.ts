// The path of a request, taken apart once and for good: what comes out of here is never decoded again.

const MAX_PATH = 4096
/** A slash, backslash or control character inside of a segment, or anything beyond ASCII, is a trick and never a package. */
const PLAIN = /^[\x21-\x2e\x30-\x5b\x5d-\x7e]+$/

/**
 * The decoded segments of a path that begins with a slash. Undefined where one is empty, `.` or `..`, badly escaped, or has
 * a character that no package name has (an encoded slash, a NUL, a percent sign that was encoded twice).
 */
export function splitSegments(path: string): string[] | undefined {
  if (!path.startsWith("/") || path.length > MAX_PATH) return undefined
  const segments: string[] = []
  for (const raw of path.slice(1).split("/")) {
    const segment = decodeOnce(raw)
    if (segment === undefined || segment === "." || segment === ".." || !PLAIN.test(segment)) return undefined
    segments.push(segment)
  }
  return segments
}

function decodeOnce(text: string): string | undefined {
  if (!text.includes("%")) return text
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes("%") ? undefined : decoded
  } catch {
    return undefined
  }
}
