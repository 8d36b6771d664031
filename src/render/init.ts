// How `nanoguard init` looks: what was found, every file before it is written, and what to do next.
import type { Facts, FileAction, InitReport, Plan } from "../scaffold/types.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import type { Style } from "./style.ts"

/** Everything that init would do, for a person who is about to be asked. `diffs` are unified diffs by path. */
export function renderPlan(
  root: string,
  facts: Facts,
  plan: Plan,
  diffs: ReadonlyMap<string, string>,
  style: Style,
): string {
  const lines = [`${style.bold("Repository")}  ${cleanText(root)}`, ...factLines(facts, style), ""]
  for (const file of plan.files) {
    const diff = diffs.get(file.path)
    if (diff === undefined) continue
    lines.push(`${paintAction(file.action, style)} ${style.bold(cleanText(file.path))}  ${cleanText(file.reason)}`)
    lines.push(...diffLines(diff, file.action, style), "")
  }
  // The reason stands above wherever the file was shown.
  for (const file of plan.files)
    lines.push(
      `${paintAction(file.action, style)} ${cleanText(file.path)}${diffs.has(file.path) ? "" : `  ${style.dim(cleanText(file.reason))}`}`,
    )
  lines.push(...plan.notes.map((note) => `${style.yellow("note    ")} ${cleanText(note)}`), "")
  return `${lines.join("\n")}\n`
}

/** The end of a run: one JSON document, or a few lines of text after the plan that was already shown. */
export function renderInit(report: InitReport, format: "text" | "json", style: Style): string {
  if (format === "json") return safeJson(report)
  const byHand = report.files.filter((file) => file.action === "conflict")
  const lines = byHand.map((file) => `${style.yellow("By hand:")} ${cleanText(file.path)}: ${cleanText(file.reason)}`)
  lines.push(outcome(report))
  if (report.image !== undefined) lines.push(...imageLines(report.image, style))
  if (report.written.length > 0) lines.push("", "Next:", ...report.next.map((command) => `  ${style.cyan(command)}`))
  return `${lines.join("\n")}\n`
}

/** The line for the policy stands alone, to be copied. */
function imageLines({ id, tag, installed, pinned }: NonNullable<InitReport["image"]>, style: Style): string[] {
  const what = installed.map(({ name, version }) => `${name}@${version}`).join(", ")
  return [
    `Built ${cleanText(tag)}${what === "" ? "" : ` with ${cleanText(what)}`}.`,
    ...pinned.map(({ base, is }) => `Pin its base: FROM ${cleanText(is)} instead of ${cleanText(base)}.`),
    "",
    "For nanoguard.yaml, and then `nanoguard policy adopt`:",
    style.cyan("sandbox:"),
    style.cyan(`  image: ${cleanText(id)}`),
  ]
}

function outcome(report: InitReport): string {
  const changes = report.files.filter((file) => file.diff !== undefined).length
  if (report.written.length > 0) return `Wrote ${countOf(report.written.length, "file")}.`
  if (changes === 0) return "Nothing to do: everything is there."
  return report.dryRun ? `Would write ${countOf(changes, "file")}; nothing was written.` : "Nothing was written."
}

function factLines(facts: Facts, style: Style): string[] {
  const row = (label: string, values: readonly string[]) =>
    `${style.bold(label.padEnd(10))}  ${values.length > 0 ? cleanText(values.join(", ")) : style.dim("none found")}`
  const named = (found: readonly { name: string; why: string }[]) => found.map(({ name, why }) => `${name} (${why})`)
  const shown = facts.lockfiles.slice(0, 5)
  const more = facts.lockfiles.length - shown.length
  return [
    row("Packages", named(facts.managers)),
    row("Lockfiles", more > 0 ? [...shown, `${more} more`] : shown),
    row("Agents", named(facts.agents)),
    row("CI", named(facts.ci)),
    row("Engines", facts.engines),
  ]
}

/** A new file is shown as it will be; a change as a diff. */
function diffLines(diff: string, action: FileAction, style: Style): string[] {
  const lines = diff.replace(/\n$/, "").split("\n")
  if (action === "create") {
    return lines.filter((line) => line.startsWith("+")).map((line) => `  ${style.dim("|")} ${cleanText(line.slice(1))}`)
  }
  return lines.map((line) => {
    const text = `  ${cleanText(line)}`
    return line.startsWith("+") ? style.green(text) : line.startsWith("-") ? style.red(text) : style.dim(text)
  })
}

function paintAction(action: FileAction, style: Style): string {
  const text = action.padEnd(8)
  if (action === "create" || action === "merge") return style.green(text)
  if (action === "keep") return style.dim(text)
  return style.yellow(text)
}
