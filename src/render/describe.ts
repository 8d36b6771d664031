// The words that several formats share: effects, evidence and corrections, each on one clean line.
import type { Correction, Evidence, Verdict } from "../policy/types.ts"
import type { AdvisorySource, VetRow } from "../vet/report.ts"
import { cleanText, countOf } from "./clean.ts"

/** `deny`, or `would deny` where the policy only observes. */
export function effectWord(verdict: Pick<Verdict, "effect" | "mode">): string {
  return verdict.mode === "observe" ? `would ${verdict.effect}` : verdict.effect
}

/** One piece of evidence: `GHSA-x (CVE-1, severity high, cvss 7.5)`, or `published (date 2026-11-01, age 3d)`. */
export function describeEvidence(evidence: Evidence): string {
  const name = typeof evidence["id"] === "string" ? evidence["id"] : evidence.kind
  const fields: string[] = []
  for (const [field, value] of Object.entries(evidence)) {
    if (field === "kind" || field === "id" || value === undefined) continue
    const text = Array.isArray(value) ? value.slice(0, 5).join(" ") : String(value)
    // Other names of an advisory say what they are.
    if (text !== "") fields.push(field === "aliases" ? text : `${field} ${text}`)
  }
  return cleanText(fields.length === 0 ? name : `${name} (${fields.join(", ")})`, 200)
}

/**
 * All evidence on one line, at most `limit` pieces; "" where there is none. What a correction was checked against is left
 * out: it says nothing of the package that was found.
 */
export function describeAllEvidence(all: readonly Evidence[], limit = 5): string {
  const evidence = all.filter(({ kind }) => kind !== "correction")
  const shown = evidence.slice(0, limit).map(describeEvidence)
  if (evidence.length > limit) shown.push(`and ${evidence.length - limit} more`)
  return shown.join(", ")
}

/** The command where there is one, else what to do: `upgrade to pkg:npm/a@2.0.0`; undefined without a correction. */
export function describeFix(correction: Correction | undefined): string | undefined {
  if (correction === undefined) return undefined
  const { action, target, command } = correction
  // Half a command is not one to copy.
  if (command && command.length > 1000) return "a command too long to show (--format json has it)"
  if (command) return cleanText(command, 6000)
  if (action === "request-approval") return "ask for an approval or an exception"
  if (action === "remove") return "remove it"
  const to = action === "replace" ? "with" : "to"
  return cleanText(target ? `${action} ${to} ${target}` : action, 1000)
}

/** What a correction was checked against, for behind it: `(checked against the policy)`; "" where it was not. */
export function describeChecked(evidence: readonly Evidence[]): string {
  const against = evidence.find(({ kind }) => kind === "correction")?.["against"]
  if (against === undefined) return ""
  return `(checked against ${against === "policy" ? "the policy" : "known advisories only"})`
}

/** What would make missing facts known, by why they are missing; undefined where nothing at hand does. */
export function describeMissingFix(rows: readonly Pick<VetRow, "verdict" | "dependency">[]): string | undefined {
  if (rows.every(({ dependency }) => dependency.version === ""))
    return "lock an exact version: which one is installed is not known"
  const missing = (rows[0]?.verdict.evidence ?? []).filter(({ kind }) => kind === "missing")
  const why = (reason: string) => missing.some((fact) => fact["reason"] === reason)
  if (missing.some(({ fact, reason }) => fact === "advisories" && reason === "unsupported"))
    return "nanoguard advisories update"
  if (why("unreachable")) return "vet again once the registry can be reached"
  return why("offline") ? "vet without --offline" : undefined
}

/** How it comes in: `app > gulp@4.0.2 > event-stream@3.3.6 (and 3 more)`; undefined where no path is known. */
export function describePath(row: Pick<VetRow, "paths" | "morePaths">): string | undefined {
  const path = row.paths[0]
  if (path === undefined || path.length === 0) return undefined
  const steps = path.length > 12 ? [...path.slice(0, 5), `(${path.length - 10} more)`, ...path.slice(-5)] : path
  const more = row.paths.length - 1 + Math.max(0, row.morePaths)
  const others = row.morePaths < 0 ? " (and others)" : more > 0 ? ` (and ${more} more)` : ""
  return `${steps.map((step) => cleanText(step, 120)).join(" > ")}${others}`
}

/** Where the advisories came from and what their silence is worth. */
export function describeAdvisories(source: AdvisorySource): string {
  if (source.kind === "none") return "none: no package was compared with known vulnerabilities or malware"
  const kind = source.kind === "snapshot" ? "shipped snapshot" : "imported"
  const date = source.asOf ? ` of ${cleanText(source.asOf.slice(0, 10), 40)}` : ""
  const ecosystems =
    source.ecosystems.length > 0 ? ` (${source.ecosystems.map((e) => cleanText(e, 40)).join(", ")})` : ""
  const partial = source.partial ? ", partial: a miss proves nothing" : ""
  return `${kind}${date}, ${countOf(source.records, "record")}${ecosystems}${partial}${describeLive(source.live)}`
}

function describeLive(live: AdvisorySource["live"]): string {
  if (live === undefined || live === "unsupported") return ""
  if (live === "asked") return "; with those of the npm registry"
  return `; those of the npm registry could not be had (${live})`
}
