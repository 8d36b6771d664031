// Cargo: SemVer 2.0 and the requirements of the Cargo book ("Specifying Dependencies"), by node-semver under Cargo's own syntax.
import compare from "semver/functions/compare.js"
import prerelease from "semver/functions/prerelease.js"
import satisfies from "semver/functions/satisfies.js"
import type { RangeOptions } from "./rules.ts"
import { isSemver } from "./semver.ts"

export function validCargo(version: string): boolean {
  return isSemver(version)
}

export function compareCargo(a: string, b: string): number {
  return compare(a, b)
}

export function isCargoPrerelease(version: string): boolean {
  return prerelease(version) !== null
}

const NUMBER = "(?:0|[1-9][0-9]*)"
const WORD = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*"
/** operator, major, minor, patch, pre-release; minor and patch may be wildcards. */
const COMPARATOR = new RegExp(
  `^(\\^|~|=|>=|<=|>|<)?\\s*(${NUMBER})(?:\\.(${NUMBER}|[*xX])(?:\\.(${NUMBER}|[*xX])(?:-(${WORD}))?(?:\\+${WORD})?)?)?$`,
)

/** `1.2` is `^1.2`; comparators joined by commas must all hold; `*` and `1.*` are wildcards; there is no `||`. */
export function satisfiesCargo(version: string, requirement: string, options: RangeOptions): boolean {
  const range = toNpmRange(requirement)
  return range !== undefined && satisfies(version, range, { includePrerelease: options.prereleases === true })
}

function toNpmRange(requirement: string): string | undefined {
  const text = requirement.trim()
  if (/^[*xX]$/.test(text)) return "*"
  const comparators = text.split(",").map((part) => {
    const match = COMPARATOR.exec(part.trim())
    if (match === null) return undefined
    const [, operator = "", major, minor, patch, pre] = match
    const wild = isWild(minor) || isWild(patch)
    // A number after a wildcard (1.*.3) and a pre-release behind one have no meaning in Cargo.
    if ((isWild(minor) && patch !== undefined && !isWild(patch)) || (wild && pre !== undefined)) return undefined
    const parts = [major, minor, patch].filter((number) => number !== undefined && !isWild(number)).join(".")
    const full = pre === undefined ? parts : `${parts}-${pre}`
    if (wild && (operator === "" || operator === "^" || operator === "~")) return `~${full}`.replace(/^~(\d+)$/, "$1.x")
    return `${operator === "" ? "^" : operator}${full}`
  })
  return comparators.includes(undefined) ? undefined : comparators.join(" ")
}

function isWild(part: string | undefined): boolean {
  return part === "*" || part === "x" || part === "X"
}
