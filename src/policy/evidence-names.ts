import type { MissingReason, PackageFactName } from "./types.ts"

/** Every fact that a rule may need. */
export const FACT_NAMES: readonly PackageFactName[] = [
  "exists",
  "published",
  "lastRelease",
  "license",
  "installScripts",
  "deprecated",
  "yanked",
  "provenance",
  "provenanceBefore",
  "publisherChanged",
  "integrity",
  "advisories",
  "lookalike",
  "score",
]

/** Every reason for which one may be missing. */
export const MISSING_REASONS: readonly MissingReason[] = [
  "offline",
  "unreachable",
  "unsupported",
  "unstated",
  "invalid",
  "not-collected",
]
