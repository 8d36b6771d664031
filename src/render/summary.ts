// The step summary of a GitHub workflow: the whole table as Markdown, bounded, with nothing in it that a package name
// could turn into markup.
import { appendFile } from "node:fs/promises"
import type { VetReport, VetRow } from "../vet/report.ts"
import { cleanText, countOf } from "./clean.ts"
import { describeAdvisories, describeFix, effectWord } from "./describe.ts"
import { groupMissing, sortStrictestFirst } from "./group.ts"
import { closingLine } from "./verdict.ts"

/** GitHub drops a summary above 1 MiB whole; what is longer is cut here, with the number of rows left out. */
export const MAX_BYTES = 1024 * 1024

const RESERVE = 2048

/** Renders the step summary, at most `maxBytes` of UTF-8. */
export function renderSummary(report: VetReport, options: { failOn?: "ask" | "deny"; maxBytes?: number } = {}): string {
  const head = ["## nanoguard vet", "", `**${closingLine(report, options.failOn ?? "ask").text}**`, ""]
  const tail = renderNotes(report)
  const rows = sortStrictestFirst(report.rows).filter(({ verdict }) => verdict.code !== "evidence.missing")
  const lines: string[] =
    rows.length > 0 ? ["| | package | code | where | why | fix |", "|---|---|---|---|---|---|"] : []
  let left = (options.maxBytes ?? MAX_BYTES) - RESERVE - size([...head, ...tail])
  let shown = 0
  for (const row of rows) {
    const line = renderRow(row)
    left -= size([line])
    if (left < 0) break
    lines.push(line)
    shown++
  }
  if (shown < rows.length) lines.push("", `and ${countOf(rows.length - shown, "more finding")} (--format json has all)`)
  return `${[...head, ...lines, "", ...tail].join("\n")}\n`
}

/** Appends the summary to the file that the workflow runner names; false where there is none. */
export async function appendSummary(env: Record<string, string | undefined>, markdown: string): Promise<boolean> {
  const file = env["GITHUB_STEP_SUMMARY"]
  if (!file) return false
  await appendFile(file, markdown)
  return true
}

function renderRow({ verdict, file, line, dependency }: VetRow): string {
  const fix = describeFix(verdict.correction)
  const cells = [
    effectWord(verdict),
    codeSpan(dependency.purl),
    codeSpan(verdict.code),
    codeSpan(`${file}:${line}`),
    escapeMarkdown(verdict.reason),
    fix === undefined ? "" : codeSpan(fix),
  ]
  return `| ${cells.join(" | ")} |`
}

function renderNotes(report: VetReport): string[] {
  const lines: string[] = []
  for (const { facts, verdict, rows } of groupMissing(report.rows).slice(0, 50)) {
    if (verdict.effect === "allow") continue
    lines.push(
      `- ${effectWord(verdict)} \`evidence.missing\`: ${escapeMarkdown(facts)}, ${countOf(rows.length, "package")}`,
    )
  }
  for (const { fact, reason, packages } of report.missing.slice(0, 50)) {
    lines.push(`- Not checked: ${escapeMarkdown(fact)} of ${countOf(packages, "package")} (${escapeMarkdown(reason)})`)
  }
  for (const { state, subject, of, owner, expires } of report.exceptions.slice(0, 50)) {
    lines.push(`- Exception ${state}: ${codeSpan(subject)}, ${codeSpan(of)}, ${escapeMarkdown(`${owner}, ${expires}`)}`)
  }
  lines.push(`- Advisories: ${escapeMarkdown(describeAdvisories(report.advisories))}`)
  return lines
}

// A code span takes no escapes, and a table splits at any bar: both characters are shown as escapes of our own.
function codeSpan(text: string): string {
  const safe = cleanText(text, 300).replaceAll("`", "\\u{60}").replaceAll("|", "\\u{7c}")
  return `\`${safe}\``
}

// As character references, punctuation is text everywhere in Markdown (CommonMark 0.31, section 2.5).
function escapeMarkdown(text: string): string {
  return cleanText(text).replace(/[^\p{L}\p{M}\p{N} ,]/gu, (char) => `&#${char.codePointAt(0)};`)
}

function size(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
}
