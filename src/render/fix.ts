// How `nanoguard vet --fix` looks: the diff, what became of each finding, and what is left to do by hand.
import type { FixFile, FixReport, FixStep } from "../vet/fix/types.ts"
import type { VetReport } from "../vet/report.ts"
import { cleanText, countOf, formatCount, safeJson } from "./clean.ts"
import { renderJson } from "./json.ts"
import { PLAIN_STYLE, type Style } from "./style.ts"

const MAX_DIFF_LINES = 400

/** Text that stands before the report of the vet afterwards. Every string in it is cleaned; it ends with a newline. */
export function renderFix(report: FixReport, style: Style = PLAIN_STYLE): string {
  const blocks = [
    ...report.files.map((file) => fileLines(file, style)),
    report.steps.flatMap((step) => stepLines(step, style)),
    closingLines(report, style),
  ]
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`
}

/** One JSON document, schema `nanoguard.fix/1`, with the report of the vet afterwards as `vet`. */
export function renderFixJson(report: FixReport, after: VetReport): string {
  const { schema, applied, dryRun, before, after: counts, steps, files, install } = report
  const vet: unknown = JSON.parse(renderJson(after))
  return safeJson({ schema, applied, dryRun, before, after: counts, steps, files, install, vet })
}

function fileLines({ path, kind, diff }: FixFile, style: Style): string[] {
  const lines = diff === "" ? ["(no package moves)"] : diff.replace(/\n$/, "").split("\n")
  const shown = lines.slice(0, MAX_DIFF_LINES).map((line) => {
    const text = `  ${cleanText(line, 500)}`
    if (kind === "lockfile")
      return line.startsWith("- ") ? style.red(text) : line.startsWith("+ ") ? style.green(text) : text
    return line.startsWith("+") ? style.green(text) : line.startsWith("-") ? style.red(text) : style.dim(text)
  })
  if (lines.length > shown.length) shown.push(`  and ${countOf(lines.length - shown.length, "more line")}`)
  return [style.bold(cleanText(path, 300)), ...shown]
}

function stepLines({ lockfile, purl, code, action, target, outcome, why }: FixStep, style: Style): string[] {
  const word = outcome === "fixed" ? style.green("fixed    ") : style.yellow("not fixed")
  const lines = [`${word}  ${style.bold(cleanText(purl, 300))}  ${cleanText(code, 80)}  ${cleanText(lockfile, 200)}`]
  if (outcome === "fixed") {
    const how = target === undefined ? action : `${action} ${action === "replace" ? "with" : "to"} ${target}`
    lines.push(`           ${cleanText(how, 1000)}`)
  } else lines.push(`           ${cleanText(why ?? "", 500)}`)
  return lines
}

function closingLines(report: FixReport, style: Style): string[] {
  const fixed = report.steps.filter(({ outcome }) => outcome === "fixed").length
  const left = report.steps.length - fixed
  const { before, after } = report
  const lines: string[] = []
  if (report.steps.length === 0) lines.push("Nothing to fix.")
  else if (fixed === 0) lines.push(style.yellow(`Nothing was changed: ${countOf(left, "finding")} could not be fixed.`))
  else {
    const rest = left > 0 ? `, ${formatCount(left)} not` : ""
    const what = report.applied ? `wrote ${countOf(report.files.length, "file")}` : "nothing was written (--dry-run)"
    lines.push(style.bold(`${countOf(fixed, "finding")} fixed${rest}: ${what}.`))
  }
  if (fixed > 0) {
    const verb = report.applied ? "are" : "would be"
    lines.push(
      `Denied ${before.deny} -> ${after.deny}, to approve ${before.ask} -> ${after.ask}; these ${verb} the verdicts below.`,
    )
  }
  if (report.applied && report.install.length > 0) {
    lines.push("Nothing was installed. To install what is locked now:")
    lines.push(...report.install.map((command) => `  ${style.cyan(cleanText(command, 300))}`))
  }
  return lines
}
