// Collecting what matched, and choosing among it: the strictest wins, whatever the order.
import { reasonOf } from "./codes.ts"
import type { Defaults, Rule } from "./compiled.ts"
import { NO_EVIDENCE } from "./conditions.ts"
import { type InForce, liftGranted } from "./grants.ts"
import { gravest } from "./risk.ts"
import { withNote } from "./rules.ts"
import type { AppliedException, Effect, Evidence, Mode, Verdict } from "./types.ts"

export interface Match {
  rule: Rule
  evidence: Evidence[]
}

export interface Tally {
  /** What asks or denies. */
  matches: Match[]
  /** The best rule that allows. */
  allowed: Match | undefined
  /** Outermost layer with a rule that matched by name; the defaults of layers from there on do not apply. */
  outermost: number
  excepted: AppliedException[] | undefined
  /** The policy's mode. */
  mode: Mode
}

const RANK: Readonly<Record<Effect, number>> = { allow: 0, ask: 1, deny: 2 }
const MAX_ALSO = 20

/** An empty tally. */
export function createTally(mode: Mode): Tally {
  return { matches: [], allowed: undefined, outermost: Number.POSITIVE_INFINITY, excepted: undefined, mode }
}

/** Negative where `a` decides before `b`: by effect, then by the code's priority, then by id. */
export function compareMatches(a: Match, b: Match): number {
  return (
    RANK[b.rule.effect] - RANK[a.rule.effect] ||
    a.rule.priority - b.rule.priority ||
    (a.rule.id < b.rule.id ? -1 : a.rule.id > b.rule.id ? 1 : a.rule.layer - b.rule.layer)
  )
}

/** Counts a match in. `named` rules keep the defaults of their layer and those below from applying. */
export function countMatch(tally: Tally, rule: Rule, evidence: Evidence[], named: boolean): void {
  if (named) nameSubject(tally, rule)
  const match = { rule, evidence }
  if (rule.effect !== "allow") tally.matches.push(match)
  else if (!tally.allowed || compareMatches(match, tally.allowed) < 0) tally.allowed = match
}

/** Notes that a rule names the subject. One that is only observed in a policy that enforces must not open what a default closes. */
export function nameSubject(tally: Tally, rule: Rule): void {
  if (rule.mode === tally.mode && rule.layer < tally.outermost) tally.outermost = rule.layer
}

/** Applies the defaults, lifts what was granted, and chooses. */
export function finishTally(
  tally: Tally,
  defaults: Defaults,
  policyHash: string,
  subject: string,
  granted?: InForce,
): Verdict {
  for (const rule of defaults.rules) {
    if (tally.outermost > rule.layer) countMatch(tally, rule, NO_EVIDENCE, false)
  }
  const closed = defaults.fallback.effect !== "allow"
  if (tally.outermost === Number.POSITIVE_INFINITY && closed)
    tally.matches.push({ rule: defaults.fallback, evidence: NO_EVIDENCE })
  if (granted) liftGranted(tally, granted)
  const { matches } = tally
  if (matches.length === 0) {
    // Where the fallback closes and does not apply, what spoke in its place was lifted.
    const rule = closed ? (defaults.lifted ?? { ...defaults.fallback, effect: "allow" }) : defaults.fallback
    const allowed = tally.allowed ?? { rule, evidence: NO_EVIDENCE }
    return toVerdict(allowed, tally.mode, policyHash, subject, tally)
  }
  if (matches.length > 1) matches.sort(compareMatches)
  const winner = matches.find((match) => match.rule.mode === "enforce") ?? (matches[0] as Match)
  return toVerdict(winner, winner.rule.mode, policyHash, subject, tally)
}

function toVerdict(match: Match, mode: Mode, policyHash: string, subject: string, tally: Tally): Verdict {
  const { rule, evidence } = match
  const verdict: Verdict = {
    effect: rule.effect,
    code: rule.code,
    rule: rule.label,
    subject,
    reason: rule.reason ?? withNote(reasonOf(rule.code, evidence), rule.note),
    evidence,
    mode,
    policyHash,
  }
  if (rule.approvers !== undefined && rule.effect === "ask") verdict.approvers = rule.approvers
  if (rule.effect === "ask") {
    const risk = gravest(tally.matches.flatMap((other) => (asksSame(other.rule, rule) ? [other.rule.risk] : [])))
    if (risk !== undefined) verdict.risk = risk
  }
  if (rule.instead !== undefined && rule.effect !== "allow")
    verdict.correction = { action: "replace", target: rule.instead }
  if (tally.matches.length > 1 || (tally.matches.length === 1 && tally.matches[0] !== match)) {
    verdict.also = tally.matches
      .filter((other) => other !== match)
      .slice(0, MAX_ALSO)
      .map(({ rule: { code, effect, label, approvers, risk } }) => ({
        ...{ code, effect, rule: label },
        ...(approvers !== undefined && effect === "ask" && { approvers }),
        ...(risk !== undefined && effect === "ask" && { risk }),
      }))
  }
  if (tally.excepted) verdict.excepted = tally.excepted
  return verdict
}

const asksSame = (other: Rule, rule: Rule) =>
  other.effect === "ask" && other.approvers === rule.approvers && other.mode === rule.mode
