// Go: module versions as https://go.dev/ref/mod#versions has them.
import type { RangeOptions } from "./rules.ts"

const VERSION =
  /^v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

export function validGo(version: string): boolean {
  const match = VERSION.exec(version)
  return match !== null && !(match[4]?.split(".").some((part) => /^0[0-9]+$/.test(part)) ?? false)
}

/** SemVer order. Numbers may have any length; `+incompatible` does not count; a pseudo-version sorts as the pre-release it is spelled as. */
export function compareGo(a: string, b: string): number {
  const left = VERSION.exec(a)!
  const right = VERSION.exec(b)!
  for (let part = 1; part <= 3; part++) {
    const order = compareNumbers(left[part]!, right[part]!)
    if (order !== 0) return order
  }
  return comparePrereleases(left[4], right[4])
}

export function isGoPrerelease(version: string): boolean {
  return VERSION.exec(version)?.[4] !== undefined
}

/**
 * `>=1.2.0 <2` and the like, `||` between alternatives. A bare version is what a `require` line means, the least version
 * that will do; other major versions are other modules (v0 and v1 share one, as do all `+incompatible` ones).
 * Go itself has no rule that keeps pre-releases out, so the options do not matter.
 */
export function satisfiesGo(version: string, range: string, _options: RangeOptions): boolean {
  return range.split("||").some((alternative) => {
    const text = alternative.trim()
    if (text === "*") return true
    const comparators = text.replace(/(<=|>=|!=|==|<|>|=)\s+/g, "$1").split(/[\s,]+/)
    return text !== "" && comparators.every((comparator) => holds(version, comparator))
  })
}

function holds(version: string, comparator: string): boolean {
  const operator = /^(<=|>=|!=|==|<|>|=)?/.exec(comparator)![0]
  const given = comparator.slice(operator.length)
  const bound = complete(given)
  if (!validGo(bound)) return false
  const order = compareGo(version, bound)
  switch (operator) {
    case "":
      return order >= 0 && (sameMajor(version, bound) || version.endsWith("+incompatible"))
    case "=":
    case "==":
      return order === 0
    case "!=":
      return order !== 0
    case "<":
      return order < 0
    case "<=":
      return order <= 0
    case ">":
      return order > 0
    default:
      return order >= 0
  }
}

/** `1` and `1.2` are `1.0.0` and `1.2.0`, as for `go get`. */
function complete(bound: string): string {
  return /^v?[0-9]+$/.test(bound) ? `${bound}.0.0` : /^v?[0-9]+\.[0-9]+$/.test(bound) ? `${bound}.0` : bound
}

function sameMajor(a: string, b: string): boolean {
  const [left, right] = [VERSION.exec(a)![1]!, VERSION.exec(b)![1]!]
  return left === right || (left.length === 1 && right.length === 1 && left <= "1" && right <= "1")
}

function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** SemVer 2.0, item 11: no pre-release is above any; numbers are below words; fewer fields are below more. */
function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  const left = a.split(".")
  const right = b.split(".")
  for (let index = 0; index < left.length && index < right.length; index++) {
    const order = compareFields(left[index]!, right[index]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function compareFields(a: string, b: string): number {
  const numeric = /^[0-9]+$/
  if (numeric.test(a) !== numeric.test(b)) return numeric.test(a) ? -1 : 1
  if (numeric.test(a)) return compareNumbers(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}
