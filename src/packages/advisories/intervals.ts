// OSV events -> intervals. Done once at import, so that a lookup only compares.
import type { CompareVersions } from "./order.ts"
import type { Interval } from "./types.ts"

export type RangeEvent =
  | { kind: "introduced"; version: string }
  | { kind: "fixed"; version: string }
  | { kind: "last"; version: string }
  | { kind: "limit"; version: string }

/** The order of OSV's own events: "0" first, then by version; undefined where two cannot be compared. */
function sortEvents(events: RangeEvent[], compare: CompareVersions): RangeEvent[] | undefined {
  let readable = true
  const order = (a: RangeEvent, b: RangeEvent) => {
    if (a.version === "0" || b.version === "0") return Number(b.version === "0") - Number(a.version === "0")
    const result = compare(a.version, b.version)
    if (result === undefined) readable = false
    return result ?? 0
  }
  const sorted = events.toSorted(order)
  // A single event is compared with nothing, so its version is read on its own.
  for (const { version } of sorted) if (version !== "0" && compare(version, version) === undefined) readable = false
  return readable ? sorted : undefined
}

const sameVersion = (a: RangeEvent, b: RangeEvent, compare: CompareVersions) =>
  a.version === b.version || (a.version !== "0" && b.version !== "0" && compare(a.version, b.version) === 0)

/** The largest limit, as versions up to any of several limits are considered; undefined without one ("*": no limit). */
function limitOf(events: readonly RangeEvent[], compare: CompareVersions): string | undefined {
  let limit: string | undefined
  for (const event of events) {
    if (event.kind !== "limit") continue
    if (event.version === "*") return undefined
    if (limit === undefined || (compare(event.version, limit) ?? 0) > 0) limit = event.version
  }
  return limit
}

/**
 * The intervals that a range's events describe (OSV 1.7, "evaluation"), in whatever order they are given; undefined
 * where their versions cannot be compared. A `fixed` without anything introduced before it says nothing.
 */
export function intervalsOf(events: readonly RangeEvent[], compare: CompareVersions): Interval[] | undefined {
  const unlimited = events.filter((event) => event.kind !== "limit")
  const sorted = sortEvents(unlimited, compare)
  const limit = limitOf(events, compare)
  if (!sorted || (limit !== undefined && compare(limit, limit) === undefined)) return undefined

  const intervals: Interval[] = []
  let introduced: string | undefined
  const close = ({ kind, version }: RangeEvent) => {
    if (introduced === undefined) return
    intervals.push(kind === "fixed" ? { introduced, fixed: version } : { introduced, last: version })
    introduced = undefined
  }
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    while (to < sorted.length && sameVersion(sorted[from]!, sorted[to]!, compare)) to++
    // Where one version both ends a branch and starts the next, the open one is closed first and the next one opened.
    const here = sorted.slice(from, to)
    const ends = here.filter((event) => event.kind !== "introduced")
    if (introduced !== undefined) for (const event of ends.splice(0)) close(event)
    introduced ??= here.find((event) => event.kind === "introduced")?.version
    for (const event of ends) close(event)
  }
  if (introduced !== undefined) intervals.push({ introduced })
  return limit === undefined ? intervals : intervals.flatMap((interval) => cutAt(interval, limit, compare))
}

/** The part of an interval below a limit. A limit is no fix, so it may not be offered as one: it ends up as `below`. */
function cutAt(interval: Interval, limit: string, compare: CompareVersions): Interval[] {
  if (interval.introduced !== "0" && compare(interval.introduced, limit)! >= 0) return []
  if (interval.fixed !== undefined && compare(interval.fixed, limit)! <= 0) return [interval]
  if (interval.last !== undefined && compare(interval.last, limit)! < 0) return [interval]
  return [{ introduced: interval.introduced, below: limit }]
}
