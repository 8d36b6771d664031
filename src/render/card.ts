// A card: what a person has to see of a request before they decide it, as data. All of it comes from what was bound and signed for,
// or from the record; an agent's own words come last, and are called that.
import type { Background } from "../approvals/background.ts"
import { shortDigest } from "../approvals/binding.ts"
import type { Waiting } from "../approvals/live/types.ts"
import type { Binding } from "../approvals/types.ts"
import { formatDuration } from "../policy/duration.ts"
import { DEFAULT_RISK, rankOfRisk, riskOf } from "../policy/risk.ts"
import { type Parts, partsOf, type Section } from "./card-parts.ts"
import { type Row, shortValue } from "./card-text.ts"
import { MAX_SHOWN } from "./card-values.ts"

export interface Card extends Parts {
  /** What is always shown, above the keys. */
  bottom: readonly Row[]
}

/** The card of a request at a time. `whole`: with every value as long as it is. */
export function cardOf(waiting: Waiting, now: number, whole = false): Card {
  const { binding } = waiting.approval
  const parts = partsOf(binding, waiting.background, whole ? Infinity : MAX_SHOWN)
  return {
    headline: parts.headline,
    top: [...parts.top, ...riskRows(binding), askedBy(waiting)],
    sections: [...parts.sections, saidOf(binding)].filter(({ rows }) => rows.length > 0),
    bottom: [...deniedRows(waiting.background, now), ...footOf(waiting, now)],
  }
}

/** How much harm a wrong yes would do, where the policy says more than nothing, and what follows from it. */
export function riskRows({ approvers }: Pick<Binding, "approvers">): Row[] {
  const risk = riskOf(approvers.risk)
  if (risk === DEFAULT_RISK && approvers.alike !== false) return []
  const alone = approvers.alike === false ? ": each is approved by itself" : ""
  const rank = rankOfRisk(risk) - rankOfRisk(DEFAULT_RISK)
  return [{ label: "risk", value: `${risk}${alone}`, ...(rank > 0 && { tone: rank > 1 ? "bad" : "warn" }) }]
}

function askedBy({ approval: { binding }, background }: Waiting): Row {
  const { kind, agent, operator, run } = binding
  const of = operator === undefined ? "no operator named" : `operator ${named(operator, 80)}`
  const who = `${named(agent, 80)} (${of}; ${run === undefined ? "outside of a run" : `run ${named(run, 60)}`})`
  const label = "asked by"
  if (background === undefined) return { label, value: `${who}; looking at the record ...` }
  if (background.over && kind !== "exception")
    return { label, value: `${who}, in a box that has ended: a yes for its run comes too late`, tone: "warn" }
  if (background.boxed === true) return { label, value: `${who}, in a box` }
  return { label, value: `${who}, ${background.boxed === false ? "in no box" : "in no known box"}`, tone: "warn" }
}

/** That it was asked before, and a person said no. */
export function deniedRows(background: Background | undefined, now: number): Row[] {
  const denied = background?.denied
  if (denied === undefined) return []
  const { by, time, asked, same, note } = denied
  const ago = now - time < 60_000 ? "just now" : `${formatDuration(now - time)} ago`
  const said = `denied by ${named(by, 60)} ${ago}${note === undefined ? "" : `: ${JSON.stringify(named(note, 120))}`}`
  const value = same ? `${ordinal(asked + 1)} ask: ${said}` : `with other arguments it was ${said}`
  return [{ label: "again", value, tone: "bad" }]
}

function footOf({ approval, agreed, missing, mine, own }: Waiting, now: number): Row[] {
  const { id, digest, binding } = approval
  const { group, people, quorum } = binding.approvers
  const who = people === "anyone" ? "any approver" : people.map((name) => named(name, 60)).join(", ")
  const names = agreed.length > 0 ? `; agreed: ${agreed.map((name) => named(name, 60)).join(", ")}` : ""
  const left = missing > 0 && agreed.length > 0 ? `; ${missing} more` : ""
  return [
    {
      label: "decided by",
      value: `${group === "" ? "" : `${named(group, 40)}: `}${shortValue(who, 200)} (${quorum} must agree${names}${left})${mine ? "" : "; not you"}${own ? "; you operate this agent, and the record says so" : ""}`,
    },
    { label: "digest", value: `${shortDigest(digest)}  ${id}  ${timeLeft(binding.expires, now)}` },
  ]
}

function saidOf({ reason }: Binding): Section {
  const rows = reason === undefined ? [] : [{ label: "agent says", value: `"${named(reason, 400)}"` }]
  return { name: "the agent's words", rows }
}

/** What is left until an instant, to the second where it is short. */
export function timeLeft(expires: number, now: number): string {
  const left = Math.max(0, expires - now)
  if (left >= 3_600_000) return `${formatDuration(left)} left`
  const seconds = Math.ceil(left / 1000)
  return `${seconds >= 60 ? `${Math.floor(seconds / 60)}m ` : ""}${seconds % 60}s left`
}

const named = (name: string, max: number) => shortValue(String(name), max)
const ordinal = (n: number) => `${n}${["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? "th"}`
