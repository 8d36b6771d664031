// The part of the text format that matters most: what was found, why, where, how it comes in and what to do.
import type { AlsoMatched } from "../policy/types.ts"
import type { VetRow } from "../vet/report.ts"
import { cleanText, countOf } from "./clean.ts"
import {
  describeAllEvidence,
  describeChecked,
  describeFix,
  describeMissingFix,
  describePath,
  effectWord,
} from "./describe.ts"
import { type Finding, groupByPackage, groupMissing, type MissingGroup } from "./group.ts"
import { labelled, moreOf, type Page, wrapText } from "./layout.ts"

const INDENT = 6

/** One block of lines for each package with findings, the strictest first. */
export function renderFindings(rows: readonly VetRow[], page: Page): string[][] {
  const groups = groupByPackage(rows)
  const blocks = groups
    .slice(0, page.limit)
    .map(({ purl, findings }) => findings.slice(0, page.limit).flatMap((finding) => renderFinding(purl, finding, page)))
  if (groups.length > blocks.length) blocks.push([moreOf(groups.length - blocks.length, "package")])
  return blocks
}

/** Packages that are held up only because something is not known: one block for each fact, not one a package. */
export function renderHeldUp(rows: readonly VetRow[], page: Page): string[][] {
  const groups = groupMissing(rows).filter(({ verdict }) => verdict.effect !== "allow")
  const blocks = groups.slice(0, page.limit).map((group) => renderMissing(group, page))
  if (groups.length > blocks.length) blocks.push([moreOf(groups.length - blocks.length, "kind")])
  return blocks
}

function renderFinding(purl: string, { verdict, rows }: Finding, page: Page): string[] {
  const first = rows[0]!
  const kind = first.dependency.dev ? " (dev)" : first.dependency.optional ? " (optional)" : ""
  const title = `${page.style.bold(cleanText(purl, 300))}${kind}  ${cleanText(verdict.code, 80)}`
  const reason = wrapText(cleanText(verdict.reason), page.columns - INDENT)
  const lines = [`${paintEffect(verdict, page)}  ${title}`, ...reason.map((line) => " ".repeat(INDENT) + line)]
  const add = addTo(lines, page)
  for (const [i, row] of rows.slice(0, 3).entries()) add(i === 0 ? "at" : "", placeOf(row))
  if (rows.length > 3) add("", moreOf(rows.length - 3, "place"))
  add("via", describePath(first))
  add("rule", cleanText(verdict.rule))
  add("evidence", describeAllEvidence(verdict.evidence))
  add("score", describeTrust(first.trust))
  add("also", verdict.also?.slice(0, 5).map(describeAlso).join(", "))
  const fix = describeFix(verdict.correction)
  // Never wrapped: a command is there to be copied.
  if (fix !== undefined) {
    const checked = describeChecked(verdict.evidence)
    const line = page.style.green("fix:".padEnd(10) + fix)
    lines.push(" ".repeat(INDENT) + line + (checked && `  ${page.style.dim(checked)}`))
  }
  if (first.exception !== undefined) {
    const exception = cleanText(first.exception, 1000)
    lines.push(
      " ".repeat(INDENT) +
        page.style.green("or:".padEnd(10)) +
        `add to packages.exceptions of nanoguard.yaml: ${exception}`,
    )
  }
  return lines
}

function renderMissing({ facts, verdict, rows }: MissingGroup, page: Page): string[] {
  const title = `${page.style.bold(countOf(rows.length, "package"))}  evidence.missing`
  const lines = [`${paintEffect(verdict, page)}  ${title}`]
  const add = addTo(lines, page)
  add("missing", cleanText(facts))
  add("rule", cleanText(verdict.rule))
  for (const [i, row] of rows.slice(0, 3).entries()) {
    add(i === 0 ? "packages" : "", `${cleanText(row.dependency.purl, 200)} at ${placeOf(row)}`)
  }
  if (rows.length > 3) add("", moreOf(rows.length - 3, "package"))
  if (verdict.effect !== "allow") add("fix:", describeMissingFix(rows))
  return lines
}

function addTo(lines: string[], page: Page): (label: string, text: string | undefined) => void {
  return (label, text) => {
    if (text) lines.push(...labelled(INDENT, label, text, page.columns, page.style.dim))
  }
}

function placeOf({ file, line, dependency: { alias } }: VetRow): string {
  return `${cleanText(file, 200)}:${line}${alias ? ` (installed as ${cleanText(alias, 120)})` : ""}`
}

/** Every factor with its points, those that cost the most first. */
function describeTrust(trust: VetRow["trust"]): string | undefined {
  if (trust === undefined) return undefined
  const factors = [...trust.factors].sort((a, b) => b.of - b.points - (a.of - a.points))
  const shown = factors.map(({ name, points, of, why }) =>
    cleanText(of > 0 ? `${name} ${points} of ${of} (${why})` : `${name} ${points} (${why})`, 200),
  )
  return `${trust.score} of 100: ${shown.join(", ")}`
}

function describeAlso({ effect, code, rule }: AlsoMatched): string {
  return cleanText(`${effect} ${code} by ${rule}`, 200)
}

function paintEffect(verdict: Finding["verdict"], { style }: Page): string {
  const paint = { deny: style.red, ask: style.yellow, allow: style.dim }[verdict.effect]
  return paint(effectWord(verdict).padEnd(4))
}
