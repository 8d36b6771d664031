// The order of versions where thousands are compared for one answer.
import { compareVersions } from "../../packages/versions.ts"
import type { Ecosystem } from "../../policy/types.ts"

/** Fifteen digits are exact as a number; what is longer, and what follows the three numbers, is left to the ecosystem's own rule. */
const NUMBERS = /^v?(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?!\d)/

/** As `compareVersions`, for versions that are valid: most pairs of SemVer versions differ in one of their three numbers. */
export function compareQuickly(ecosystem: Ecosystem, a: string, b: string): number {
  const left = ecosystem === "pypi" ? null : NUMBERS.exec(a)
  const right = left === null ? null : NUMBERS.exec(b)
  if (left !== null && right !== null) {
    for (let part = 1; part <= 3; part++) {
      const order = Number(left[part]) - Number(right[part])
      if (order !== 0) return order
    }
  }
  return compareVersions(ecosystem, a, b)
}
