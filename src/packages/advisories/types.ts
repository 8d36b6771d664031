// The contract of the advisory index: what is stored for a package, and what a search of it answers.
import type { Advisory, Ecosystem, Severity } from "../../policy/types.ts"

/** Versions from `introduced` on ("0": from the first) up to one of the ends, or for ever where there is none. */
export interface Interval {
  introduced: string
  /** Exclusive, and the version that mends it. */
  fixed?: string
  /** Exclusive, and no mending: OSV's `limit`. */
  below?: string
  /** Inclusive. */
  last?: string
}

/** One advisory for one package, as stored: facts only, aliases of one issue merged. Empty members are left out. */
export interface AdvisoryRecord {
  id: string
  aliases?: string[]
  kind: "vulnerability" | "malware"
  severity?: Severity
  /** Highest base score that a vector gave, 0-10. */
  cvss?: number
  ranges?: Interval[]
  /** Affected versions that no range covers. */
  versions?: string[]
  /** Fixed versions that a source names outside its ranges. */
  fixed?: string[]
  /** Some range of the source could not be read: a version that is not affected by the rest is undecided. */
  unreadable?: true
}

/** Everything the index holds for one package: one line of its data section. */
export interface PackageRecord {
  ecosystem: Ecosystem
  name: string
  advisories: AdvisoryRecord[]
  /** Ids that their source has withdrawn: they also overrule the same id in an older index. */
  withdrawn?: string[]
}

/**
 * The advisories that apply to one version, malware first, then by severity. `invalid` is set where some advisory of the
 * package could not be compared with the version: what is listed applies, and what is not listed is no answer.
 */
export type AffectedBy = readonly Advisory[] & { readonly invalid?: true }

/** Whether a miss means something: `partial` data proves nothing by its silence. */
export type Completeness = "complete" | "partial" | "none"

export interface EcosystemCounts {
  packages: number
  vulnerability: number
  malware: number
}

export interface SourceInfo {
  /** What the user named: a file name, a URL without query; shown, so already made safe. */
  name: string
  records: number
  /** Those that it had records for. */
  ecosystems: Ecosystem[]
}

/** The header of an index file. */
export interface IndexInfo {
  schema: "nanoguard.advisories/1"
  kind: "snapshot" | "imported"
  /** ISO time at which the file was written. */
  created: string
  /** ISO date of the newest record; "" where no record has a date. */
  asOf: string
  /** The same for each ecosystem. */
  newest: Partial<Record<Ecosystem, string>>
  /** Advisories after merging, over all ecosystems. */
  records: number
  counts: Partial<Record<Ecosystem, EcosystemCounts>>
  completeness: Partial<Record<Ecosystem, Completeness>>
  sources: SourceInfo[]
  /** Records that the last import could not read; they are in no other count. */
  unreadable: number
}

/** An open index. Searching is synchronous: a lookup that misses touches no file. */
export interface AdvisoryIndex {
  info: IndexInfo
  affecting: (ecosystem: string, name: string, version: string) => AffectedBy
  /** The index holds data for the ecosystem at all, partial or not. */
  covers: (ecosystem: string) => boolean
  completeness: (ecosystem: string) => Completeness
  records: (ecosystem: string, name: string) => PackageRecord | undefined
  /** Every package, in the order of the file. */
  packages: () => Generator<PackageRecord>
  close: () => void
}
