// A refusal, explained: the verdict as lines for people and agents, or as one JSON document.
import type { Verdict } from "../policy/types.ts"
import { cleanText } from "./clean.ts"
import { labelled } from "./layout.ts"
import type { Style } from "./style.ts"

export interface WhyReport {
  schema: "nanoguard.why/1"
  /** Id of the request; absent where the gate was asked just now. */
  request?: string
  time?: string
  agent?: string
  run?: string
  /** Who answers for the agent. */
  operator?: string
  outcome?: string
  approval?: string
  /** How the approval stands now. */
  approvalState?: string
  /** The box that asked has ended: a yes for its run alone would come too late. */
  runOver?: true
  /** What the person said who denied it. */
  approvalNote?: string
  verdict: Verdict
  /** The line of the policy that would let a request through: for the person who writes it. */
  line?: string
  /** The exception that was asked for. */
  requested?: { id: string; state: string; expires: string; note?: string; registry?: string }
}

const MAX_EVIDENCE = 12

/** Renders a report on one decision. */
export function renderWhy(
  report: WhyReport,
  format: "text" | "json",
  { style, columns }: { style: Style; columns: number },
): string {
  if (format === "json") return `${JSON.stringify(report)}\n`
  const { verdict, request, time, agent, approval, approvalState, approvalNote, requested } = report
  const word =
    verdict.effect === "allow"
      ? style.green("allowed")
      : verdict.effect === "ask"
        ? style.yellow("asks")
        : style.red("refused")
  const head = `${word} ${cleanText(verdict.subject)}: ${cleanText(verdict.code)}`
  const rows: [string, string | undefined][] = [
    ["reason", verdict.reason],
    ["rule", verdict.rule],
    ...verdict.evidence.slice(0, MAX_EVIDENCE).map((item): [string, string] => ["evidence", describe(item)]),
    ...(verdict.also ?? []).map((other): [string, string] => [
      "also",
      `${other.effect} ${other.code} by ${other.rule}`,
    ]),
    ...(verdict.excepted ?? []).map((one): [string, string] => [
      "lifted",
      `${one.code} by ${one.rule}, ${one.owner}, until ${one.expires}`,
    ]),
    [
      "request",
      request === undefined ? undefined : `${request} at ${time ?? ""}${agent === undefined ? "" : ` by ${agent}`}`,
    ],
    [
      "approval",
      approval === undefined
        ? undefined
        : `${approval}${approvalState === undefined ? "" : ` is ${approvalState}`}${approvalNote === undefined ? "" : `: ${JSON.stringify(approvalNote)}`}`,
    ],
    ["do", wayOut(report)],
    ["policy line", report.line],
  ]
  const lines = rows.flatMap(([label, text]) =>
    text === undefined ? [] : labelled(2, label, cleanText(text, 1000), columns),
  )
  if (requested !== undefined) {
    lines.push(...labelled(2, "asked", cleanText(askedOf(requested)), columns))
  }
  return `${[head, ...lines].join("\n")}\n`
}

function askedOf({ id, state, expires, registry }: NonNullable<WhyReport["requested"]>): string {
  if (registry !== undefined) return `${id} at the registry, which says: ${registry}`
  const next = state === "pending" ? `: a person runs \`nanoguard approve ${id}\`; then repeat your command` : ""
  return `${id} is ${state} until ${expires}${next}`
}

function describe(item: Verdict["evidence"][number]): string {
  const { kind, ...rest } = item
  const fields = Object.entries(rest).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`,
  )
  return `${kind}: ${fields.join("; ")}`
}

function wayOut({ verdict, approval, approvalState, runOver }: WhyReport): string | undefined {
  const { effect, correction } = verdict
  if (effect === "allow") return undefined
  if (effect === "ask" && approvalState === "pending")
    return `a person runs \`nanoguard approve ${approval}${runOver ? " --for agent" : ""}\`; then repeat your command`
  if (effect === "ask" && approvalState === "granted")
    return runOver ? "repeat your command: that run is over, and a person is asked anew" : "repeat your command"
  if (correction?.action === "request-approval" && approvalState === "denied") return "without it: a person said no"
  if (correction?.action === "request-approval") return "run your command behind the gate: that asks a person"
  if (correction === undefined)
    return verdict.subject.startsWith("pkg:") ? "no version that the policy allows is known" : undefined
  return correction.command ?? [correction.action, correction.target].filter((part) => part !== undefined).join(" ")
}
