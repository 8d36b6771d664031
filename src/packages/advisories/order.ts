// One order of versions for each ecosystem, for advisory ranges.
import { compare as comparePep440, parse as parsePep440 } from "@renovatebot/pep440"
import type { Ecosystem } from "../../policy/types.ts"
import { compareSemver, parseSemver, type SemverParts } from "./semver-order.ts"

/** Compares two versions; undefined where either cannot be read, which is never "not affected". */
export type CompareVersions = (a: string, b: string) => number | undefined

/** A version longer than this is read by nobody; it also bounds what a regular expression is run on. */
const MAX_VERSION = 256
const MAX_MEMOIZED = 4096

/** A package's version is compared with many ends of ranges, and many ranges end at the same few versions. */
function memoize<T>(parse: (version: string) => T | null): (version: string) => T | null {
  const known = new Map<string, T | null>()
  return (version) => {
    let parts = known.get(version)
    if (parts !== undefined) return parts
    parts = version.length > MAX_VERSION ? null : parse(version)
    if (known.size >= MAX_MEMOIZED) known.clear()
    known.set(version, parts)
    return parts
  }
}

const semverOf = memoize((version): SemverParts | null => parseSemver(version) ?? null)

function semverOrder(a: string, b: string): number | undefined {
  const left = semverOf(a)
  const right = semverOf(b)
  return left && right ? compareSemver(left, right) : undefined
}

/**
 * A local version (1.0+cu118) is a build of its public one, which is what advisories name: PEP 440, "Local version
 * identifiers". Null for what is no version: the library's `compare` throws for that.
 */
const publicVersionOf = memoize((version): string | null => {
  const text = version.trim()
  const plus = text.indexOf("+")
  return parsePep440(text) ? (plus < 0 ? text : text.slice(0, plus)) : null
})

function pep440Order(a: string, b: string): number | undefined {
  const left = publicVersionOf(a)
  const right = publicVersionOf(b)
  return left === null || right === null ? undefined : comparePep440(left, right)
}

/** The order of an ecosystem's versions: PEP 440 for Python, Semantic Versioning for the others. */
export function versionOrder(ecosystem: Ecosystem): CompareVersions {
  return ecosystem === "pypi" ? pep440Order : semverOrder
}
