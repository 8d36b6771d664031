// Versions by the rules of their ecosystem: order, ranges, pre-releases. Never throws; text that is no version is below
// every version and in no range.
import { compareCargo, isCargoPrerelease, satisfiesCargo, validCargo } from "./versions/cargo.ts"
import { compareGo, isGoPrerelease, satisfiesGo, validGo } from "./versions/golang.ts"
import { compareNpm, isNpmPrerelease, satisfiesNpm, validNpm } from "./versions/npm.ts"
import { comparePython, isPythonPrerelease, satisfiesPython, validPython } from "./versions/pypi.ts"
import type { RangeOptions, Rules } from "./versions/rules.ts"

export type { RangeOptions } from "./versions/rules.ts"

/** Longer text is neither a version nor a range: no registry has such versions, and matching them costs time. */
const MAX_VERSION = 256
const MAX_RANGE = 4096

const RULES: ReadonlyMap<string, Rules> = new Map([
  ["npm", { valid: validNpm, compare: compareNpm, satisfies: satisfiesNpm, prerelease: isNpmPrerelease }],
  ["pypi", { valid: validPython, compare: comparePython, satisfies: satisfiesPython, prerelease: isPythonPrerelease }],
  ["cargo", { valid: validCargo, compare: compareCargo, satisfies: satisfiesCargo, prerelease: isCargoPrerelease }],
  ["golang", { valid: validGo, compare: compareGo, satisfies: satisfiesGo, prerelease: isGoPrerelease }],
])

/** A version that the ecosystem's own tools accept: SemVer 2.0 for npm and Cargo, PEP 440 for PyPI, Go's `v1.2.3` (the `v` may be missing, as in advisories). */
export function isValidVersion(ecosystem: string, version: string): boolean {
  return version.length <= MAX_VERSION && (RULES.get(ecosystem)?.valid(version) ?? false)
}

/**
 * Negative, 0 or positive as `a` is older than, equal to or newer than `b`. Build metadata does not count (SemVer), a local
 * version does (PEP 440). A total order: what is no version comes first, by code units.
 */
export function compareVersions(ecosystem: string, a: string, b: string): number {
  const validA = isValidVersion(ecosystem, a)
  const validB = isValidVersion(ecosystem, b)
  if (validA && validB) return RULES.get(ecosystem)!.compare(a, b)
  if (validA !== validB) return validA ? 1 : -1
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The version is in the range, in the ecosystem's own syntax: npm's ranges; PEP 440 specifiers or Poetry's constraints; Cargo's requirements (`1.2` is `^1.2`);
 * for Go, `>=`, `<` and so on joined by blanks or commas, and a bare version as go.mod means it, the least one of its major version. `||`
 * is an alternative in npm, Poetry and Go. Pre-releases follow the ecosystem's rule unless `prereleases` is true: then the order alone decides,
 * as it must for rules that keep something out.
 */
export function satisfies(ecosystem: string, version: string, range: string, options: RangeOptions = {}): boolean {
  if (range.length > MAX_RANGE || !isValidVersion(ecosystem, version)) return false
  return RULES.get(ecosystem)!.satisfies(version, range, options)
}

/** A version that its author does not call a release: alpha, rc, dev; in Go pseudo-versions too. */
export function isPrerelease(ecosystem: string, version: string): boolean {
  return isValidVersion(ecosystem, version) && RULES.get(ecosystem)!.prerelease(version)
}

/** The newest of the versions that is in the range; undefined where none is. */
export function maxSatisfying(
  ecosystem: string,
  versions: Iterable<string>,
  range: string,
  options: RangeOptions = {},
): string | undefined {
  let best: string | undefined
  for (const version of versions) {
    if (best !== undefined && compareVersions(ecosystem, version, best) <= 0) continue
    if (satisfies(ecosystem, version, range, options)) best = version
  }
  return best
}
