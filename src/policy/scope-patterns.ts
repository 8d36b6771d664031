// The hosts and packages of a scope, by pattern. Two patterns of one kind name nothing in common, or one of them names all that the other does:
// so what two lists have in common is a list of the same patterns.
import { coversHost, type HostPattern, matchesHost, parseHostPattern } from "./hosts.ts"
import { exactName, matchesName, type PurlPattern, parseScope } from "./purl-pattern.ts"

/** Patterns of one list at most: what two lists have in common is found pair by pair. */
export const MAX_PATTERNS = 200

/** Whether a host pattern of a list names a canonical host; where there is no list, every host. */
export function hasHost(hosts: readonly string[] | undefined, host: string): boolean {
  return hosts === undefined || hostsOf(hosts).some(({ pattern }) => matchesHost(pattern, host))
}

/** Whether a package pattern of a list names a package, letter for letter (`exactName`); where there is no list, every package. */
export function hasPackage(packages: readonly string[] | undefined, ecosystem: string, name: string): boolean {
  if (packages === undefined) return true
  return packagesOf(packages).some(({ pattern }) => matchesName(pattern, ecosystem, name, exactName))
}

/** The patterns for hosts that both lists name; a list that is absent names every host. */
export function commonHosts(a: readonly string[] | undefined, b: readonly string[] | undefined) {
  return a === undefined || b === undefined ? (a ?? b) : common(hostsOf(a), hostsOf(b), coversHost)
}

/** The same for packages; `false` is none at all. */
export function commonPackages(
  a: false | readonly string[] | undefined,
  b: false | readonly string[] | undefined,
): false | readonly string[] | undefined {
  if (a === false || b === false) return false
  return a === undefined || b === undefined ? (a ?? b) : common(packagesOf(a), packagesOf(b), coversName)
}

interface Parsed<P> {
  text: string
  pattern: P
}

/** Of both lists, what a pattern of the other covers. */
function common<P>(a: readonly Parsed<P>[], b: readonly Parsed<P>[], covers: (outer: P, inner: P) => boolean) {
  const within = (inner: readonly Parsed<P>[], outer: readonly Parsed<P>[]) =>
    inner.filter(({ pattern }) => outer.some((one) => covers(one.pattern, pattern))).map(({ text }) => text)
  return [...new Set([...within(a, b), ...within(b, a)])]
}

function coversName(outer: PurlPattern, inner: PurlPattern): boolean {
  if (outer.ecosystem !== inner.ecosystem) return false
  return outer.prefix ? inner.name.startsWith(outer.name) : !inner.prefix && inner.name === outer.name
}

/** Reads each list once, as long as it is there. What is no pattern names nothing. */
function reader<P>(parse: (text: string) => P | undefined) {
  const read = new WeakMap<readonly string[], readonly Parsed<P>[]>()
  return (texts: readonly string[]): readonly Parsed<P>[] => {
    const known = read.get(texts)
    if (known) return known
    const parsed = texts.flatMap((text) => {
      const pattern = parse(text)
      return pattern === undefined ? [] : [{ text, pattern }]
    })
    read.set(texts, parsed)
    return parsed
  }
}

const hostsOf = reader<HostPattern>(parseHostPattern)
const packagesOf = reader<PurlPattern>((text) => parseScope(text, exactName))
