// Many requests -> few rules: by host, by what they do, and by paths that are put together where that is careful.
import { type AllowedRequests, slugOf } from "./flow.ts"

/** Requests that one rule would allow, as narrow as it can be written. */
export interface AskedFor extends Omit<AllowedRequests, "id"> {
  kind: "read" | "write"
  requests: number
  firstSeq: number
  lastSeq: number
}

/** A rule with the requests that it is for. */
export interface SuggestedRule extends AllowedRequests {
  requests: number
  firstSeq: number
  lastSeq: number
  /** Some were refused before they were read: what they would have asked for is not known. */
  unseen?: true
}

/** So many different values of one segment are put together as `*`. */
const ALIKE = 4
/** Longest list of paths of a rule; longer ones become the beginnings that they share. */
const MAX_PATHS = { read: 16, write: 48 } as const

/** One rule for what is alike, most requests first. Ids are none of `taken`. */
export function mergeAsked(asked: readonly AskedFor[], taken: ReadonlySet<string>): SuggestedRule[] {
  const used = new Set(taken)
  const byPath = groupBy(asked, ({ host, port, kind, access, operations, paths }) => [
    host,
    port,
    kind,
    access,
    operations,
    paths,
  ])
  const rows = byPath.map((group): AskedFor => {
    const methods = sorted(group.flatMap(({ methods = [] }) => methods))
    return { ...(group[0] as AskedFor), ...sumOf(group), ...(methods.length > 0 && { methods }) }
  })
  return groupBy(rows, ({ host, port, kind, access, methods, operations }) => [
    host,
    port,
    kind,
    access,
    methods,
    !operations,
  ])
    .map(toRule)
    .sort((a, b) => b.requests - a.requests || (a.host < b.host ? -1 : 1))
    .map(({ kind, ...rule }) => ({ ...rule, id: freeId(`${slugOf(rule.host)}-${kind}`, used) }))
}

function toRule(group: readonly AskedFor[]): Omit<SuggestedRule, "id"> & Pick<AskedFor, "kind"> {
  const { host, port, kind, access, methods } = group[0] as AskedFor
  const operations = sorted(group.flatMap((one) => one.operations ?? []))
  const paths = mergePaths(
    group.flatMap((one) => one.paths ?? []),
    kind,
  )
  return {
    ...{ host, port, kind, ...sumOf(group) },
    ...(access && { access, unseen: true as const }),
    ...(methods && { methods }),
    ...(operations.length > 0 && { operations }),
    ...(paths.length > 0 && { paths }),
  }
}

/**
 * Fewer patterns that hold for the same paths and more. Of what reads, many values of one segment become `*`; of what writes, a
 * person should see each. The first segment stays.
 */
export function mergePaths(patterns: readonly string[], kind: "read" | "write"): string[] {
  let merged = sorted(patterns)
  const depth = Math.max(0, ...merged.map((path) => path.split("/").length))
  for (let at = depth - 1; at >= 2 && kind === "read"; at--) merged = mergeSegment(merged, at)
  const most = MAX_PATHS[kind]
  for (let length = depth - 1; length >= 2 && merged.length > most; length--) {
    merged = sorted(merged.map((path) => beginningOf(path, length)))
  }
  return merged.length > most ? ["/**"] : merged
}

function mergeSegment(patterns: readonly string[], at: number): string[] {
  const alike = groupBy(patterns, (path) => {
    const segments = path.split("/")
    return [segments.length, ...segments.map((segment, index) => (index === at ? "" : segment))]
  })
  return sorted(
    alike.flatMap((group) => {
      const segments = (group[0] as string).split("/")
      const merge = segments.length > at && (group.length >= ALIKE || group.some((path) => path.split("/")[at] === "*"))
      return merge ? [segments.with(at, "*").join("/")] : group
    }),
  )
}

/** The first segments of a path, and whatever is below; a shorter path stays. */
function beginningOf(path: string, length: number): string {
  const segments = path.split("/")
  return segments.length > length ? [...segments.slice(0, length), "**"].join("/") : path
}

const sorted = (items: readonly string[]) => [...new Set(items)].sort()

const sumOf = (group: readonly AskedFor[]) => ({
  requests: group.reduce((sum, one) => sum + one.requests, 0),
  firstSeq: Math.min(...group.map(({ firstSeq }) => firstSeq)),
  lastSeq: Math.max(...group.map(({ lastSeq }) => lastSeq)),
})

function groupBy<T>(items: readonly T[], keyOf: (item: T) => readonly unknown[]): T[][] {
  return [...Map.groupBy(items, (item) => JSON.stringify(keyOf(item))).values()]
}

function freeId(id: string, used: Set<string>): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? id : `${id}-${count}`
    if (used.has(candidate)) continue
    used.add(candidate)
    return candidate
  }
}
