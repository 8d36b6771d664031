// How `nanoguard doctor` looks: a line a part, and below what is not well the command that mends it.
import type { CheckResult, CheckState, DoctorReport } from "../doctor/types.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { wrapText } from "./layout.ts"
import type { Paint, Style } from "./style.ts"

/** What was found, for a person or as one JSON document. `columns`: width of the terminal. */
export function renderDoctor(report: DoctorReport, format: "text" | "json", style: Style, columns: number): string {
  if (format === "json") return safeJson(report)
  const width = Math.max(...report.checks.map(({ title }) => title.length))
  const lines = report.checks.flatMap((check) => checkLines(check, width, style, columns))
  const { ok, warn, fail, skip } = report.counts
  const counts = [
    ...(fail > 0 ? [style.red(countOf(fail, "failure"))] : []),
    ...(warn > 0 ? [style.yellow(countOf(warn, "warning"))] : []),
    `${ok} fine`,
    ...(skip > 0 ? [style.dim(`${skip} do not apply`)] : []),
  ]
  const notes = report.notes.flatMap((note) => wrapText(note, Math.max(40, columns)))
  return `${[...lines, "", counts.join(", "), "", ...notes.map(style.dim)].join("\n")}\n`
}

function checkLines({ title, state, why, fix }: CheckResult, width: number, style: Style, columns: number): string[] {
  const indent = " ".repeat(width + 8)
  const text = wrapText(cleanText(why), Math.max(40, columns - indent.length))
  const head = `${paintState(state, style)}  ${title.padEnd(width)}  `
  return [
    ...text.map((line, index) => (index === 0 ? head : indent) + (state === "skip" ? style.dim(line) : line)),
    // Never wrapped: it is to be copied.
    ...(fix === undefined || state === "ok" ? [] : [`${indent}${style.cyan(cleanText(fix))}`]),
  ]
}

function paintState(state: CheckState, style: Style): string {
  const paint: Record<CheckState, Paint> = { ok: style.green, warn: style.yellow, fail: style.red, skip: style.dim }
  return paint[state](state.padEnd(4))
}
