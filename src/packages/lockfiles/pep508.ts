// Python requirements as text (the Dependency specifiers specification, formerly PEP 508): `name[extra]>=1,<2 ; marker`.
import { normalisePythonName } from "../purl.ts"

export interface Requirement {
  /** Normalised (PEP 503). */
  name: string
  /** Specifiers as written; "" for any version. */
  range: string
  /** Behind ` @ `; "" where the package comes from an index. */
  url: string
  marker: string
}

/** Longer texts are no requirements; matching them would take time. */
const MAX_LENGTH = 8192

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,212}[A-Za-z0-9])?$/

/** A name that an index accepts. */
export function isPythonName(name: string): boolean {
  return NAME.test(name)
}

/** Reads one requirement; undefined where the text is none. */
export function parseRequirement(text: string): Requirement | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const match = /^\s*([A-Za-z0-9._-]{1,214})\s*(?:\[[^[\]]{0,2000}\])?\s*([\s\S]*)$/.exec(text)
  if (match === null || !isPythonName(match[1]!)) return undefined
  const name = normalisePythonName(match[1]!)
  const rest = match[2]!.trim()
  if (rest.startsWith("@")) {
    // A semicolon belongs to an address unless a blank precedes it.
    const [, url = "", marker = ""] = /^@\s*(\S+)(?:\s+;([\s\S]*))?$/.exec(rest) ?? []
    return url === "" ? undefined : { name, range: "", url, marker: marker.trim() }
  }
  const semicolon = rest.indexOf(";")
  const specifiers = (semicolon < 0 ? rest : rest.slice(0, semicolon)).trim()
  const range = specifiers.startsWith("(") && specifiers.endsWith(")") ? specifiers.slice(1, -1).trim() : specifiers
  const marker = semicolon < 0 ? "" : rest.slice(semicolon + 1).trim()
  if (range !== "" && !range.split(",").every((part) => /^\s*(?:(?:===|[=<>!~]=|[<>])\s*[^\s,;()]+)?\s*$/.test(part))) {
    return undefined
  }
  return { name, range, url: "", marker }
}

/** The version that a range pins with `==` or `===` and without a wildcard; "" where it pins none. */
export function pinnedVersion(range: string): string {
  for (const part of range.split(",")) {
    const pinned = /^\s*={2,3}\s*([^\s*]+)\s*$/.exec(part)?.[1]
    if (pinned !== undefined) return pinned
  }
  return ""
}
