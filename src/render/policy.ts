// How `nanoguard policy` looks.

import type { PolicyChange } from "../policy/change.ts"
import type { Finding } from "../policy/check.ts"
import type { ConsideredException, ConsideredRule, Explanation } from "../policy/explain.ts"
import type { TestResult } from "../policy/testing.ts"
import type { Mode } from "../policy/types.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"

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

/** The verdict, what spoke and what did not and why, and the change that would turn it round. */
export function renderExplain(report: ExplainReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { verdict, rules, exceptions, change } = report
  const out = [
    `${cleanText(report.subject)}: ${verdict.effect.toUpperCase()} ${verdict.code}${verdict.mode === "observe" ? " (observe: nothing is stopped)" : ""}`,
    `  ${cleanText(verdict.reason)}`,
    `  rule ${cleanText(verdict.rule)}`,
  ]
  const missed = rules.filter(({ outcome }) => outcome === "missed")
  if (rules.length > 0) out.push("", "Rules considered:")
  for (const rule of rules) if (rule.outcome !== "missed") out.push(ruleLine(rule))
  for (const rule of missed.slice(0, MAX_MISSED)) out.push(ruleLine(rule))
  if (missed.length > MAX_MISSED)
    out.push(`  and ${countOf(missed.length - MAX_MISSED, "rule")} more that missed (--format json has all)`)
  if (exceptions.length > 0)
    out.push("", "Exceptions considered:", ...exceptions.slice(0, MAX_MISSED).map(exceptionLine))
  out.push(
    "",
    ...(change
      ? changeLines(change)
      : ["No change of these files turns this answer round: it is a floor, a limit, or a layer above."]),
  )
  return lines(out)
}

function ruleLine({ rule, effect, outcome, differs }: ConsideredRule): string {
  return `  ${outcome.padEnd(8)} ${effect.padEnd(5)} ${cleanText(rule)}${differenceText(differs)}`
}

function exceptionLine({ rule, subject, of, outcome, differs }: ConsideredException): string {
  return `  ${outcome.padEnd(8)} ${cleanText(subject)} of ${of}: ${cleanText(rule)}${differenceText(differs)}`
}

function differenceText(differs: ConsideredRule["differs"]): string {
  return differs
    ? `: ${cleanText(differs.field, 140)} wants ${cleanText(differs.wanted, 160)}, has ${cleanText(differs.actual, 160)}`
    : ""
}

function changeLines({ file, line, summary, removed, added, verdict }: PolicyChange): string[] {
  return [
    `To turn this round (then ${verdict.effect} ${verdict.code}): ${cleanText(summary)}`,
    `  ${cleanText(file)}:${line}`,
    ...removed.map((text) => `  - ${cleanText(text, 1000)}`),
    ...added.map((text) => `  + ${cleanText(text, 1000)}`),
  ]
}
