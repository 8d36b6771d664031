// `--format text`: what a person reads in a terminal or a CI log. Files, findings by package, what was not checked,
// where the advisories came from, exceptions, and one closing line.
import type { VetReport } from "../vet/report.ts"
import { cleanText, countOf, formatCount } from "./clean.ts"
import { describeAdvisories } from "./describe.ts"
import { renderFindings, renderHeldUp } from "./findings.ts"
import { alignColumns, labelled, moreOf, type Page, wrapText } from "./layout.ts"
import { PLAIN_STYLE, type Style } from "./style.ts"
import { closingLine } from "./verdict.ts"

export interface TextOptions {
  style?: Style
  /** Width of the terminal; 80 where there is none. */
  columns?: number
  /** Lists of 500 instead of 25. */
  verbose?: boolean
  /** From which effect on a finding fails the run; `ask` where not given. */
  failOn?: "ask" | "deny"
}

/** Renders a report for people. Every string in it is cleaned; the result ends with a newline. */
export function renderText(report: VetReport, options: TextOptions = {}): string {
  const page: Page = {
    style: options.style ?? PLAIN_STYLE,
    columns: Math.min(Math.max(options.columns ?? 80, 40), 120),
    limit: options.verbose ? 500 : 25,
  }
  const sections = [
    renderFiles(report, page),
    ...renderFindings(report.rows, page),
    ...renderHeldUp(report.rows, page),
    renderNotChecked(report, page),
    renderAdvisories(report, page),
    renderExceptions(report, page),
    renderClosing(report, options.failOn ?? "ask", page),
  ]
  const filled = sections.filter((lines) => lines.length > 0)
  return `${filled.map((lines) => lines.join("\n")).join("\n\n")}\n`
}

function renderFiles({ files, counts, changedSince, leftOut = [] }: VetReport, page: Page): string[] {
  const since = changedSince === undefined ? "" : `, only what was added since ${cleanText(changedSince, 80)}`
  const title = `${countOf(files.length, "lockfile")}, ${countOf(counts.packages, "package")} vetted`
  const lines = [page.style.bold(title) + since]
  const shown = files.slice(0, page.limit)
  const table = alignColumns(
    shown.map((file) => [file.path, countOf(file.packages, "package"), `${file.format} ${file.formatVersion}`]),
    [1],
  )
  for (const [i, { warnings }] of shown.entries()) {
    lines.push(`  ${table[i]}`)
    for (const warning of warnings.slice(0, 5)) {
      lines.push(...labelled(4, "warning:", cleanText(warning), page.columns, page.style.yellow))
    }
    if (warnings.length > 5) lines.push(`    ${moreOf(warnings.length - 5, "warning")}`)
  }
  if (files.length > shown.length) lines.push(`  ${moreOf(files.length - shown.length, "file")}`)
  if (leftOut.length > 0) {
    const more = leftOut.length > 3 ? `, ${moreOf(leftOut.length - 3, "file")}` : ""
    const names = leftOut.slice(0, 3).map((path) => cleanText(path, 200))
    const text = `${names.join(", ")}${more}: among copies of packages, or linked from outside; to vet one, name it`
    lines.push(...labelled(2, "left out:", text, page.columns, page.style.yellow))
  }
  return lines
}

// Shown on every run that has gaps, allowed or not: silence would read as "fine".
function renderNotChecked({ missing }: VetReport, page: Page): string[] {
  if (missing.length === 0) return []
  const shown = missing.slice(0, page.limit)
  const table = alignColumns(
    shown.map(({ fact, reason, packages }) => [fact, reason, countOf(packages, "package")]),
    [2],
  )
  const lines = [page.style.bold(page.style.yellow("Not checked"))]
  for (const [i, { examples }] of shown.entries()) {
    const example = examples[0] === undefined ? "" : `  ${cleanText(examples[0], 100)}`
    const fits = 2 + table[i]!.length + example.length <= page.columns
    lines.push(`  ${table[i]}${fits ? page.style.dim(example) : ""}`)
  }
  if (missing.length > shown.length) lines.push(`  ${moreOf(missing.length - shown.length, "line")}`)
  const meaning = "The policy has rules about these facts that could not be applied. Nothing says they are fine."
  return [...lines, ...wrapText(meaning, page.columns - 2).map((line) => `  ${line}`)]
}

function renderAdvisories({ advisories }: VetReport, page: Page): string[] {
  const lines = labelled(0, "Advisories", describeAdvisories(advisories), page.columns, page.style.bold)
  if (advisories.kind === "imported" && !advisories.partial) return lines
  return [...lines, ...labelled(2, "", "to have all of them: nanoguard advisories update", page.columns)]
}

function renderExceptions({ exceptions }: VetReport, page: Page): string[] {
  if (exceptions.length === 0) return []
  const count = (state: string) => `${formatCount(exceptions.filter((e) => e.state === state).length)} ${state}`
  const lines = [`${page.style.bold("Exceptions")}  ${count("used")}, ${count("unused")}, ${count("expired")}`]
  for (const { state, subject, of, owner, expires, rule, count: uses } of exceptions.slice(0, page.limit)) {
    const until = state === "expired" ? expires : `until ${expires}`
    const text = cleanText(`${subject}, ${of}, ${until}, ${owner}`)
    const extra = state === "used" ? `, ${countOf(uses, "package")}` : `, ${cleanText(rule)}`
    lines.push(...labelled(2, state, text + extra, page.columns, state === "used" ? undefined : page.style.yellow))
  }
  if (exceptions.length > page.limit) lines.push(`  ${moreOf(exceptions.length - page.limit, "exception")}`)
  return lines
}

function renderClosing(report: VetReport, failOn: "ask" | "deny", { style, columns }: Page): string[] {
  const { state, text } = closingLine(report, failOn)
  const paint = { failed: style.red, gaps: style.yellow, passed: style.green }[state]
  const { path, source, hash, mode } = report.policy
  const origin = source === "base" ? ", read from the base" : ""
  const own = source === "built-in" ? "; nanoguard init writes it here" : ""
  return [
    ...wrapText(text, columns).map((line) => style.bold(paint(line))),
    style.dim(`Policy ${cleanText(path, 200)} (${cleanText(hash.slice(0, 19), 40)}, ${mode}${origin})${own}`),
  ]
}
