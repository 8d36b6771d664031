// How requests and answers look. What an agent wrote stands in its own column, quoted, and can imitate no line of ours.
import type { Answered } from "../approvals/answer.ts"
import { shortDigest } from "../approvals/binding.ts"
import { tallyDecisions } from "../approvals/decision.ts"
import type { Approval, ApprovalState, Approver, Binding, PackageArguments, Terms } from "../approvals/types.ts"
import { codeOf } from "../policy/codes.ts"
import { formatDuration } from "../policy/duration.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { alignColumns } from "./layout.ts"
import { cutToWidth, widthOf } from "./terminal-width.ts"

/** A request as `--format json` has it; times are RFC 3339. */
export interface ShownApproval extends Omit<Binding, "v" | "nonce" | "requested" | "expires"> {
  id: string
  digest: string
  state: ApprovalState
  requested: string
  expires: string
  uses: number
  /** Those whose signed yes counts. */
  agreed: readonly string[]
  /** How many more have to agree. */
  missing: number
}

export interface ApprovalsReport {
  schema: "nanoguard.approvals/1"
  state: ApprovalState
  approvals: readonly ShownApproval[]
}

export interface AnswerReport extends Answered {
  schema: "nanoguard.answer/1"
  answer: "approve" | "deny"
  by: string
  terms: Omit<Terms, "expires"> & { expires?: string }
  approval: ShownApproval
}

/** Longest value of a card, in UTF-16 units, and most lines of arguments. */
const MAX_VALUE = 600
const MAX_LINES = 40
const LABEL = 12

/** A request for people and programs, with what its signatures amount to now. */
export function describeApproval(approval: Approval, approvers: ReadonlyMap<string, Approver>): ShownApproval {
  const { id, digest, state, uses, binding } = approval
  const { v: _, nonce: __, requested, expires, ...rest } = binding
  const { by } = tallyDecisions(approval, binding.approvers, approvers)
  return {
    ...{ id, digest, state, ...rest, requested: new Date(requested).toISOString() },
    ...{ expires: new Date(expires).toISOString(), uses, agreed: by },
    missing: Math.max(0, binding.approvers.quorum - by.length),
  }
}

/**
 * What waits, one line each, or one JSON document. `now` in milliseconds since the epoch. A line that a terminal would wrap is cut:
 * what is wrapped begins a line, and might look like one of ours.
 */
export function renderApprovals(
  { approvals, ...report }: ApprovalsReport,
  format: "text" | "json",
  now: number,
  columns = 200,
): string {
  if (format === "json") return safeJson({ ...report, approvals })
  if (approvals.length === 0)
    return report.state === "pending" ? "Nothing waits for a person.\n" : `Nothing is ${report.state}.\n`
  const rows = approvals.map((one) => [
    ...[one.id, shortDigest(one.digest), one.state === "pending" ? timeLeft(one, now) : one.requested.slice(0, 16)],
    // The agent's name and what it asks for come last: nothing of ours stands behind them.
    ...[one.kind, codesOf(one).join(" "), one.agent, one.subject],
  ])
  const lines = alignColumns(rows).map((line) => cutToWidth(line, columns))
  if (report.state === "pending") lines.push("", "Look at one and decide: nanoguard approve <id>, nanoguard deny <id>")
  return `${lines.join("\n")}\n`
}

/** One request whole, and what their answer would mean, as a person has to see it before deciding. */
export function renderCard(
  one: ShownApproval,
  now: number,
  columns = 100,
  answer?: Pick<AnswerReport, "answer" | "terms">,
): string {
  const { group, people, quorum } = one.approvers
  const who = people === "anyone" ? "any approver" : people.join(", ")
  const agreed = one.agreed.length > 0 ? `; agreed: ${one.agreed.join(", ")}` : ""
  const rows: [string, string][] = [
    ["request", `${one.id}, ${one.kind}, ${one.state === "pending" ? timeLeft(one, now) : one.state}`],
    ["digest", shortDigest(one.digest)],
    ["subject", one.subject],
    ["agent", one.agent],
    ...(one.run === undefined ? [] : [["run", one.run] as [string, string]]),
    ...(one.operator === undefined ? [] : [["operator", one.operator] as [string, string]]),
    ...argumentRows(one),
    ["policy", one.policyHash],
    [
      "approvers",
      `${group === "" ? "" : `${group}: `}${who} (${countOf(quorum, "person", "people")} must agree${agreed})`,
    ],
    ...(one.reason === undefined ? [] : [["agent says", `"${one.reason}"`] as [string, string]]),
    ...(answer === undefined ? [] : [meaningOf(one, answer)]),
  ]
  return `${rows.flatMap(([label, value]) => cell(label, value, columns)).join("\n")}\n`
}

