// What asking costs people: how often each rule asks, what they say, and how long it takes them. Read from the queue and its signed answers.
import type { Kysely } from "kysely"
import { type Risk, riskOf } from "../policy/risk.ts"
import { SEVERITIES } from "../policy/severities.ts"
import type { Tables } from "../store/schema.ts"
import { type Enrolled, readEnrolled } from "./approvers.ts"
import { tallyDecisions } from "./decision.ts"
import { readNetwork, readPackage } from "./read-arguments.ts"
import { toApprovals } from "./rows.ts"
import type { Approval, Approver } from "./types.ts"

const DAY = 86_400_000

/** Requests that are read at once, and at most. */
const PAGE = 500
const MAX_READ = 50_000

/** Counts of requests. What was withdrawn counts as one that nobody answered. */
export interface Figures {
  asks: number
  approved: number
  denied: number
  unanswered: number
  /** Not over yet. */
  pending: number
  /** Of those that are over, which part was approved: 0 to 1; absent where none is. */
  rate?: number
  /** Seconds from the question to the answer that decided it (nearest rank); absent where nobody decided. */
  median?: number
  p90?: number
}

export interface RuleFigures extends Figures {
  kind: string
  /** Id of the rule of the network; for packages the codes that asked. */
  rule: string
}

export interface ApprovalStats {
  schema: "nanoguard.approval-stats/1"
  days: number
  /** More was asked than is counted: the newest requests are. */
  cut: boolean
  total: Figures
  /** Requests a day: all in the time, by its length. */
  asksPerDay: number
  /** By UTC day, oldest first; days without requests are left out. */
  perDay: readonly ({ day: string } & Figures)[]
  /** Those that ask most first. */
  rules: readonly RuleFigures[]
  /** The gravest first; levels at which nothing was asked are left out. */
  risks: readonly ({ risk: Risk } & Figures)[]
  agents: readonly ({ agent: string } & Figures)[]
}

/** What became of one request. */
interface Seen {
  approval: Approval
  outcome: "approved" | "denied" | "unanswered" | "pending"
  seconds?: number
}

/** The requests of the last `days` days. `now` in milliseconds since the epoch. Errors: environment (store). */
export async function approvalStats(db: Kysely<Tables>, now: number, days: number): Promise<ApprovalStats> {
  const { seen, cut } = await readSeen(db, now, now - days * DAY)
  const dayOf = ({ approval }: Seen) => new Date(approval.binding.requested).toISOString().slice(0, 10)
  const groups = (keyOf: (one: Seen) => string) => [...Map.groupBy(seen, keyOf)]
  const most = (a: Figures, b: Figures) => b.asks - a.asks
  return {
    ...{ schema: "nanoguard.approval-stats/1", days, cut, total: figuresOf(seen), asksPerDay: seen.length / days },
    perDay: groups(dayOf)
      .map(([day, ofDay]) => ({ day, ...figuresOf(ofDay) }))
      .sort((a, b) => (a.day < b.day ? -1 : 1)),
    rules: groups(({ approval }) => `${approval.binding.kind} ${ruleOf(approval)}`)
      .map(([, ofRule]) => ({ ...whatAsks(ofRule[0]!.approval), ...figuresOf(ofRule) }))
      .sort(most),
    risks: SEVERITIES.toReversed().flatMap((risk) => {
      const ofRisk = seen.filter(({ approval }) => riskOf(approval.binding.approvers.risk) === risk)
      return ofRisk.length === 0 ? [] : [{ risk, ...figuresOf(ofRisk) }]
    }),
    agents: groups(({ approval }) => approval.binding.agent)
      .map(([agent, ofAgent]) => ({ agent, ...figuresOf(ofAgent) }))
      .sort(most),
  }
}

const whatAsks = (approval: Approval) => ({ kind: approval.binding.kind, rule: ruleOf(approval) })

function ruleOf({ binding }: Approval): string {
  return readNetwork(binding)?.rule ?? readPackage(binding)?.codes.join(" ") ?? ""
}

async function readSeen(db: Kysely<Tables>, now: number, since: number): Promise<{ seen: Seen[]; cut: boolean }> {
  const seen: Seen[] = []
  const people = everyone(await readEnrolled(db))
  for (let [until, last] = [now, ""]; ; ) {
    const rows = await db
      .selectFrom("approvals")
      .selectAll()
      .where("requested", ">=", since)
      .where(({ or, and, eb }) =>
        or([eb("requested", "<", until), and([eb("requested", "=", until), eb("id", ">", last)])]),
      )
      .orderBy("requested", "desc")
      .orderBy("id")
      .limit(PAGE)
      .execute()
    for (const approval of await toApprovals(db, rows, now)) seen.push(seenOf(approval, people))
    if (rows.length < PAGE) return { seen, cut: false }
    if (seen.length >= MAX_READ) return { seen, cut: true }
    ;[until, last] = [Number(rows.at(-1)!.requested), rows.at(-1)!.id]
  }
}

/** Those who are enrolled, and those who were: what they said then was said. */
function everyone({ approvers, former }: Enrolled): ReadonlyMap<string, Approver> {
  return new Map([...former.map((one) => [one.name, one] as const), ...approvers])
}

/** Goes by signed answers: a grant that has ended is an approval all the same. */
function seenOf(approval: Approval, people: ReadonlyMap<string, Approver>): Seen {
  const { binding, decisions, state } = approval
  const { denied, by } = tallyDecisions(approval, binding.approvers, people)
  const isDecided = denied || by.length >= binding.approvers.quorum
  if (!isDecided) return { approval, outcome: state === "pending" ? "pending" : "unanswered" }
  const seconds = Math.max(0, (Math.max(...decisions.map(({ time }) => time)) - binding.requested) / 1000)
  return { approval, outcome: denied ? "denied" : "approved", seconds }
}

function figuresOf(seen: readonly Seen[]): Figures {
  const count = (outcome: Seen["outcome"]) => seen.filter((one) => one.outcome === outcome).length
  const [approved, pending] = [count("approved"), count("pending")]
  const times = seen.flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds])).sort((a, b) => a - b)
  const rank = (part: number) => times[Math.ceil(part * times.length) - 1]!
  return {
    ...{ asks: seen.length, approved, denied: count("denied"), unanswered: count("unanswered"), pending },
    ...(seen.length > pending && { rate: approved / (seen.length - pending) }),
    ...(times.length > 0 && { median: rank(0.5), p90: rank(0.9) }),
  }
}
