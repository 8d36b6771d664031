// What package rules name: a purl without or with a version, or one that ends in *.
import { plainText } from "./text.ts"

/** The form in which names of an ecosystem are compared. */
export type NameForm = (ecosystem: string, name: string) => string

export interface PurlPattern {
  /** purl type: npm, pypi, cargo, golang or any other. */
  ecosystem: string
  /** Comparable name; with `prefix` its beginning. */
  name: string
  prefix: boolean
  version?: string
}

/**
 * Reads `pkg:type/namespace/name[@version]` or `pkg:type/beginning*`; undefined where it is neither. Qualifiers and subpaths have no
 * meaning in a rule and are refused. `nameOf`: the form in which its name is compared.
 */
export function parsePurlPattern(text: string, nameOf: NameForm = comparableName): PurlPattern | undefined {
  const match = /^pkg:\/{0,2}([A-Za-z][A-Za-z0-9.+-]{0,40})\/([^\s?#]+)$/.exec(text)
  if (!match?.[1] || !match[2]) return undefined
  const ecosystem = match[1].toLowerCase()
  let rest = match[2]
  const prefix = rest.endsWith("*")
  if (prefix) rest = rest.slice(0, -1)
  const at = rest.indexOf("@", rest.startsWith("@") ? 1 : 0)
  const version = at > 0 ? decode(rest.slice(at + 1)) : undefined
  if (version === "" || (version !== undefined && prefix)) return undefined
  const name = decode(at > 0 ? rest.slice(0, at) : rest)
  if (name === undefined || (at > 0 && version === undefined)) return undefined
  if (name.includes("*") || /[\x00-\x20\x7f-\u{10ffff}]/u.test(name) || (name === "" && !prefix)) return undefined
  return { ecosystem, name: nameOf(ecosystem, name), prefix, ...(version !== undefined && { version }) }
}

/** Reads a registry's `scope`: "@acme/*" for npm, or a pattern without a version; undefined where it is neither. */
export function parseScope(scope: string, nameOf: NameForm = comparableName): PurlPattern | undefined {
  const pattern = parsePurlPattern(scope.startsWith("@") ? `pkg:npm/${scope}` : scope, nameOf)
  return pattern?.version === undefined ? pattern : undefined
}

/** Whether a pattern names a package, whatever its version; `name` in the ecosystem's own spelling, `nameOf` as the pattern was read with. */
export function matchesName(
  pattern: PurlPattern,
  ecosystem: string,
  name: string,
  nameOf: NameForm = comparableName,
): boolean {
  if (ecosystem !== pattern.ecosystem) return false
  const comparable = nameOf(ecosystem, name)
  return pattern.prefix ? comparable.startsWith(pattern.name) : comparable === pattern.name
}

/**
 * The form in which names of one ecosystem are compared: PEP 503 for PyPI; Cargo holds - and _ for one; Go module paths
 * ignore case, as purl does. Where an ecosystem is stricter than that, a rule meets more than it says, never less.
 */
export function comparableName(ecosystem: string, name: string): string {
  if (ecosystem === "npm") return name
  if (ecosystem === "pypi") return /[A-Z_.]|--/.test(name) ? name.toLowerCase().replace(/[-_.]+/g, "-") : name
  if (ecosystem === "cargo") return name.toLowerCase().replaceAll("_", "-")
  return name.toLowerCase()
}

/**
 * The form in which names are compared where more must not be met than is said: a right. PyPI and Cargo hold several spellings for one name; every
 * other ecosystem, or a host in it, may hold them for two.
 */
export function exactName(ecosystem: string, name: string): string {
  return ecosystem === "pypi" || ecosystem === "cargo" ? comparableName(ecosystem, name) : name
}

/** Shows a pattern as it is compared. */
export function formatPurlPattern({ ecosystem, name, prefix, version }: PurlPattern): string {
  return plainText(`pkg:${ecosystem}/${name}${prefix ? "*" : ""}${version ? `@${version}` : ""}`)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
