// What a vet found: the one document that every renderer turns into bytes.
import type { TrustScore } from "../packages/score.ts"
import type { Dependency, LockfileFormat } from "../packages/types.ts"
import type { MissingReason, Mode, PackageFactName, PackageFacts, Verdict } from "../policy/types.ts"

export interface VetFile {
  path: string
  format: LockfileFormat
  formatVersion: string
  packages: number
  warnings: string[]
}

/** One package in one file with its verdict. `rows` holds those that did not pass, strictest first. */
export interface VetRow {
  verdict: Verdict
  file: string
  /** From 1. */
  line: number
  dependency: Pick<Dependency, "purl" | "ecosystem" | "name" | "version" | "source" | "dev" | "optional" | "direct"> & {
    alias?: string
  }
  /** Ways from a root to it, names with versions, shortest first; bounded, `morePaths` counts the rest (-1: uncounted). */
  paths: string[][]
  morePaths: number
  facts?: PackageFacts
  /** The trust score with every factor, where a rule about scores has a part in the verdict. */
  trust?: TrustScore
  /** Where the way out is an approval: the smallest exception that would let it in, as a line of YAML for `packages.exceptions`. */
  exception?: string
}

/** Evidence that was not there, by fact and reason: counted on every run. */
export interface MissingSummary {
  fact: PackageFactName
  reason: string
  packages: number
  /** A few subjects, to start looking from. */
  examples: string[]
}

export interface AdvisorySource {
  /** "snapshot" ships with nanoguard and is partial; "imported" came by `advisories update`; "none". */
  kind: "snapshot" | "imported" | "none"
  records: number
  /** ISO date of its newest data. */
  asOf: string
  ecosystems: string[]
  /** A miss proves nothing. */
  partial: boolean
  /** The npm registry's own answer of just now: "asked", or why there is none; absent where it was not asked for. */
  live?: "asked" | MissingReason
}

export interface ExceptionUse {
  rule: string
  subject: string
  of: string
  owner: string
  expires: string
  state: "used" | "unused" | "expired"
  /** Packages that it let through. */
  count: number
  /** Those packages, with the ids of the advisories that were set aside for them; bounded. */
  packages?: { purl: string; advisories: string[] }[]
}

export interface VetReport {
  schema: "nanoguard.vet/1"
  tool: { name: "nanoguard"; version: string }
  /** ISO time. */
  time: string
  offline: boolean
  policy: { path: string; hash: string; mode: Mode; source: "file" | "base" | "built-in" }
  advisories: AdvisorySource
  files: VetFile[]
  counts: { packages: number; allow: number; ask: number; deny: number; excepted: number; observed: number }
  rows: VetRow[]
  missing: MissingSummary[]
  exceptions: ExceptionUse[]
  /** Set with --changed: the ref compared with. */
  changedSince?: string
  /**
   * Set where lockfiles lie in copies of other people's packages (`vendor`), which a search leaves out, with directories
   * (ending in a slash) that were too large to look through, or are links out of the vetted directory; at most 100. Naming one on the command line vets it.
   */
  leftOut?: string[]
  /** Components for CycloneDX: every package that was vetted. */
  components: {
    purl: string
    name: string
    version: string
    ecosystem: string
    license?: string
    integrity: readonly string[]
    dev: boolean
    optional: boolean
  }[]
}
