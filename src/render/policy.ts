// How `nanoguard policy` looks.

import type { PolicyChange } from "../policy/change.ts"
import type { ConsideredException, ConsideredRule, Explanation } from "../policy/explain.ts"
import type { Finding } from "../policy/finding.ts"
import { riskOf } from "../policy/risk.ts"
import type { TestResult } from "../policy/testing.ts"
import type { Mode } from "../policy/types.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { wrapText } from "./layout.ts"

export interface CheckReport {
  schema: "nanoguard.policy-check/1"
  files: string[]
  policyHash: string
  mode: Mode
  rules: number
  exceptions: number
  errors: number
  findings: (Omit<Finding, "layer" | "path"> & { file: string; line: number; column: number })[]
}

export interface TestReport {
  schema: "nanoguard.policy-test/1"
  policyHash: string
  passed: number
  failed: number
  results: TestResult[]
}

export interface ExplainReport extends Explanation {
  schema: "nanoguard.policy-explain/1"
  change?: PolicyChange
}

const lines = (parts: readonly string[]) => `${parts.join("\n")}\n`

/** One line a finding, in the form that editors and terminals make clickable. */
export function renderCheck(report: CheckReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { files, findings, rules, exceptions, mode } = report
  const out = findings.flatMap(({ file, line, column, level, check, message, hint }) => [
    `${cleanText(file)}:${line}:${column}: ${level}: ${cleanText(message)} [${check}]`,
    ...(hint === undefined ? [] : [`  ${cleanText(hint)}`]),
  ])
  const warnings = findings.length - report.errors
  const state =
    findings.length === 0
      ? "nothing to object to"
      : `${countOf(report.errors, "error")}, ${countOf(warnings, "warning")}`
  out.push(
    `${files.map((file) => cleanText(file)).join(" + ")}: ${countOf(rules, "rule")}, ${countOf(exceptions, "exception")}, mode ${mode}: ${state}`,
  )
  return lines(out)
}

/** What failed with expected and actual, then the count. */
export function renderTests(report: TestReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const out: string[] = []
  for (const { file, line, name, passed, differences, verdict } of report.results) {
    if (passed) continue
    out.push(`${cleanText(file)}:${line}: FAILED ${cleanText(name)}`)
    for (const { field, expected, actual } of differences)
      out.push(`  - ${field}: ${cleanText(expected)}`, `  + ${field}: ${cleanText(actual)}`)
    if (verdict) out.push(`  the policy says: ${cleanText(verdict.reason)} (${cleanText(verdict.rule)})`)
  }
  if (report.results.length === 0) out.push("no cases: write some into nanoguard.test.yaml, or examples into rules")
  else out.push(`${report.passed} passed, ${report.failed} failed`)
  return lines(out)
}

const MAX_MISSED = 25

const NO_CHANGE =
  "No rule or exception in these files turns this answer round: it is a floor, a limit, a layer above, or about a package without a version."

/**
 * The verdict, what spoke and what did not and why, and the change that would turn it round. Prose is wrapped at `columns`; lines
 * of the policy stay whole, to be copied.
 */
export function renderExplain(report: ExplainReport, format: "text" | "json", columns = 80): string {
  if (format === "json") return safeJson(report)
  const { verdict, rules, exceptions, change } = report
  const out = [
    `${cleanText(report.subject)}: ${verdict.effect.toUpperCase()} ${verdict.code}${verdict.mode === "observe" ? " (observe: nothing is stopped)" : ""}`,
    ...hanging(`  ${cleanText(verdict.reason)}`, 2, columns),
    `  rule ${cleanText(verdict.rule)}`,
    ...(verdict.effect === "ask" ? [`  risk ${riskOf(verdict.risk)}`] : []),
  ]
  const missed = rules.filter(({ outcome }) => outcome === "missed")
  if (rules.length > 0) out.push("", "Rules considered:")
  for (const rule of rules) if (rule.outcome !== "missed") out.push(...ruleLines(rule, columns))
  for (const rule of missed.slice(0, MAX_MISSED)) out.push(...ruleLines(rule, columns))
  if (missed.length > MAX_MISSED)
    out.push(`  and ${countOf(missed.length - MAX_MISSED, "rule")} more that missed (--format json has all)`)
  if (exceptions.length > 0)
    out.push(
      "",
      "Exceptions considered:",
      ...exceptions.slice(0, MAX_MISSED).flatMap((exception) => exceptionLines(exception, columns)),
    )
  out.push("", ...(change ? changeLines(change, columns) : hanging(NO_CHANGE, 0, columns)))
  return lines(out)
}

function ruleLines({ rule, effect, outcome, risk, differs }: ConsideredRule, columns: number): string[] {
  const head = `  ${outcome.padEnd(8)} ${effect.padEnd(5)} `
  const grave = risk === undefined ? "" : `, ${risk} risk`
  return hanging(`${head}${cleanText(rule)}${grave}${differenceText(differs)}`, head.length, columns)
}

function exceptionLines({ rule, subject, of, outcome, differs }: ConsideredException, columns: number): string[] {
  const head = `  ${outcome.padEnd(8)} `
  return hanging(
    `${head}${cleanText(subject)} of ${of}: ${cleanText(rule)}${differenceText(differs)}`,
    head.length,
    columns,
  )
}

/** Wraps a line behind its first `indent` characters, and indents the lines that follow as far. */
function hanging(line: string, indent: number, columns: number): string[] {
  const width = Math.max(30, Math.min(columns, 120) - indent)
  return wrapText(line.slice(indent), width).map(
    (part, index) => (index === 0 ? line.slice(0, indent) : " ".repeat(indent)) + part,
  )
}

function differenceText(differs: ConsideredRule["differs"]): string {
  return differs
    ? `: ${cleanText(differs.field, 140)} wants ${cleanText(differs.wanted, 160)}, has ${cleanText(differs.actual, 160)}`
    : ""
}

function changeLines({ file, line, summary, removed, added, verdict }: PolicyChange, columns: number): string[] {
  return [
    ...hanging(`To turn this round (then ${verdict.effect} ${verdict.code}): ${cleanText(summary)}`, 0, columns),
    `  ${cleanText(file)}:${line}`,
    ...removed.map((text) => `  - ${cleanText(text, 1000)}`),
    ...added.map((text) => `  + ${cleanText(text, 1000)}`),
  ]
}
