// One order of versions for each ecosystem, for advisory ranges.
import { compare as comparePep440, parse as parsePep440 } from "@renovatebot/pep440"
import type { Ecosystem } from "../../policy/types.ts"
import { compareSemver, parseSemver, type SemverParts } from "./semver-order.ts"

/** Compares two versions; undefined where either cannot be read, which is never "not affected". */
export type CompareVersions = (a: string, b: string) => number | undefined

/** A version longer than this is read by nobody; it also bounds what a regular expression is run on. */
const MAX_VERSION = 256

/** A package's version is compared with many ends of ranges, and many ranges end at the same few versions. */
const parsed = new Map<string, SemverParts | null>()
const MAX_PARSED = 4096

function partsOf(version: string): SemverParts | null {
  const known = parsed.get(version)
  if (known !== undefined) return known
  const parts = version.length > MAX_VERSION ? null : (parseSemver(version) ?? null)
  if (parsed.size >= MAX_PARSED) parsed.clear()
  parsed.set(version, parts)
  return parts
}

function semverOrder(a: string, b: string): number | undefined {
  const left = partsOf(a)
  const right = partsOf(b)
  return left && right ? compareSemver(left, right) : undefined
}

/** A local version (1.0+cu118) is a build of its public one, which is what advisories name: PEP 440, "Local version identifiers". */
function publicVersion(version: string): string {
  const plus = version.indexOf("+")
  return plus < 0 ? version : version.slice(0, plus)
}

function pep440Order(a: string, b: string): number | undefined {
  if (a.length > MAX_VERSION || b.length > MAX_VERSION) return undefined
  const left = publicVersion(a.trim())
  const right = publicVersion(b.trim())
  if (!parsePep440(left) || !parsePep440(right)) return undefined
  return comparePep440(left, right)
}

/** The order of an ecosystem's versions: PEP 440 for Python, Semantic Versioning for the others. */
export function versionOrder(ecosystem: Ecosystem): CompareVersions {
  return ecosystem === "pypi" ? pep440Order : semverOrder
}
