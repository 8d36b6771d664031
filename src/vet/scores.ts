// Where a trust score comes from, for every finding that a rule about scores has a part in.
import { trustScore } from "../packages/score.ts"
import type { EvidenceSet } from "./evidence.ts"
import type { VetRow } from "./report.ts"

/** Adds `row.trust` to rows that a score decided or also spoke about. The score is the same that `decide` saw. */
export function addScores(rows: readonly VetRow[], evidence: EvidenceSet, now: number): void {
  for (const row of rows) {
    const { verdict, facts, dependency } = row
    if (facts === undefined || !concernsScore(verdict)) continue
    const { source } = dependency
    if (source.kind !== "registry") continue
    const document = evidence.documentOf(dependency.ecosystem, dependency.name, source.origin)
    const trust = document && trustScore(facts, document, now)
    if (trust !== undefined) row.trust = trust
  }
}

function concernsScore({ code, also = [] }: VetRow["verdict"]): boolean {
  return code === "trust.score" || also.some((other) => other.code === "trust.score")
}
