// Several databases, one issue: the findings of one package brought together by their aliases.
import { isAffected } from "./affects.ts"
import type { Finding } from "./normalize.ts"
import { type CompareVersions, versionOrder } from "./order.ts"
import { highestRating } from "./severity.ts"
import type { AdvisoryRecord, PackageRecord } from "./types.ts"

/** The id that people look an issue up by: GitHub's first, then Python's, CVE, others; malware reports go by their own. */
function idRank(id: string, malware: boolean): number {
  const order = malware ? ["MAL-", "GHSA-", "PYSEC-", "CVE-"] : ["GHSA-", "PYSEC-", "RUSTSEC-", "GO-", "CVE-"]
  const rank = order.findIndex((prefix) => id.startsWith(prefix))
  return rank < 0 ? order.length : rank
}

const databaseOf = (id: string) => id.slice(0, id.indexOf("-"))

/**
 * Groups of records about one issue: those of different databases that share an id or an alias, directly or through
 * others. Two of one database are two issues to those who keep it, whatever an alias list says; only the same id twice
 * is one.
 */
function groupByAlias(records: readonly AdvisoryRecord[]): AdvisoryRecord[][] {
  const parent = records.map((_, i) => i)
  const root = (i: number): number => {
    let at = i
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!
      at = parent[at]!
    }
    return at
  }
  const owners = new Map<string, Map<string, number>>()
  records.forEach((record, i) => {
    const database = databaseOf(record.id)
    for (const id of new Set([record.id, ...(record.aliases ?? [])])) {
      const byDatabase = owners.get(id) ?? new Map<string, number>()
      owners.set(id, byDatabase)
      for (const [other, owner] of byDatabase) {
        if (other !== database || records[owner]!.id === record.id) parent[root(i)] = root(owner)
      }
      if (!byDatabase.has(database) || record.id === id) byDatabase.set(database, i)
    }
  })
  return [...Map.groupBy(records.keys(), root).values()].map((group) => group.map((i) => records[i]!))
}

/** Comparing every version with every range is quick for real advisories; a list made to be slow is kept as it is. */
const MAX_COMPARISONS = 500_000

/** Affected versions that no range covers, each once: most lists only spell out what the ranges say. */
function uncovered(versions: Iterable<string>, ranged: AdvisoryRecord, compare: CompareVersions): string[] {
  const unique = [...new Set(versions)]
  if (unique.length * (ranged.ranges?.length ?? 0) > MAX_COMPARISONS) return unique
  return unique.filter((version) => isAffected(ranged, version, compare) !== true)
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()]
}

/** One advisory out of several of the same issue: the union of what they affect, the highest rating, malware wins. */
function mergeGroup(group: readonly AdvisoryRecord[], compare: CompareVersions): AdvisoryRecord {
  const kind = group.some((record) => record.kind === "malware") ? "malware" : "vulnerability"
  const ids = [...new Set(group.flatMap((record) => [record.id, ...(record.aliases ?? [])]))]
  const own = new Set(group.map((record) => record.id))
  // Only an id that some source published on its own can be the name; its aliases may be mere references.
  ids.sort(
    (a, b) =>
      Number(own.has(b)) - Number(own.has(a)) ||
      idRank(a, kind === "malware") - idRank(b, kind === "malware") ||
      (a < b ? -1 : 1),
  )
  const [id, ...aliases] = ids
  const unreadable = group.some((record) => record.unreadable)
  const ranges = uniqueBy(
    group.flatMap((record) => record.ranges ?? []),
    (range) => JSON.stringify([range.introduced, range.fixed, range.below, range.last]),
  )
  const versions = uncovered(
    group.flatMap((record) => record.versions ?? []),
    { id: id!, kind, ranges },
    compare,
  )
  const fixed = [...new Set(group.flatMap((record) => record.fixed ?? []))]
  return {
    id: id!,
    ...(aliases.length > 0 && { aliases }),
    kind,
    ...highestRating(group),
    ...(ranges.length > 0 && { ranges }),
    ...(versions.length > 0 && { versions }),
    ...(fixed.length > 0 && { fixed }),
    ...(unreadable && { unreadable: true as const }),
  }
}

/** The entry of one package out of everything that was found for it. The order of the findings does not matter. */
export function mergePackage(findings: readonly Finding[]): PackageRecord {
  const { ecosystem, name } = findings[0]!
  const compare = versionOrder(ecosystem)
  const withdrawn = [...new Set(findings.flatMap((finding) => finding.withdrawn ?? []))].sort()
  const gone = new Set(withdrawn)
  const records = findings
    .flatMap(({ record }) => (record && !gone.has(record.id) ? [record] : []))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const advisories = groupByAlias(records)
    .map((group) => mergeGroup(group, compare))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  return { ecosystem, name, advisories, ...(withdrawn.length > 0 && { withdrawn }) }
}
