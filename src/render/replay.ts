// How `nanoguard policy replay` looks.
import type { EffectCounts, ReplayChange, ReplayReport } from "../policy/replay.ts"
import type { Effect } from "../policy/types.ts"
import { cleanText, countOf, formatCount, safeJson } from "./clean.ts"
import { alignColumns, moreOf, wrapText } from "./layout.ts"
import type { Paint, Style } from "./style.ts"

/** Longest list of groups, and of subjects in one, that is shown whole. */
const LIMIT = 20
const SHOWN = 3

const EFFECTS: readonly Effect[] = ["allow", "ask", "deny"]

/** A replay of this record. */
export interface RecordReplay extends ReplayReport {
  /** Decisions that were asked for and lie with the archive: they were not decided again. */
  archived: number
}

/** What the new policy would have changed: the counts, then a paragraph for each pair of rules, most decisions first. */
export function renderReplay(report: RecordReplay, format: "text" | "json", style: Style, columns = 80): string {
  if (format === "json") return safeJson(report)
  const { decisions, transitions, changes, failed, partial, unlisted, archived } = report
  const away = `${countOf(archived, "decision")} of this time ${archived === 1 ? "lies" : "lie"} with the archive, and ${archived === 1 ? "was" : "were"} not replayed.`
  if (decisions === 0 && failed.count === 0)
    return `No decision in the log in this time: nothing to replay.${archived > 0 ? `\n${away}` : ""}\n`
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
  const groups = groupByReason(changes)
  for (const group of groups.slice(0, LIMIT)) out.push("", ...describeGroup(group, style, columns))
  const hidden = groups.length - LIMIT
  if (hidden > 0) out.push("", `  ${moreOf(hidden, "group")}`)
  if (unlisted > 0) out.push("", `${countOf(unlisted, "more change")} of other subjects, too many to list.`)
  if (partial > 0)
    out.push(
      "",
      `${countOf(partial, "decision")} rested on texts that the log keeps only in part: a rule about those may err.`,
    )
  if (failed.count > 0)
    out.push("", `${countOf(failed.count, "record")} could not be decided again: ${failed.seqs.join(", ")}`)
  if (archived > 0) out.push("", away)
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

/** Changes from one rule's word to another's belong together, whatever their subjects: a person looks at rules. */
function groupByReason(changes: readonly ReplayChange[]): ReplayChange[][] {
  const groups = new Map<string, ReplayChange[]>()
  for (const change of changes) {
    const { from, to, before, after } = change
    const key = JSON.stringify([from, to, before, after.code, after.rule])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [change])
    else group.push(change)
  }
  return [...groups.values()].sort((a, b) => totalOf(b) - totalOf(a))
}

const totalOf = (group: readonly ReplayChange[]) => group.reduce((total, { count }) => total + count, 0)

function describeGroup(group: readonly ReplayChange[], style: Style, columns: number): string[] {
  const { from, to, before, after } = group[0]!
  const subjects = group.length === 1 ? "" : ` about ${countOf(group.length, "subject")}`
  const text = (value: string) => wrapText(cleanText(value), Math.max(20, columns - 4)).map((line) => `    ${line}`)
  return [
    `  ${arrow(from, to, style)}  ${countOf(totalOf(group), "decision")}${subjects}`,
    ...text(`was: ${before.code}, ${before.rule}`),
    ...text(`now: ${after.code}, ${after.rule}`),
    ...text(after.reason),
    ...group.slice(0, SHOWN).flatMap((change) => describeSubject(change, style)),
    ...(group.length > SHOWN ? [`      ${moreOf(group.length - SHOWN, "subject")}`] : []),
  ]
}

function describeSubject({ subject, count, firstSeq, lastSeq, agents }: ReplayChange, style: Style): string[] {
  const seen = firstSeq === lastSeq ? `record ${firstSeq}` : `${count} x, records ${firstSeq} to ${lastSeq}`
  const others = agents.length > 2 ? ` and ${agents.length - 2} more` : ""
  const names = agents.slice(0, 2).map((agent) => cleanText(agent, 40))
  const by = names.length === 0 ? "" : `, by ${names.join(", ")}${others}`
  return [`      ${style.bold(cleanText(subject, 120))}  ${seen}${by}`]
}

function arrow(from: Effect, to: Effect, style: Style): string {
  const paint: Record<Effect, Paint> = { allow: style.green, ask: style.yellow, deny: style.red }
  return `${paint[from](from)} -> ${paint[to](to)}`
}
