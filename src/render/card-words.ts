// What the approver's terminal says besides cards: the list of a group, the help, and what an answer would mean.
import { shortDigest } from "../approvals/binding.ts"
import type { LiveState, Pending, Waiting } from "../approvals/live/types.ts"
import { readNetwork } from "../approvals/read-arguments.ts"
import type { Terms } from "../approvals/types.ts"
import { cardOf, deniedRows, timeLeft } from "./card.ts"
import { type Line, linesOf, shortValue, wrapWidth } from "./card-text.ts"
import { cleanText, countOf } from "./clean.ts"
import { cutToWidth } from "./terminal-width.ts"

/** Similar requests, two or three lines each: what will happen, what is sent, and what a card would warn of. */
export function groupLines(items: readonly Waiting[], now: number, columns: number): Line[] {
  const agent = items[0] === undefined ? "" : shortValue(items[0].approval.binding.agent, 60)
  const head = `${countOf(items.length, "similar request")} of ${agent}. Each is signed with its own digest; v on a card shows it whole.`
  return [
    ...wrapWidth(head, columns).map((text): Line => ({ text, tone: "dim" })),
    ...items.flatMap((item, i) =>
      itemLines(item, i + 1, now).map((line) => ({ ...line, text: cutToWidth(line.text, columns) })),
    ),
  ]
}

function itemLines(item: Waiting, position: number, now: number): Line[] {
  const { binding, digest } = item.approval
  const { headline, top } = cardOf(item, now)
  const beware = [...top.filter(({ label }) => label === "beware"), ...deniedRows(item.background, now)]
  const lines: Line[] = [
    { text: `${String(position).padStart(2)} ${shortDigest(digest).slice(0, 9)} ${headline}`, tone: "head" },
    { text: `   ${sentBy(binding)}, ${timeLeft(binding.expires, now)}` },
  ]
  const warning = beware.map(({ value }) => value).join("; ")
  return warning === "" ? lines : [...lines, { text: `   ${warning}`, tone: "bad" }]
}

function sentBy(binding: Waiting["approval"]["binding"]): string {
  const request = readNetwork(binding)
  if (request === undefined) return cleanText(String(binding.subject), 300)
  const { method, host, path, query, body } = request
  const sent = body === undefined ? "no body" : `${countOf(body.size, "byte")}, sha256 ${body.sha256.slice(0, 12)}`
  return `${sent}: ${cleanText(method, 20)} ${cleanText(`${host}${path}${query === "" ? "" : `?${query}`}`, 300)}`
}

/** What is signed with the next key. */
export function meaningOf({ queue }: LiveState, { answer, ids, terms }: Pending): string {
  const one = queue.find(({ approval }) => approval.id === ids[0])
  const which = ids.length > 1 ? `these ${ids.length}` : one === undefined ? "this" : shortDigest(one.approval.digest)
  if (answer === "deny") return `Deny ${which}?`
  const said = queue.flatMap((item) =>
    ids.includes(item.approval.id) ? [termsOf(item, terms[item.approval.id] ?? {})] : [],
  )
  const each = new Set(said).size > 1 ? ", each for its own run" : (said[0] ?? "")
  return `Approve ${which}${each}${one !== undefined && one.missing > 1 ? `; ${one.missing - 1} more must agree` : ""}?`
}

/** The terms of a yes in words: how often, until when, for whom, and what besides this very request. */
export function termsOf({ approval: { binding } }: Waiting, { covers, uses, expires, scope }: Terms): string {
  const often = uses === undefined ? "" : uses === 1 ? ", once" : `, ${countOf(uses, "use")}`
  const until =
    expires === undefined
      ? ""
      : `, until ${new Date(expires).toISOString().slice(11, 16)}Z on ${new Date(expires).toISOString().slice(0, 10)}`
  const whom =
    scope === "agent" || binding.run === undefined
      ? `, for all that ${shortValue(binding.agent, 60)} does`
      : `, for run ${shortValue(binding.run, 60)}`
  const request = readNetwork(binding)
  const what =
    covers === "alike" && request !== undefined
      ? `: whatever rule ${shortValue(request.rule, 60)} asks about ${shortValue(request.host, 80)}`
      : ""
  return `${often}${until}${whom}${what}`
}

const HELP: readonly (readonly [string, string])[] = [
  ["a", "approve what the card shows: a request once and within the hour, a package for the run. y signs it."],
  ["d", "deny it. It stays denied for the run; the agent is told the reason that you type."],
  ["u", "approve alike: whatever the same rule asks about the same host, for so many uses and minutes."],
  ["g", "decide similar requests (same rule, agent and operation) with one answer. Each is signed by itself."],
  ["n, p", "the next, the previous card. Nothing comes to the front by itself while a card waits for you."],
  ["v", "all of it: values that were cut, and the body as it was sent."],
  ["l", "a line of policy that would say the same without asking. It is only shown."],
  ["q, Ctrl-C", "leave. What waits goes on waiting; what nobody answers in time is refused."],
  ["", "Keys that are pressed before a card was on the screen for half a second decide nothing."],
  ["", "An agent 'in no box' runs as you: it can leave the gate aside, and for it the gate is no boundary."],
  ["", "What an agent wrote stands behind 'agent says', in quotes. All else is what the gate saw."],
]

/** What keys there are. */
export function helpLines(columns: number): Line[] {
  return HELP.flatMap(([label, value]) => linesOf({ label, value }, columns))
}
