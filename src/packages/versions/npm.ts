// npm: SemVer 2.0 and node-semver's ranges, by node-semver itself.
import compare from "semver/functions/compare.js"
import prerelease from "semver/functions/prerelease.js"
import satisfies from "semver/functions/satisfies.js"
import type { RangeOptions } from "./rules.ts"
import { isSemver } from "./semver.ts"

export function validNpm(version: string): boolean {
  return isSemver(version)
}

export function compareNpm(a: string, b: string): number {
  return compare(a, b)
}

export function satisfiesNpm(version: string, range: string, options: RangeOptions): boolean {
  return satisfies(version, range, { includePrerelease: options.prereleases === true })
}

export function isNpmPrerelease(version: string): boolean {
  return prerelease(version) !== null
}
