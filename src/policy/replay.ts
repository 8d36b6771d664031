// What another policy would have said to what was already decided: pure, one past decision at a time, so that a log of any
// length passes through in bounded memory.
import type { CompiledPolicy } from "./compiled.ts"
import { decide } from "./decide.ts"
import type { Action, DecisionEvidence, Effect, Mode, Verdict } from "./types.ts"

/** A decision as the log has it. */
export interface PastDecision {
  /** Where it is in the log. */
  seq: number
  agent?: string | undefined
  action: Action
  evidence: DecisionEvidence
  verdict: Verdict
  /** Parts of the action were not kept (secrets, texts that were too long): what a rule says of them is a guess. */
  partial?: boolean
}

/** Decisions about one subject that change in the same way for the same reason. */
export interface ReplayChange {
  from: Effect
  to: Effect
  subject: string
  /** Code and rule then, and code and rule now. */
  before: { code: string; rule: string }
  after: { code: string; rule: string; reason: string }
  count: number
  firstSeq: number
  lastSeq: number
  /** At most ten names. */
  agents: string[]
}

export type EffectCounts = Record<Effect, number>

export interface ReplayReport {
  schema: "nanoguard.policy-replay/1"
  policyHash: string
  mode: Mode
  /** Decisions that were decided again. */
  decisions: number
  /** Of these, decided on an action that the log has only in part. */
  partial: number
  /** Sequence numbers (at most 20) of those that could not be decided again, and how many there are. */
  failed: { count: number; seqs: number[] }
  before: EffectCounts
  after: EffectCounts
  /** How many went from one effect to another; pairs that did not occur are absent. */
  transitions: { from: Effect; to: Effect; count: number }[]
  /** Most frequent first. */
  changes: ReplayChange[]
  /** Changed decisions that `changes` has no row for: there were too many subjects. */
  unlisted: number
}

export interface Replay {
  add: (past: PastDecision) => void
  finish: () => ReplayReport
}

const MAX_ROWS = 10_000
const MAX_AGENTS = 10
const MAX_FAILED = 20

/** Starts a replay against `policy`. Every decision is made at its own time, on the evidence of that time. */
export function startReplay(policy: CompiledPolicy): Replay {
  const before: EffectCounts = { allow: 0, ask: 0, deny: 0 }
  const after: EffectCounts = { allow: 0, ask: 0, deny: 0 }
  const transitions = new Map<string, { from: Effect; to: Effect; count: number }>()
  const rows = new Map<string, ReplayChange>()
  const failed = { count: 0, seqs: [] as number[] }
  let decisions = 0
  let partial = 0
  let unlisted = 0

  function add(past: PastDecision): void {
    const { seq, verdict } = past
    let now: Verdict
    try {
      // Nothing was counted where no rule had a budget then: a new budget starts at 0.
      now = decide(policy, past.action, { counters: {}, ...past.evidence })
      if (before[verdict.effect] === undefined) throw new TypeError("no effect")
    } catch {
      // A record of another version, or of a kind that this one does not know.
      failed.count++
      if (failed.seqs.length < MAX_FAILED) failed.seqs.push(seq)
      return
    }
    decisions++
    before[verdict.effect]++
    if (past.partial) partial++
    after[now.effect]++
    if (now.effect === verdict.effect) return
    const pair = `${verdict.effect} ${now.effect}`
    const transition = transitions.get(pair) ?? { from: verdict.effect, to: now.effect, count: 0 }
    transition.count++
    transitions.set(pair, transition)
    addRow(past, now, pair)
  }

  function addRow({ seq, agent, verdict }: PastDecision, now: Verdict, pair: string): void {
    const key = `${pair} ${now.code} ${now.rule} ${verdict.code} ${verdict.rule} ${verdict.subject}`
    let row = rows.get(key)
    if (row === undefined) {
      if (rows.size >= MAX_ROWS) {
        unlisted++
        return
      }
      row = {
        from: verdict.effect,
        to: now.effect,
        subject: verdict.subject,
        before: { code: verdict.code, rule: verdict.rule },
        after: { code: now.code, rule: now.rule, reason: now.reason },
        count: 0,
        firstSeq: seq,
        lastSeq: seq,
        agents: [],
      }
      rows.set(key, row)
    }
    row.count++
    row.lastSeq = seq
    if (agent !== undefined && row.agents.length < MAX_AGENTS && !row.agents.includes(agent)) row.agents.push(agent)
  }

  return {
    add,
    finish: () => ({
      schema: "nanoguard.policy-replay/1",
      policyHash: policy.hash,
      mode: policy.mode,
      decisions,
      partial,
      failed,
      before,
      after,
      transitions: [...transitions.values()].sort((a, b) => b.count - a.count),
      changes: [...rows.values()].sort((a, b) => b.count - a.count || a.firstSeq - b.firstSeq),
      unlisted,
    }),
  }
}
