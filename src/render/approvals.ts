// How requests and answers look. What an agent wrote stands in its own column, quoted, and can imitate no line of ours.
import type { Answered } from "../approvals/answer.ts"
import type { Background, Denied } from "../approvals/background.ts"
import { shortDigest } from "../approvals/binding.ts"
import { tallyDecisions } from "../approvals/decision.ts"
import { readNetwork, readPackage } from "../approvals/read-arguments.ts"
import type { Approval, ApprovalState, Approver, Binding, Terms } from "../approvals/types.ts"
import { formatDuration } from "../policy/duration.ts"
import { type Risk, riskOf } from "../policy/risk.ts"
import type { Verdict } from "../policy/types.ts"
import { deniedRows, riskRows } from "./card.ts"
import { describeCode, evidenceRows, partsOf } from "./card-parts.ts"
import { linesOf, type Row } from "./card-text.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { alignColumns } from "./layout.ts"
import { cutToWidth } from "./terminal-width.ts"

/** A request as `--format json` has it; times are RFC 3339. */
export interface ShownApproval extends Omit<Binding, "v" | "nonce" | "requested" | "expires"> {
  id: string
  digest: string
  state: ApprovalState
  /** How much harm a wrong yes would do, as the rules that ask say. */
  risk: Risk
  requested: string
  expires: string
  uses: number
  /** Those whose signed yes counts. */
  agreed: readonly string[]
  /** How many more have to agree. */
  missing: number
  /** What the record says around it; of one request that is looked at. */
  record?: {
    boxed?: boolean
    /** The box that asked has ended. */
    over?: true
    /** The verdict about a package, and what `nanoguard why` calls it. */
    decided?: { request: string; verdict: Verdict }
    denied?: Omit<Denied, "time"> & { time: string }
    /** Id of the request of the same kind that was approved last. */
    approved?: string
  }
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

/** A request for people and programs, with what its signatures amount to now, and what the record says around it. */
export function describeApproval(
  approval: Approval,
  approvers: ReadonlyMap<string, Approver>,
  background?: Background,
): ShownApproval {
  const { id, digest, state, uses, binding } = approval
  const { v: _, nonce: __, requested, expires, ...rest } = binding
  const { by } = tallyDecisions(approval, binding.approvers, approvers)
  return {
    ...{
      id,
      digest,
      state,
      risk: riskOf(binding.approvers.risk),
      ...rest,
      requested: new Date(requested).toISOString(),
    },
    ...{ expires: new Date(expires).toISOString(), uses, agreed: by },
    missing: Math.max(0, binding.approvers.quorum - by.length),
    ...(background !== undefined && { record: describeBackground(background) }),
  }
}

function describeBackground({
  boxed,
  over,
  decided,
  denied,
  approved,
}: Background): NonNullable<ShownApproval["record"]> {
  return {
    ...(boxed !== undefined && { boxed }),
    ...(over && { over }),
    ...(decided && { decided: { request: `ng-${decided.seq}`, verdict: decided.verdict } }),
    ...(denied && { denied: { ...denied, time: new Date(denied.time).toISOString() } }),
    ...(approved && { approved: approved.id }),
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
    ...[one.risk, one.kind, codesOf(one).join(" "), one.agent, one.subject],
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
  background?: Background,
): string {
  const { group, people, quorum } = one.approvers
  const who = people === "anyone" ? "any approver" : people.join(", ")
  const agreed = one.agreed.length > 0 ? `; agreed: ${one.agreed.join(", ")}` : ""
  const rows: [string, string][] = [
    ["request", `${one.id}, ${one.kind}, ${one.state === "pending" ? timeLeft(one, now) : one.state}`],
    ["digest", shortDigest(one.digest)],
    ["subject", one.subject],
    ...riskRows(one).map(({ label, value }): [string, string] => [label, value]),
    ["agent", one.agent],
    ...(one.run === undefined ? [] : [["run", one.run] as [string, string]]),
    ...(one.operator === undefined ? [] : [["operator", one.operator] as [string, string]]),
    ...(background?.boxed === false
      ? [["box", "it runs in no box: for it the gate is no boundary"] as [string, string]]
      : []),
    ...argumentRows(one, background).map(({ label, value }): [string, string] => [label, value]),
    ["policy", one.policyHash],
    [
      "approvers",
      `${group === "" ? "" : `${group}: `}${who} (${countOf(quorum, "person", "people")} must agree${agreed})`,
    ],
    ...(one.reason === undefined ? [] : [["agent says", `"${one.reason}"`] as [string, string]]),
    ...deniedRows(background, now).map(({ label, value }): [string, string] => [label, value]),
    ...(answer === undefined ? [] : [meaningOf(one, answer, background)]),
  ]
  const lines = rows.flatMap(([label, value]) => linesOf({ label, value: cleanText(value, MAX_VALUE) }, columns))
  return `${lines.map(({ text }) => text).join("\n")}\n`
}

function meaningOf(
  { kind, agent, run }: ShownApproval,
  { answer, terms }: Pick<AnswerReport, "answer" | "terms">,
  background?: Background,
): [string, string] {
  const whose = run === undefined || terms.scope === "agent" ? `agent ${agent}` : `run ${run} of ${agent}`
  if (answer === "deny")
    return ["your no", `holds for ${run === undefined ? `agent ${agent}, for a day` : `run ${run} of ${agent}`}`]
  const uses = terms.uses === undefined ? "" : `, for ${countOf(terms.uses, "use")}`
  const what = kind === "network" ? "lets this request out" : "lets this version in"
  const over =
    background?.over && terms.scope === "run" ? ", which is over: say --for agent for the agent's next run" : ""
  return ["your yes", `${what} until ${terms.expires}${uses}, for ${whose}${over}`]
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

function codesOf(one: ShownApproval): readonly string[] {
  return readPackage(one)?.codes ?? readNetwork(one)?.codes ?? []
}

function argumentRows(one: ShownApproval, background: Background | undefined): Row[] {
  const bound = readPackage(one)
  if (bound !== undefined) {
    const { codes, advisories, missing, integrity } = bound
    const { evidence, rule } = evidenceRows(background)
    return [
      { label: one.kind === "exception" ? "would lift" : "asks for", value: codes.map(describeCode).join(", ") },
      ...(advisories ? [{ label: "advisories", value: advisories.join(", ") }] : []),
      ...(missing ? [{ label: "not known", value: missing.join(", ") }] : []),
      ...(integrity === undefined ? [] : [{ label: "bytes", value: integrity }]),
      ...evidence,
      ...rule,
    ]
  }
  const { headline, top, sections } = partsOf(one, background, MAX_VALUE)
  const isRequest = readNetwork(one) !== undefined
  const lines = [
    ...(isRequest ? [{ label: "will", value: headline }] : []),
    ...top,
    ...sections.flatMap((section) => section.rows),
  ]
  const rest = { label: "", value: `(and ${lines.length - MAX_LINES} more lines: --format json has all)` }
  return lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), rest] : lines
}
