// Whether an advisory applies to a version, and where it is mended.
import type { Advisory, Severity } from "../../policy/types.ts"
import { type CompareVersions, versionOrder } from "./order.ts"
import type { AdvisoryRecord, AffectedBy, Interval, PackageRecord } from "./types.ts"

const RANK: Record<Severity, number> = { low: 1, medium: 2, high: 3, critical: 4 }

/** True, false, or undefined where the version cannot be compared with the interval's ends. */
function within(interval: Interval, version: string, compare: CompareVersions): boolean | undefined {
  // "0" sorts before every version, also before prereleases and before versions that nobody can parse (OSV 1.7, events).
  if (interval.introduced !== "0") {
    const order = compare(version, interval.introduced)
    if (order === undefined) return undefined
    if (order < 0) return false
  }
  const end = interval.fixed ?? interval.below
  if (end !== undefined) {
    const order = compare(version, end)
    return order === undefined ? undefined : order < 0
  }
  if (interval.last !== undefined) {
    const order = compare(version, interval.last)
    return order === undefined ? undefined : order <= 0
  }
  return true
}

/**
 * True if the advisory lists the version or has it in a range (OSV 1.7, "evaluation"), false if not, and undefined
 * where that cannot be told: a version or a range that nobody can read.
 */
export function isAffected(record: AdvisoryRecord, version: string, compare: CompareVersions): boolean | undefined {
  let undecided = record.unreadable === true
  for (const listed of record.versions ?? []) {
    if (listed === version || compare(listed, version) === 0) return true
  }
  for (const interval of record.ranges ?? []) {
    const inside = within(interval, version, compare)
    if (inside) return true
    if (inside === undefined) undecided = true
  }
  return undecided ? undefined : false
}

/** First fixed versions, one for each affected branch, ascending: those that the same advisory does not still cover. */
function fixedVersions(record: AdvisoryRecord, compare: CompareVersions): string[] {
  const named = new Set(record.fixed)
  for (const { fixed } of record.ranges ?? []) if (fixed !== undefined) named.add(fixed)
  return [...named]
    .filter((version) => isAffected(record, version, compare) === false)
    .sort((a, b) => compare(a, b) ?? 0)
    .slice(0, 50)
}

const rankOf = (advisory: Advisory) => (advisory.kind === "malware" ? 9 : RANK[advisory.severity ?? "high"])

const NOTHING: AffectedBy = Object.freeze([])

/** The advisories of a package that apply to one of its versions, malware first, then the most severe. */
export function affectedBy(record: PackageRecord | undefined, version: string): AffectedBy {
  if (!record) return NOTHING
  const compare = versionOrder(record.ecosystem)
  const advisories: Advisory[] & { invalid?: true } = []
  for (const entry of record.advisories) {
    const affected = isAffected(entry, version, compare)
    if (affected === undefined) advisories.invalid = true
    if (!affected) continue
    advisories.push({
      id: entry.id,
      aliases: entry.aliases ?? [],
      kind: entry.kind,
      ...(entry.severity !== undefined && { severity: entry.severity }),
      ...(entry.cvss !== undefined && { cvss: entry.cvss }),
      fixed: fixedVersions(entry, compare),
    })
  }
  advisories.sort((a, b) => rankOf(b) - rankOf(a) || (a.id < b.id ? -1 : 1))
  return advisories
}
