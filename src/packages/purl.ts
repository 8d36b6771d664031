// Package URLs (ECMA-427, the purl specification): the names that advisories, policies and reports have in common.

/** A purl taken apart; `name` is the ecosystem's own spelling with its namespace (`@scope/name`, a Go module path). */
export interface ParsedPurl {
  /** The purl type, in lower case. */
  ecosystem: string
  name: string
  /** "" where the purl states none. */
  version: string
  qualifiers: ReadonlyMap<string, string>
  /** Without leading and trailing slashes; "" where there is none. */
  subpath: string
}

const PLAIN = /^[A-Za-z0-9._~-]+$/
const PLAIN_SCOPED = /^@[A-Za-z0-9._~-]+\/[A-Za-z0-9._~-]+$/
const TYPE = /^[a-z][a-z0-9.-]*$/
/** What a lockfile, an advisory or a policy may reasonably name; longer text is refused before anything is decoded. */
const MAX_LENGTH = 4096

/**
 * The canonical purl of a package: `purlOf("npm", "@scope/name", "1.0.0")` is `pkg:npm/%40scope/name@1.0.0`. Never throws:
 * characters that no registry admits are percent-encoded, so a hostile name stays on one line. Names are taken as they
 * are (npm, Cargo and Go tell `Foo` from `foo`), except PyPI's, whose spellings are one name (PEP 503).
 */
export function purlOf(ecosystem: string, name: string, version = ""): string {
  const path =
    ecosystem === "pypi"
      ? encodePath(normalisePythonName(name))
      : PLAIN.test(name)
        ? name
        : PLAIN_SCOPED.test(name)
          ? `%40${name.slice(1)}`
          : encodePath(name)
  const base = `pkg:${ecosystem}/${path}`
  return version === "" ? base : `${base}@${PLAIN.test(version) ? version : encodeComponent(version)}`
}

/** Takes a purl apart, in any spelling that the specification admits; undefined where the text is none. */
export function parsePurl(text: string): ParsedPurl | undefined {
  if (text.length > MAX_LENGTH || !/^pkg:/i.test(text)) return undefined
  const [beforeHash, hash] = cutLast(text.slice(4), "#")
  const [beforeQuery, query] = cutLast(beforeHash, "?")
  const rest = beforeQuery.replace(/^\/+/, "")
  const slash = rest.indexOf("/")
  if (slash < 1) return undefined
  const ecosystem = rest.slice(0, slash).toLowerCase()
  if (!TYPE.test(ecosystem)) return undefined
  const coordinates = rest.slice(slash + 1)
  // An @ that opens a path segment is an npm scope that nobody encoded; the version's @ follows a name.
  const at = coordinates.lastIndexOf("@")
  const versioned = at > 0 && coordinates[at - 1] !== "/"
  const name = decodePath(versioned ? coordinates.slice(0, at) : coordinates)
  const version = versioned ? decode(coordinates.slice(at + 1)) : ""
  const qualifiers = parseQualifiers(query)
  const subpath = decodePath(hash)
  if (!name || version === undefined || qualifiers === undefined || subpath === undefined) return undefined
  return { ecosystem, name: ecosystem === "pypi" ? normalisePythonName(name) : name, version, qualifiers, subpath }
}

/** PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`. */
export function normalisePythonName(name: string): string {
  return name.replace(/[-_.]+/g, "-").toLowerCase()
}

function parseQualifiers(query: string): Map<string, string> | undefined {
  const qualifiers = new Map<string, string>()
  for (const pair of query === "" ? [] : query.split("&")) {
    const equals = pair.indexOf("=")
    if (equals < 1) return undefined
    const value = decode(pair.slice(equals + 1))
    if (value === undefined) return undefined
    if (value !== "") qualifiers.set(pair.slice(0, equals).toLowerCase(), value)
  }
  return qualifiers
}

function cutLast(text: string, mark: string): [string, string] {
  const at = text.lastIndexOf(mark)
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]
}

function encodePath(name: string): string {
  return name.split("/").map(encodeComponent).join("/")
}

// The specification leaves unencoded only letters, digits, ".", "-", "_", "~" and ":".
function encodeComponent(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%3A", ":")
}

function decodePath(path: string): string | undefined {
  const segments = path.split("/").filter((segment) => segment !== "")
  const decoded = segments.map(decode)
  return decoded.includes(undefined) ? undefined : decoded.join("/")
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
