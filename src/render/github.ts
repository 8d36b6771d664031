// `--format github`: workflow commands that become annotations on the lines of a pull request. GitHub keeps 10 of each
// kind for a step, so the gravest come first; the step summary has the table.
import type { VetReport, VetRow } from "../vet/report.ts"
import { cleanText, countOf, formatCount } from "./clean.ts"
import { describeAdvisories, describeAllEvidence, describeFix, describePath, effectWord } from "./describe.ts"
import { groupMissing, sortStrictestFirst } from "./group.ts"
import { closingLine } from "./verdict.ts"

const MAX_PER_KIND = 10

interface Annotation {
  kind: "error" | "warning" | "notice"
  /** Absent for what is about the whole run. */
  place?: { file: string; line: number }
  title: string
  message: string
}

/** Renders a report as workflow commands; the text format goes before them in the log. */
export function renderGithub(report: VetReport, options: { failOn?: "ask" | "deny" } = {}): string {
  const failOn = options.failOn ?? "ask"
  const found = [...annotateFindings(report.rows, failOn), ...annotateMissing(report.rows, failOn)]
  const annotations = [annotateRun(report, failOn), ...found]
  const lines: string[] = []
  let left = 0
  for (const kind of ["error", "warning", "notice"] as const) {
    const all = annotations.filter((annotation) => annotation.kind === kind)
    lines.push(...all.slice(0, MAX_PER_KIND).map(formatCommand))
    left += Math.max(0, all.length - MAX_PER_KIND)
  }
  if (left > 0) lines.push(`and ${formatCount(left)} more findings (the step summary and --format json have more)`)
  return `${lines.join("\n")}\n`
}

// Said in the pull request as well, where nobody opens the log of a job that passed.
function annotateRun(report: VetReport, failOn: "ask" | "deny"): Annotation {
  const missing = report.missing
    .slice(0, 50)
    .map(
      ({ fact, reason, packages }) =>
        `Not checked: ${cleanText(fact)} of ${countOf(packages, "package")} (${cleanText(reason)})`,
    )
  const lines = [closingLine(report, failOn).text, ...missing, `Advisories: ${describeAdvisories(report.advisories)}`]
  return { kind: "notice", title: "nanoguard vet", message: lines.join("\n") }
}

function annotateFindings(rows: readonly VetRow[], failOn: "ask" | "deny"): Annotation[] {
  const found = sortStrictestFirst(rows).filter(({ verdict }) => verdict.code !== "evidence.missing")
  return found.map((row) => {
    const { verdict, file, line, dependency } = row
    const title = `${effectWord(verdict)} ${verdict.code}: ${dependency.purl}`
    return { kind: kindOf(row, failOn), place: { file, line }, title, message: messageOf(row) }
  })
}

// One annotation for each fact: a hundred identical ones would push the real findings out of the ten.
function annotateMissing(rows: readonly VetRow[], failOn: "ask" | "deny"): Annotation[] {
  return groupMissing(rows).map(({ facts, verdict, rows }) => {
    const first = rows[0]!
    const message = `Not known: ${cleanText(facts)}. Packages: ${formatCount(rows.length)}, the first ${cleanText(first.dependency.purl)}. Rule: ${cleanText(verdict.rule)}`
    const title = `${effectWord(verdict)} evidence.missing`
    return { kind: kindOf(first, failOn), place: first, title, message }
  })
}

function kindOf({ verdict }: VetRow, failOn: "ask" | "deny"): Annotation["kind"] {
  if (verdict.mode === "observe" || verdict.effect === "allow") return "notice"
  return verdict.effect === "deny" || failOn === "ask" ? "error" : "warning"
}

function messageOf(row: VetRow): string {
  const { verdict } = row
  const parts = [cleanText(verdict.reason), `Rule: ${cleanText(verdict.rule)}`]
  const evidence = describeAllEvidence(verdict.evidence)
  const path = describePath(row)
  const fix = describeFix(verdict.correction)
  if (evidence !== "") parts.push(`Evidence: ${evidence}`)
  if (path !== undefined) parts.push(`Via: ${path}`)
  if (fix !== undefined) parts.push(`Fix: ${fix}`)
  return parts.join("\n")
}

// The escapes of the toolkit that GitHub's runner undoes: data (%, CR, LF) and properties (also : and ,).
function formatCommand({ kind, place, title, message }: Annotation): string {
  const where = place === undefined ? "" : `file=${escapeProperty(place.file)},line=${Math.trunc(place.line) || 1},`
  return `::${kind} ${where}title=${escapeProperty(title)}::${escapeData(message)}`
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
}

function escapeProperty(text: string): string {
  return escapeData(cleanText(text)).replaceAll(":", "%3A").replaceAll(",", "%2C")
}
