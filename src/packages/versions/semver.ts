// SemVer 2.0's grammar (https://semver.org, items 2, 9 and 10), without the leniency of libraries (a leading v, blanks).
import valid from "semver/functions/valid.js"

/** A version exactly as SemVer 2.0 spells it, its numbers small enough to be compared. */
export function isSemver(version: string): boolean {
  const first = version.charCodeAt(0)
  return first >= 0x30 && first <= 0x39 && version.trimEnd() === version && valid(version) !== null
}
