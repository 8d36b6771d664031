// What asking costs people, as a table; and the rules whose answer is always the same, as changes to think about.
import type { ApprovalStats, Figures, RuleFigures } from "../approvals/stats.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { alignColumns, wrapText } from "./layout.ts"
import { cutToWidth } from "./terminal-width.ts"

/** From how many answers on, and from which part of them on, an answer is always the same. */
const ALWAYS = { answers: 20, part: 0.95 } as const

/** Most rules and agents that are listed. */
const MAX_ROWS = 20

/** A change to the policy that the figures speak for; it is only said, and never made. */
export interface Proposal {
  kind: string
  rule: string
  change: "allow" | "deny"
  /** Answers that people gave, and how many of them were the same. */
  answers: number
  same: number
}

/** Rules about which people say the same all the time: asking costs attention, and buys nothing. */
export function proposalsOf({ rules }: Pick<ApprovalStats, "rules">): Proposal[] {
  return rules.flatMap(({ kind, rule, approved, denied }): Proposal[] => {
    const answers = approved + denied
    if (answers < ALWAYS.answers) return []
    const of = (change: Proposal["change"], same: number) =>
      same / answers > ALWAYS.part ? [{ kind, rule, change, answers, same }] : []
    return [...of("allow", approved), ...of("deny", denied)]
  })
}

/** The figures for people, or as one JSON document with the proposals. */
export function renderApprovalStats(stats: ApprovalStats, format: "text" | "json", columns = 100): string {
  const proposals = proposalsOf(stats)
  if (format === "json") return safeJson({ ...stats, proposals })
  const { days, total, asksPerDay, rules, risks, agents, cut } = stats
  if (total.asks === 0) return `Nothing was asked in ${countOf(days, "day")}.\n`
  const lines = [
    `${countOf(total.asks, "request")} in ${countOf(days, "day")}, ${round(asksPerDay)} a day${cut ? " (the newest; there are more)" : ""}`,
    "",
    ...table(
      "rule",
      rules.map((one) => [one, nameOf(one)]),
    ),
    "",
    ...table(
      "risk",
      risks.map((one) => [one, one.risk]),
    ),
    "",
    ...table(
      "agent",
      agents.map((one) => [one, cleanText(one.agent, 60)]),
    ),
  ]
  for (const proposal of proposals) lines.push("", ...wrapText(wordsOf(proposal), columns))
  return `${lines.map((line) => cutToWidth(line, columns)).join("\n")}\n`
}

function table(what: string, rows: readonly (readonly [Figures, string])[]): string[] {
  const head = ["asks", "yes", "no", "late", "open", "median", "90%", what]
  const cells = rows.slice(0, MAX_ROWS).map(([one, name]) => {
    const { asks, approved, denied, unanswered, pending, median, p90 } = one
    // The name comes last: nothing of ours stands behind it.
    return [...[asks, approved, denied, unanswered, pending].map(String), span(median), span(p90), name]
  })
  const more =
    rows.length > MAX_ROWS ? [`and ${countOf(rows.length - MAX_ROWS, "more", "more")} (--format json has all)`] : []
  return [...alignColumns([head, ...cells], [0, 1, 2, 3, 4, 5, 6]), ...more]
}

function nameOf({ kind, rule }: Pick<RuleFigures, "kind" | "rule">): string {
  return kind === "network" ? cleanText(rule, 60) : `${cleanText(kind, 20)}: ${cleanText(rule, 60)}`
}

function wordsOf({ change, same, answers, ...named }: Proposal): string {
  const said = change === "allow" ? "approved" : "denied"
  const why =
    change === "allow"
      ? "a question that is always answered yes is soon answered unread"
      : "nobody has to be asked for it"
  return `${nameOf(named)}: ${same} of ${answers} were ${said}; ${why}. Think about a rule that says ${change}, and adopt it (l on a card shows a line).`
}

function span(seconds: number | undefined): string {
  if (seconds === undefined) return "-"
  return seconds < 100
    ? `${Math.round(seconds)}s`
    : seconds < 6_000
      ? `${Math.round(seconds / 60)}m`
      : `${Math.round(seconds / 3_600)}h`
}

const round = (value: number) => (value < 10 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value)))
