// How `nanoguard policy replay` looks.
import type { EffectCounts, ReplayChange, ReplayReport } from "../policy/replay.ts"
import type { Effect } from "../policy/types.ts"
import { cleanText, countOf, formatCount, safeJson } from "./clean.ts"
import { alignColumns, moreOf, wrapText } from "./layout.ts"
import type { Paint, Style } from "./style.ts"

/** Longest list of changes that is shown whole. */
const LIMIT = 20

const EFFECTS: readonly Effect[] = ["allow", "ask", "deny"]

/** What the new policy would have changed: the counts, then one paragraph for each group of decisions, most frequent first. */
export function renderReplay(report: ReplayReport, format: "text" | "json", style: Style, columns = 80): string {
  if (format === "json") return safeJson(report)
  const { decisions, transitions, changes, failed, partial, unlisted } = report
  if (decisions === 0 && failed.count === 0) return "No decision in the log in this time: nothing to replay.\n"
  const changed = transitions.reduce((total, { count }) => total + count, 0)
  const out = [
    `${countOf(decisions, "decision")} decided again${report.mode === "observe" ? ", in observe mode" : ""}: ${changed === 0 ? "none" : formatCount(changed)} would change.`,
    "",
    ...rates(report.before, report.after),
  ]
  if (transitions.length > 0) {
    out.push("")
    for (const { from, to, count } of transitions) out.push(`  ${arrow(from, to, style)}  ${formatCount(count)}`)
  }
  for (const change of changes.slice(0, LIMIT)) out.push("", ...describeChange(change, style, columns))
  const hidden = changes.length - LIMIT
  if (hidden > 0) out.push("", `  ${moreOf(hidden, "group")}`)
  if (unlisted > 0) out.push("", `${countOf(unlisted, "more change")} of other subjects, too many to list.`)
  if (partial > 0)
    out.push(
      "",
      `${countOf(partial, "decision")} rested on texts that the log keeps only in part: a rule about those may err.`,
    )
  if (failed.count > 0)
    out.push("", `${countOf(failed.count, "record")} could not be decided again: ${failed.seqs.join(", ")}`)
  return `${out.join("\n")}\n`
}

/** A table of how often each effect came, before and after, with its share. */
function rates(before: EffectCounts, after: EffectCounts): string[] {
  const total = EFFECTS.reduce((sum, effect) => sum + before[effect], 0)
  const share = (count: number) => `${total === 0 ? "0.0" : ((100 * count) / total).toFixed(1)}%`
  return alignColumns(
    [
      ["", "", "as decided", "", "replayed", ""],
      ...EFFECTS.map((effect) => [
        "",
        effect,
        formatCount(before[effect]),
        share(before[effect]),
        formatCount(after[effect]),
        share(after[effect]),
      ]),
    ],
    [2, 3, 4, 5],
  )
}

function describeChange(change: ReplayChange, style: Style, columns: number): string[] {
  const { from, to, subject, before, after, count, firstSeq, lastSeq, agents } = change
  const seen = firstSeq === lastSeq ? `record ${firstSeq}` : `records ${firstSeq} to ${lastSeq}`
  const who = agents.length === 0 ? "" : `, by ${agents.map((agent) => cleanText(agent, 60)).join(", ")}`
  return [
    `  ${arrow(from, to, style)}  ${style.bold(cleanText(subject, 120))}`,
    ...[
      `${countOf(count, "time")} (${seen}${who})`,
      `was: ${cleanText(before.code)}, ${cleanText(before.rule)}`,
      `now: ${cleanText(after.code)}, ${cleanText(after.rule)}`,
      cleanText(after.reason),
    ].flatMap((text) => wrapText(text, Math.max(20, columns - 4)).map((line) => `    ${line}`)),
  ]
}

function arrow(from: Effect, to: Effect, style: Style): string {
  const paint: Record<Effect, Paint> = { allow: style.green, ask: style.yellow, deny: style.red }
  return `${paint[from](from)} -> ${paint[to](to)}`
}
