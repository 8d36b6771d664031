// Version ranges of rules: PEP 440 specifiers for Python, the range syntax of semver for everything else.
import { satisfies as pep440Satisfies, valid as pep440Valid, validRange as pep440ValidRange } from "@renovatebot/pep440"
import Range from "semver/classes/range.js"
import SemVer from "semver/classes/semver.js"

export interface VersionRange {
  text: string
  /** `unreadable` is the answer for a version that cannot be compared: true for what restricts, false for what permits. */
  test: (version: string) => boolean
}

/**
 * Compiles a range, or returns undefined where it is none. With `wide` (rules that deny or ask) prereleases between the
 * bounds are inside and a version that cannot be read is inside too; without it (rules that permit) neither is.
 */
export function compileRange(ecosystem: string, text: string, wide: boolean): VersionRange | undefined {
  if (text.length > 200) return undefined
  if (ecosystem === "pypi") {
    if (!pep440ValidRange(text)) return undefined
    return {
      text,
      test: (version) =>
        pep440Valid(version) === null ? wide : pep440Satisfies(version, text, wide ? { prereleases: true } : {}),
    }
  }
  // Go's pseudo-versions are prereleases by form, so that ranges would never hold for them without this.
  const includePrerelease = wide || ecosystem === "golang"
  try {
    const range = new Range(text.replaceAll(",", " "), { includePrerelease })
    return {
      text,
      test: (version) => {
        try {
          return range.test(new SemVer(version))
        } catch {
          return wide
        }
      },
    }
  } catch {
    return undefined
  }
}

const SEMVER = new Set(["npm", "cargo", "golang"])

/**
 * A range that holds for exactly one version: the text, and with `wide` (rules that deny or ask) every spelling that package
 * managers take for it, such as `v1.2.3` and `1.2.3+build` for 1.2.3.
 */
export function exactVersion(ecosystem: string, version: string, wide: boolean): VersionRange {
  const range = wide && SEMVER.has(ecosystem) ? compileRange(ecosystem, `=${version}`, true) : undefined
  return { text: `=${version}`, test: (other) => other === version || range?.test(other) === true }
}
