// What a person approved, inside the law: it takes named codes of one action out, and never more than the law lets a person.
import { EXCEPTABLE } from "./codes.ts"
import type { CompiledPolicy, Rule } from "./compiled.ts"
import { isoDate } from "./conditions.ts"
import type { Grant } from "./grant-types.ts"
import { rankOfRisk } from "./risk.ts"
import type { Match, Tally } from "./tally.ts"
import type { DecisionEvidence, Evidence } from "./types.ts"

/** Grants that hold at the time of a decision. */
export interface InForce {
  grants: readonly Grant[]
  /** The outermost layer of which they may lift a deny: the repository's own. */
  layer: number
}

/** The grants in an evidence that have not ended; undefined where there is none. */
export function grantsInForce(policy: CompiledPolicy, { grants, now }: DecisionEvidence): InForce | undefined {
  const grantsNow = grants?.filter(({ expires }) => now < expires) ?? []
  if (grantsNow.length === 0) return undefined
  const own = policy.files.findIndex((file) => !file.startsWith("org:"))
  return { grants: grantsNow, layer: own < 0 ? Number.POSITIVE_INFINITY : own }
}

/** Takes out of a tally what grants lift, and notes which did. */
export function liftGranted(tally: Tally, inForce: InForce): void {
  tally.matches = tally.matches.filter((match) => {
    const grant = inForce.grants.find((candidate) => lifts(candidate, match, inForce.layer))
    if (!grant) return true
    const { id, approvers, expires } = grant
    const { code } = match.rule
    const applied = { rule: `approval ${id}`, code, owner: approvers || "approvers", expires: isoDate(expires) }
    tally.excepted ??= []
    if (!tally.excepted.some((other) => other.rule === applied.rule && other.code === code))
      tally.excepted.push(applied)
    return false
  })
}

function lifts(grant: Grant, { rule, evidence }: Match, layer: number): boolean {
  if (rule.floor || !isNamed(grant, rule) || (rule.approvers ?? "") !== grant.approvers) return false
  if (rankOfRisk(rule.risk) > rankOfRisk(grant.risk)) return false
  if (rule.effect === "deny") {
    if (grant.kind !== "exception" || rule.layer < layer || !EXCEPTABLE.includes(rule.code)) return false
  }
  return evidence.every((item) => wasShown(grant, item))
}

/** Who agreed to a request agreed to the credential that the rule which asked puts onto it: that is one question, not two. */
function isNamed({ codes }: Grant, { code, path }: Rule): boolean {
  if (codes.includes(code)) return true
  return code === "credential.approval" && path[0] === "network" && codes.includes("network.approval")
}

/** An advisory counts by its id alone: what came up since was not approved, also where it calls itself what was. */
function wasShown({ advisories = [], missing = [] }: Grant, item: Evidence): boolean {
  if (item.kind === "advisory") return advisories.includes(String(item["id"]))
  return item.kind !== "missing" || missing.includes(String(item["fact"]))
}
