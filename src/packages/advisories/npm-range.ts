// npm's own way of saying what is affected: a semver range (`vulnerable_versions`), as in the old advisories and in
// the answers of the bulk endpoint. Loads the semver package, so only import and bulk code may import this.
import semver from "semver"
import type { RangeEvent } from "./intervals.ts"

/** The smallest version above another: nothing but build metadata lies between the two (semver.org, 9 and 11). */
function justAbove(version: semver.SemVer): string {
  const { major, minor, patch, prerelease } = version
  return prerelease.length > 0
    ? `${major}.${minor}.${patch}-${prerelease.join(".")}.0`
    : `${major}.${minor}.${patch + 1}-0`
}

function eventsOfSet(comparators: readonly semver.Comparator[]): RangeEvent[] {
  let from: semver.SemVer | undefined
  let fromText = "0"
  let end: { kind: "fixed" | "last"; version: semver.SemVer } | undefined
  for (const { operator, semver: version } of comparators) {
    // The comparator of "*" has a symbol in place of a version.
    if (!(version instanceof semver.SemVer)) continue
    if (operator === ">" || operator === ">=" || operator === "" || operator === "=") {
      if (from === undefined || version.compare(from) >= 0) {
        from = version
        fromText = operator === ">" ? justAbove(version) : version.version
      }
    }
    if (operator === "<" || operator === "<=" || operator === "" || operator === "=") {
      const order = end ? version.compare(end.version) : -1
      if (order < 0 || (order === 0 && operator === "<")) end = { kind: operator === "<" ? "fixed" : "last", version }
    }
  }
  const introduced: RangeEvent = { kind: "introduced", version: fromText }
  return end ? [introduced, { kind: end.kind, version: end.version.version }] : [introduced]
}

/**
 * The events of an npm range, one list for each of its alternatives; undefined where it is none. Prereleases inside
 * the bounds count as affected, as npm's own audit has it (`includePrerelease`).
 */
export function eventsOfNpmRange(text: unknown): RangeEvent[][] | undefined {
  if (typeof text !== "string" || text.length > 4096) return undefined
  try {
    return new semver.Range(text, { loose: true, includePrerelease: true }).set.map(eventsOfSet)
  } catch {
    return undefined // semver throws a TypeError for what is no range
  }
}

/** The versions that a range such as `>=1.2.3 || >=2.0.1` names as the first mended ones. */
export function lowerBounds(text: unknown): string[] {
  if (typeof text !== "string" || text.length > 4096) return []
  try {
    const range = new semver.Range(text, { loose: true })
    return range.set.flatMap((set) =>
      set.flatMap(({ operator, semver: at }) => (operator === ">=" && at instanceof semver.SemVer ? [at.version] : [])),
    )
  } catch {
    return []
  }
}
