// How `nanoguard policy adopt` and `policy adopted` look.
import type { PolicyDifference } from "../approvals/policy-diff.ts"
import type { PolicyText } from "../approvals/types.ts"
import { wrapWidth } from "./card-text.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"

export interface AdoptReport {
  schema: "nanoguard.policy-adopt/1"
  /** `in-force`: nothing to do. */
  state: "planned" | "declined" | "adopted" | "in-force"
  project: string
  policyHash: string
  files: readonly string[]
  /** Hash of the policy in force until now. */
  before: string | null
  /** Why what was in force cannot be compared with. */
  problem?: string
  differences: readonly PolicyDifference[]
  /** People whom it names as approvers, and who are none yet. */
  unenrolled: readonly string[]
  by?: string
  /** Number of the record that says so. */
  seq?: number
}

export interface AdoptedReport {
  schema: "nanoguard.policy-adopted/1"
  project: string
  policyHash: string
  by: string
  time: string
  files: readonly PolicyText[]
  /** Whether the files here mean the same; absent where there are none. */
  same?: boolean
}

const SIGNS = { added: "+", removed: "-", changed: "~" } as const

/** What a policy changes, whole, and what became of it; or one JSON document. What goes on in another line stands behind a bar. */
export function renderAdopt(report: AdoptReport, format: "text" | "json", columns = 200): string {
  if (format === "json") return safeJson(report)
  const { state, project, policyHash, before, differences, by, seq, problem } = report
  const name = `policy ${policyHash.slice(0, 23)}`
  if (state === "adopted")
    return `${name} is in force for ${cleanText(project)}. Signed by ${cleanText(by ?? "")}, record ${seq}.\n`
  if (state === "in-force") return `${name} is in force for ${cleanText(project)} already.\n`
  if (state === "declined") return "Nothing was adopted.\n"
  const against = before === null ? "nothing is in force yet" : `in force: ${before.slice(0, 23)}`
  const lines = [`${name} for ${cleanText(project)} (${against})`]
  if (problem !== undefined) lines.push(`  what was in force cannot be compared with: ${cleanText(problem)}`)
  if (differences.length === 0) lines.push("  the same rules, in files of other names")
  for (const difference of differences) lines.push(...differenceLines(difference, columns))
  if (report.unenrolled.length > 0)
    lines.push(
      ...wholeLines("  ", `not enrolled yet, so that they cannot decide: ${report.unenrolled.join(", ")}`, columns),
    )
  lines.push(countOf(differences.length, "difference"))
  return `${lines.join("\n")}\n`
}

function differenceLines({ file, path, change, before, after }: PolicyDifference, columns: number): string[] {
  const head = `${SIGNS[change]} ${file}: ${path}`
  if (change !== "changed") return wholeLines("  ", `${head} ${after ?? before ?? ""}`, columns)
  return [
    ...wholeLines("  ", head, columns),
    ...wholeLines("      ", `was ${before ?? ""}`, columns),
    ...wholeLines("      ", `is  ${after ?? ""}`, columns),
  ]
}

/** Nothing is cut: what is not shown would be signed all the same. */
function wholeLines(indent: string, text: string, columns: number): string[] {
  const parts = wrapWidth(cleanText(text, 12 * text.length + 40), Math.max(24, columns - 8))
  return parts.map((part, i) => (i === 0 ? `${indent}${part}` : `      | ${part}`))
}

/** The policy in force, for a person or as one JSON document. */
export function renderAdopted(report: AdoptedReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { project, policyHash, by, time, files, same } = report
  const lines = [
    `${policyHash} is in force for ${cleanText(project)}`,
    `  adopted by ${cleanText(by)} at ${time}, from ${files.map(({ file }) => cleanText(file)).join(", ")}`,
  ]
  if (same !== undefined)
    lines.push(
      same ? "  the files here say the same" : "  the files here say something else: nanoguard policy adopt shows what",
    )
  return `${lines.join("\n")}\n`
}
