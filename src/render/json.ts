// `--format json`: the report as it is, one document. docs/output-formats.md describes it.
import type { Verdict } from "../policy/types.ts"
import type { VetReport, VetRow } from "../vet/report.ts"
import { safeJson } from "./clean.ts"

/**
 * Renders a report as one JSON document, schema `nanoguard.vet/1`, with its keys in the documented order whatever order
 * the report was built in. Strings are exact, but printed so that no terminal can be steered by them.
 */
export function renderJson(report: VetReport): string {
  const { schema, tool, time, offline, changedSince, policy, advisories, counts, files, leftOut } = report
  const { rows, missing, exceptions, components } = report
  return safeJson({
    schema,
    tool,
    time,
    offline,
    changedSince,
    policy,
    advisories,
    counts,
    files,
    leftOut,
    rows: rows.map(orderRow),
    missing,
    exceptions,
    components,
  })
}

function orderRow({ verdict, file, line, dependency, paths, morePaths, facts, exception }: VetRow): VetRow {
  return {
    verdict: orderVerdict(verdict),
    file,
    line,
    dependency,
    paths,
    morePaths,
    ...(facts && { facts }),
    ...(exception !== undefined && { exception }),
  }
}

function orderVerdict(verdict: Verdict): Verdict {
  const { effect, code, rule, subject, reason, evidence, correction, mode, policyHash, also, excepted } = verdict
  return {
    effect,
    code,
    rule,
    subject,
    reason,
    evidence,
    ...(correction && { correction }),
    mode,
    policyHash,
    ...(also && { also }),
    ...(excepted && { excepted }),
  }
}
