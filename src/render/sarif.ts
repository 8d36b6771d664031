// `--format sarif`: SARIF 2.1.0 (OASIS standard), shaped for code-scanning services. One run, one rule for each code
// (and severity), one result for each row. No `fixes`: they need exact file edits; the command is in the message.
import { createHash } from "node:crypto"
import type { VetReport, VetRow } from "../vet/report.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { describeAdvisories, describeAllEvidence, describeFix, describePath } from "./describe.ts"
import { sortStrictestFirst } from "./group.ts"
import { describeRule, ruleIdOf } from "./rules.ts"

/** What GitHub takes in one run; it shows 5,000 of them, and 20 tags a rule. */
export const MAX_RESULTS = 25_000

export interface SarifOptions {
  /** Base address of the documentation; each rule's help is `<docs>/rules/<code>.md`. */
  docs?: string
}

/** Renders a report as one SARIF 2.1.0 log. */
export function renderSarif(report: VetReport, options: SarifOptions = {}): string {
  const rows = sortStrictestFirst(report.rows)
  const kept = rows.slice(0, MAX_RESULTS)
  const rules = new Map<string, object>()
  for (const { verdict } of kept) {
    const id = ruleIdOf(verdict)
    if (!rules.has(id)) rules.set(id, describeRule(id, verdict.code, options.docs))
  }
  const indexes = new Map([...rules.keys()].map((id, index) => [id, index]))
  const seen = new Map<string, number>()
  const run = {
    tool: {
      driver: {
        name: report.tool.name,
        version: report.tool.version,
        semanticVersion: report.tool.version,
        rules: [...rules.values()],
      },
    },
    invocations: [
      {
        executionSuccessful: true,
        endTimeUtc: report.time,
        toolExecutionNotifications: describeGaps(report, rows.length - kept.length),
      },
    ],
    columnKind: "utf16CodeUnits",
    originalUriBaseIds: { SRCROOT: { description: { text: "The directory that was vetted." } } },
    results: kept.map((row) => describeResult(row, indexes, seen)),
    properties: { policyHash: report.policy.hash, mode: report.policy.mode, counts: report.counts },
  }
  return safeJson({ $schema: SCHEMA, version: "2.1.0", runs: [run] })
}

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

function describeResult(row: VetRow, indexes: Map<string, number>, seen: Map<string, number>): object {
  const { verdict, file, line, dependency } = row
  const ruleId = ruleIdOf(verdict)
  const uri = fileUri(file)
  const fingerprint = fingerprintOf([verdict.code, dependency.purl, file], seen)
  // "open" is SARIF's word for a rule that could not be decided for want of information.
  const open = verdict.effect === "allow"
  return {
    ruleId,
    ruleIndex: indexes.get(ruleId),
    kind: open ? "open" : "fail",
    level: open ? "none" : verdict.effect === "deny" ? "error" : "warning",
    message: { text: messageOf(row) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri, uriBaseId: "SRCROOT" },
          region: { startLine: Math.max(1, Math.trunc(line) || 1) },
        },
        logicalLocations: [{ fullyQualifiedName: dependency.purl, kind: "package" }],
      },
    ],
    partialFingerprints: { primaryLocationLineHash: fingerprint, "nanoguard/v1": fingerprint },
    ...(verdict.mode === "observe" && {
      suppressions: [
        { kind: "external", status: "accepted", justification: "The policy observes: nothing is stopped." },
      ],
    }),
    properties: {
      effect: verdict.effect,
      rule: verdict.rule,
      evidence: verdict.evidence,
      ...(verdict.correction && { correction: verdict.correction }),
    },
  }
}

// In SARIF messages braces are placeholders and brackets are links (sections 3.11.5 and 3.11.6).
function escapeMessage(text: string): string {
  return text.replaceAll("{", "(").replaceAll("}", ")").replace(/[[\]]/g, "\\$&")
}

function messageOf(row: VetRow): string {
  const { verdict, dependency } = row
  const evidence = describeAllEvidence(verdict.evidence)
  const path = describePath(row)
  const fix = describeFix(verdict.correction)
  const lines = [`${cleanText(dependency.purl)}: ${cleanText(verdict.reason)}`]
  if (evidence !== "") lines.push(`Evidence: ${evidence}`)
  if (path !== undefined) lines.push(`Comes in through: ${path}`)
  lines.push(`Rule: ${cleanText(verdict.rule)}`)
  if (fix !== undefined) lines.push(`Fix: ${fix}`)
  return escapeMessage(lines.join("\n"))
}

// Without the line, so that an alert survives edits elsewhere in the file; with a number where one file has the same twice.
function fingerprintOf(parts: readonly string[], seen: Map<string, number>): string {
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32)
  const count = (seen.get(hash) ?? 0) + 1
  seen.set(hash, count)
  return `${hash}:${count}`
}

/** A relative path as a URI reference (RFC 3986): every segment percent-encoded, nothing that could name a host. */
export function fileUri(path: string): string {
  const segments = path.toWellFormed().split("/")
  return segments
    .filter((segment) => segment !== "")
    .map((segment) =>
      encodeURIComponent(segment).replace(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join("/")
}

function describeGaps(report: VetReport, cut: number): object[] {
  const texts = report.missing.map(
    ({ fact, reason, packages }) =>
      `Not checked: ${cleanText(fact)} of ${countOf(packages, "package")} (${cleanText(reason)}).`,
  )
  if (report.advisories.kind !== "imported") texts.push(`Advisories: ${describeAdvisories(report.advisories)}.`)
  if (cut > 0) texts.push(`${countOf(cut, "more result")} left out; --format json has all.`)
  return texts.map((text) => ({ level: "warning", message: { text: escapeMessage(text) } }))
}
