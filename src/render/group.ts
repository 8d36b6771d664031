// Rows as people read them: everything about one package together, and the thousands of rows that only say "a fact is
// missing" as one line for each fact and reason.
import type { Verdict } from "../policy/types.ts"
import type { VetRow } from "../vet/report.ts"

/** Rows that say the same of the same package, in one or several places. */
export interface Finding {
  verdict: Verdict
  rows: VetRow[]
}

export interface PackageGroup {
  purl: string
  findings: Finding[]
}

export interface MissingGroup {
  /** `license (offline)`; the verdict's reason where the evidence names no fact. */
  facts: string
  verdict: Verdict
  rows: VetRow[]
}

const RANK = { deny: 0, ask: 1, allow: 2 } as const

/** Deny before ask before allow, enforced before observed; the report's order stays within each. */
export function sortStrictestFirst(rows: readonly VetRow[]): VetRow[] {
  const rank = ({ verdict }: VetRow) => RANK[verdict.effect] * 2 + (verdict.mode === "observe" ? 1 : 0)
  return [...rows].sort((a, b) => rank(a) - rank(b))
}

/** Findings by package, the package with the strictest finding first. Rows of `evidence.missing` are not among them. */
export function groupByPackage(rows: readonly VetRow[]): PackageGroup[] {
  const groups = new Map<string, Map<string, Finding>>()
  for (const row of sortStrictestFirst(rows)) {
    const { verdict, dependency } = row
    if (verdict.code === "evidence.missing") continue
    const findings = groups.get(dependency.purl) ?? new Map<string, Finding>()
    groups.set(dependency.purl, findings)
    addTo(findings, JSON.stringify([verdict.effect, verdict.code, verdict.rule, verdict.reason]), row)
  }
  return [...groups].map(([purl, findings]) => ({ purl, findings: [...findings.values()] }))
}

/** Rows of `evidence.missing` by effect, rule, facts and reasons; the strictest and largest group first. */
export function groupMissing(rows: readonly VetRow[]): MissingGroup[] {
  const groups = new Map<string, Finding>()
  const facts = new Map<string, string>()
  for (const row of sortStrictestFirst(rows)) {
    const { verdict } = row
    if (verdict.code !== "evidence.missing") continue
    const named = namedFacts(verdict)
    const key = JSON.stringify([verdict.effect, verdict.mode, verdict.rule, named])
    facts.set(key, named)
    addTo(groups, key, row)
  }
  return [...groups]
    .map(([key, { verdict, rows }]) => ({ facts: facts.get(key)!, verdict, rows }))
    .sort((a, b) => RANK[a.verdict.effect] - RANK[b.verdict.effect] || b.rows.length - a.rows.length)
}

function addTo(findings: Map<string, Finding>, key: string, row: VetRow): void {
  const finding = findings.get(key)
  if (finding === undefined) findings.set(key, { verdict: row.verdict, rows: [row] })
  else finding.rows.push(row)
}

function namedFacts(verdict: Verdict): string {
  const named = verdict.evidence
    .filter((evidence) => typeof evidence["fact"] === "string")
    .map((evidence) => `${evidence["fact"]} (${evidence["reason"] ?? "missing"})`)
  return named.length > 0 ? named.join(", ") : verdict.reason
}
