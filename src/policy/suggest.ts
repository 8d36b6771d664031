// The rules that would have allowed what was asked for and is denied by default: pure, one past request at a time.
import { allowing } from "./allowed.ts"
import { codeOf } from "./codes.ts"
import type { CompiledPolicy } from "./compiled.ts"
import { decide } from "./decide.ts"
import { accessOf } from "./service-names.ts"
import { type AskedFor, mergeAsked, type SuggestedRule } from "./suggest-merge.ts"
import type { Action, DecisionEvidence, Verdict } from "./types.ts"

/** A decision about a request, as the log has it. */
export interface PastRequest {
  seq: number
  action: Action
  evidence: DecisionEvidence
  verdict: Verdict
  /** Parts of the action were not kept (secrets, texts that were too long). */
  partial?: boolean
}

export interface SuggestReport {
  schema: "nanoguard.policy-suggest/1"
  policyHash: string
  /** Requests that were looked at. */
  requests: number
  /** Of these, what the policy lets pass as it is, and what it asks a person about. */
  allowed: number
  asked: number
  /** What a rule denies, or a floor: no rule that allows outweighs them. Most frequent first. */
  denied: { code: string; rule: string; requests: number }[]
  /** No rule is proposed: private hosts, paths out of normal form, or what the log has only in part. */
  unusual: number
  /** There were too many different ones. */
  unlisted: number
  rules: SuggestedRule[]
}

export interface Suggestions {
  add: (past: PastRequest) => void
  /** The request of record `seq` came `times` more times. */
  repeat: (seq: number, times: number) => void
  finish: () => SuggestReport
}

const MAX_ROWS = 10_000
const MAX_SEQS = 100_000
const MAX_DENIED = 1_000

const PRIVATE = "network.private-address"
const byDefault = ({ rule }: Verdict) => rule.startsWith("network.default ")

/** What becomes of a request in the report. */
type Place = { requests: number } | "allowed" | "asked" | "unusual" | "unlisted"

/** Starts on an empty report. Requests are decided anew by `policy`, each at its own time and on the evidence of that time. */
export function startSuggestions(policy: CompiledPolicy): Suggestions {
  const counts = { allowed: 0, asked: 0, unusual: 0, unlisted: 0 }
  const rows = new Map<string, AskedFor>()
  const denied = new Map<string, { code: string; rule: string; requests: number }>()
  const places = new Map<number, Place>()
  let requests = 0

  function placeOf({ action, evidence, verdict, seq, partial }: PastRequest): Place {
    if (action.kind !== "network") return "unusual"
    const now = decide(policy, action, { counters: {}, ...evidence })
    // What a floor refused then stays refused, whatever was kept of its evidence; only private addresses can be named since.
    const stands = codeOf(verdict.code)?.floor && (verdict.code !== PRIVATE || byDefault(now))
    const last = stands ? verdict : now
    if (last.effect === "allow") return "allowed"
    if (last.effect === "ask") return "asked"
    if (!byDefault(last))
      return entry(denied, `${last.code} ${last.rule}`, MAX_DENIED, () => ({
        code: last.code,
        rule: last.rule,
        requests: 0,
      }))
    const wanted = partial ? undefined : allowing(action)
    if (!wanted) return "unusual"
    const kind = wanted.access ?? action.access ?? accessOf(action.method, action.scheme)
    const row = { ...wanted, kind, requests: 0, firstSeq: seq, lastSeq: seq }
    return entry(rows, JSON.stringify([wanted, kind]), MAX_ROWS, () => row)
  }

  function count(place: Place, times: number): void {
    requests += times
    if (typeof place === "string") counts[place] += times
    else place.requests += times
  }

  return {
    add: (past) => {
      const place = safely(() => placeOf(past))
      if (typeof place !== "string" && "lastSeq" in place) place.lastSeq = past.seq
      if (places.size < MAX_SEQS) places.set(past.seq, place)
      count(place, 1)
    },
    repeat: (seq, times) => {
      const place = places.get(seq)
      if (place !== undefined) count(place, times)
    },
    finish: () => ({
      schema: "nanoguard.policy-suggest/1",
      policyHash: policy.hash,
      requests,
      ...counts,
      denied: [...denied.values()].sort((a, b) => b.requests - a.requests || (a.rule < b.rule ? -1 : 1)),
      rules: mergeAsked([...rows.values()], new Set(policy.listRules.map(({ id }) => id))),
    }),
  }
}

function entry<T>(map: Map<string, T>, key: string, most: number, make: () => T): T | "unlisted" {
  const known = map.get(key)
  if (known !== undefined) return known
  if (map.size >= most) return "unlisted"
  const made = make()
  map.set(key, made)
  return made
}

/** A record of another version, or one that somebody changed, is no reason to stop. */
function safely(placeOf: () => Place): Place {
  try {
    return placeOf()
  } catch {
    return "unusual"
  }
}
