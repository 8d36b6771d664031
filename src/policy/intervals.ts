// Version ranges as unions of intervals, for proofs: is a range empty, does one lie inside another?
import Range from "semver/classes/range.js"
import compare from "semver/functions/compare.js"

interface Interval {
  low: { version: string; closed: boolean } | undefined
  high: { version: string; closed: boolean } | undefined
}

/**
 * The intervals of a semver range over all versions, prereleases included; undefined where the text is no range. A range that leaves
 * prereleases out holds for a part of these, so that emptiness and being inside carry over to it.
 */
export function intervalsOf(text: string): Interval[] | undefined {
  try {
    const range = new Range(text.replaceAll(",", " "), { includePrerelease: true })
    return range.set
      .map((comparators) => comparators.reduce<Interval>(narrow, { low: undefined, high: undefined }))
      .filter((interval) => !isEmpty(interval))
  } catch {
    return undefined
  }
}

/** Whether every interval of `inner` lies inside one of `outer`. False proves nothing: two neighbours may cover it together. */
export function isInside(inner: readonly Interval[], outer: readonly Interval[]): boolean {
  return inner.every((a) => outer.some((b) => lowest(b, a) && highest(b, a)))
}

type Comparator = InstanceType<typeof Range>["set"][number][number]

function narrow(interval: Interval, comparator: Comparator): Interval {
  const { operator, semver } = comparator
  const version = (semver as { version?: string }).version
  // The comparator that stands for "any version" has no version.
  if (version === undefined) return interval
  let { low, high } = interval
  const bound = { version, closed: operator !== ">" && operator !== "<" }
  if (operator !== "<" && operator !== "<=" && (!low || above(bound, low))) low = bound
  if (operator !== ">" && operator !== ">=" && (!high || below(bound, high))) high = bound
  return { low, high }
}

type Bound = NonNullable<Interval["low"]>
const above = (a: Bound, b: Bound) =>
  compare(a.version, b.version) > 0 || (compare(a.version, b.version) === 0 && !a.closed)
const below = (a: Bound, b: Bound) =>
  compare(a.version, b.version) < 0 || (compare(a.version, b.version) === 0 && !a.closed)

function isEmpty({ low, high }: Interval): boolean {
  if (high && !high.closed && compare(high.version, "0.0.0-0") <= 0) return true
  if (!low || !high) return false
  const order = compare(low.version, high.version)
  return order > 0 || (order === 0 && !(low.closed && high.closed))
}

function lowest(outer: Interval, inner: Interval): boolean {
  if (!outer.low) return true
  if (!inner.low) return false
  const order = compare(outer.low.version, inner.low.version)
  return order < 0 || (order === 0 && (outer.low.closed || !inner.low.closed))
}

function highest(outer: Interval, inner: Interval): boolean {
  if (!outer.high) return true
  if (!inner.high) return false
  const order = compare(outer.high.version, inner.high.version)
  return order > 0 || (order === 0 && (outer.high.closed || !inner.high.closed))
}
