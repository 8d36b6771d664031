// The one line that a run is remembered by.
import type { VetReport } from "../vet/report.ts"
import { cleanText, countOf, formatCount } from "./clean.ts"

export interface Closing {
  /** "gaps": nothing failed, and not everything could be checked, which is never the same as passed. */
  state: "failed" | "gaps" | "passed"
  text: string
}

/** Sums a report up in one line. `failOn` is the effect from which on findings fail the run. */
export function closingLine(report: VetReport, failOn: "ask" | "deny" = "ask"): Closing {
  const { packages, ask, deny, allow, excepted, observed } = report.counts
  const unchecked = report.missing.reduce((most, { packages }) => Math.max(most, packages), 0)
  const failed = deny > 0 || (failOn === "ask" && ask > 0)
  const parts: string[] = []
  if (deny > 0) parts.push(`${formatCount(deny)} denied`)
  if (ask > 0) parts.push(`${formatCount(ask)} ${ask === 1 ? "needs" : "need"} approval`)
  const notes: string[] = []
  if (excepted > 0) notes.push(`${formatCount(excepted)} by exception`)
  if (observed > 0) notes.push(`${formatCount(observed)} only observed`)
  const note = notes.length > 0 ? ` (${notes.join(", ")})` : ""
  parts.push(`${formatCount(allow)} of ${countOf(packages, "package")} allowed${note}`)
  const gaps = unchecked > 0 ? ` At least ${countOf(unchecked, "package was", "packages were")} not fully checked.` : ""
  if (packages === 0) {
    if (report.changedSince === undefined) return { state: "gaps", text: `Nothing was checked.${gaps}` }
    return { state: "passed", text: `Passed: no package was added since ${cleanText(report.changedSince, 80)}.` }
  }
  const state = failed ? "failed" : unchecked > 0 || observed > 0 ? "gaps" : "passed"
  const word = { failed: "Failed", gaps: observed > 0 ? "Not enforced" : "Passed with gaps", passed: "Passed" }[state]
  return { state, text: `${word}: ${parts.join(", ")}.${gaps}` }
}
