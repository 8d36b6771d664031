// How `nanoguard policy suggest` looks: YAML to paste, and beside it as comments what it rests on.
import { formatAllow } from "../policy/flow.ts"
import type { SuggestReport } from "../policy/suggest.ts"
import type { SuggestedRule } from "../policy/suggest-merge.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"

/** Longest list of rules that deny which is shown whole. */
const MAX_DENIED = 10

/** The rules as an extract of a policy; in JSON each with its line. */
export function renderSuggestions(report: SuggestReport, format: "text" | "json"): string {
  if (format === "json") {
    const rules = report.rules.map((rule) => ({ ...rule, line: formatAllow(rule) }))
    return safeJson({ ...report, rules })
  }
  const { rules, requests } = report
  const out: string[] = []
  if (requests === 0) out.push("# No request in the log in this time: nothing to propose.")
  else if (rules.length === 0) out.push(`# ${countOf(requests, "request")}, and no rule to propose.`)
  else {
    const named = rules.reduce((sum, rule) => sum + rule.requests, 0)
    out.push(
      `# ${countOf(named, "request")} of ${requests} that no rule names: ${countOf(rules.length, "rule")} would have allowed them.`,
      "# An agent chose them: read each before it is pasted.",
      "network:",
      ...rules.flatMap((rule) => [`  # ${aboutRule(rule)}`, `  ${formatAllow(rule)}`]),
    )
  }
  out.push(...leftOut(report).map((line) => `# ${line}`))
  return `${out.join("\n")}\n`
}

function aboutRule({ requests, firstSeq, lastSeq, unseen }: SuggestedRule): string {
  const records = firstSeq === lastSeq ? `record ${firstSeq}` : `records ${firstSeq} to ${lastSeq}`
  const guess = unseen ? "; refused before they were read, so that this is a guess" : ""
  return `${countOf(requests, "request")}, ${records}${guess}`
}

function leftOut({ allowed, asked, unusual, unlisted, denied }: SuggestReport): string[] {
  const lines: string[] = []
  const say = (count: number, what: string) => {
    if (count > 0) lines.push(`${countOf(count, "request")}: ${what}`)
  }
  say(allowed, "allowed as it is")
  say(asked, "a person is asked")
  for (const { code, rule, requests } of denied.slice(0, MAX_DENIED))
    say(requests, `${code} by ${cleanText(rule)}, which no rule that allows outweighs`)
  const more = denied.slice(MAX_DENIED).reduce((sum, row) => sum + row.requests, 0)
  say(more, "denied by further rules")
  say(unusual, "no rule is proposed for private hosts, paths out of normal form, and what the log has only in part")
  say(unlisted, "too many different ones to list")
  return lines
}
