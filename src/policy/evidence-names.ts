import type { MissingReason, PackageFactName, PackageFacts } from "./types.ts"

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

/** Whether a rule that reads a fact and does not match lacks an answer: nothing is known, or of the advisories not all. */
export function isMissing(facts: PackageFacts, fact: PackageFactName): boolean {
  return facts[fact] === undefined || (fact === "advisories" && facts.missing?.advisories !== undefined)
}