function meaningOf(
  { agent, run }: ShownApproval,
  { answer, terms }: Pick<AnswerReport, "answer" | "terms">,
): [string, string] {
  const whose = run === undefined || terms.scope === "agent" ? `agent ${agent}` : `run ${run} of ${agent}`
  if (answer === "deny")
    return ["your no", `holds for ${run === undefined ? `agent ${agent}, for a day` : `run ${run} of ${agent}`}`]
  const uses = terms.uses === undefined ? "" : `, for ${countOf(terms.uses, "use")}`
  return ["your yes", `lets this version in until ${terms.expires}${uses}, for ${whose}`]
}

/** What became of an answer, for a person or as one JSON document. */
export function renderAnswer(report: AnswerReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { approval, state, missing, by, terms, seq } = report
  const until = terms.expires === undefined ? "" : ` until ${terms.expires}`
  const scope =
    terms.scope === "run" ? " for the run" : terms.scope === "agent" ? ` for ${cleanText(approval.agent, 80)}` : ""
  const uses = terms.uses === undefined ? "" : `, ${countOf(terms.uses, "use")}`
  const what =
    state === "denied"
      ? "denied"
      : state === "granted"
        ? `granted${scope}${until}${uses}`
        : `agreed to; ${countOf(missing, "more person", "more people")} must agree`
  return `${approval.id} is ${what}. Signed by ${cleanText(by)}, record ${seq}.\n`
}

function timeLeft({ expires }: ShownApproval, now: number): string {
  const left = Date.parse(expires) - now
  return left < 60_000 ? "under 1m left" : `${formatDuration(left)} left`
}

function codesOf({ kind, arguments: bound }: ShownApproval): readonly string[] {
  if (kind !== "package" && kind !== "exception") return []
  return (bound as unknown as PackageArguments).codes
}

const describeCode = (code: string) => {
  const title = codeOf(code)?.title
  return title === undefined ? code : `${code} (${title.toLowerCase()})`
}

function argumentRows(one: ShownApproval): [string, string][] {
  if (one.kind === "package" || one.kind === "exception") {
    const { codes, advisories, missing, integrity } = one.arguments as unknown as PackageArguments
    return [
      [one.kind === "exception" ? "would lift" : "asks for", codes.map(describeCode).join(", ")],
      ...(advisories ? [["advisories", advisories.join(", ")] as [string, string]] : []),
      ...(missing ? [["not known", missing.join(", ")] as [string, string]] : []),
      ...(integrity === undefined ? [] : [["bytes", integrity] as [string, string]]),
    ]
  }
  const lines = JSON.stringify(one.arguments, null, 2).split("\n")
  const rest = lines.length > MAX_LINES ? [`(and ${lines.length - MAX_LINES} more lines: --format json has all)`] : []
  return [...lines.slice(0, MAX_LINES), ...rest].map((line, i) => [i === 0 ? "arguments" : "", line])
}

/** A value beside its label; what does not fit goes on behind a bar, in the same column, so that it never begins a line. */
function cell(label: string, value: string, columns: number): string[] {
  const width = Math.max(20, columns - LABEL - 4)
  const parts = [""]
  let used = 0
  for (const char of cleanText(value, MAX_VALUE)) {
    used += widthOf(char)
    if (used > width) {
      parts.push("")
      used = widthOf(char)
    }
    parts[parts.length - 1] += char
  }
  return parts.map((part, i) => (i === 0 ? `${label.padEnd(LABEL)}  ${part}` : `${" ".repeat(LABEL)}| ${part}`))
}
