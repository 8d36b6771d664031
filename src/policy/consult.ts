// Whom a rule that asks asks, how many of them, and for how long: what its approvers say, and what its risk demands.
import type { Approvers, CompiledPolicy } from "./compiled.ts"
import { type RiskLevel, riskOf } from "./risk.ts"

/** The group whose people decide what names nobody, where a policy has several. */
const DEFAULT_GROUP = "default"
const MINUTE = 60_000

/** What of a policy says who decides. */
export type Consulted = Pick<CompiledPolicy, "approvers" | "risks">

export interface Consultation {
  /** The groups behind it; empty for a group that does not exist, and for a policy without groups. */
  groups: readonly Approvers[]
  /** "anyone" who is enrolled where the policy names nobody. */
  people: readonly string[] | "anyone"
  quorum: number
  /** Milliseconds. */
  expire: number
  level: RiskLevel
}

/**
 * Who decides what a rule with these `approvers` ("" where it names none) asks at a level. A rule that names nobody asks the groups of the level,
 * else the group `default`, else the only group there is, else the people of all groups. Where several groups stand behind it, the strictest
 * counts: the largest quorum, the shortest time.
 */
export function consult(policy: Consulted, group: string, risk?: string): Consultation {
  const level = policy.risks[riskOf(risk)]
  const groups = groupsOf(policy, group, level)
  const isOpen = group === "" && policy.approvers.size === 0 && level.groups === undefined && level.within === undefined
  const named = [...new Set(groups.flatMap((one) => one.people))].sort()
  const narrowing = [...(level.groups && group !== "" ? [level.groups] : []), ...(level.within ?? [])]
  const people = narrowing.reduce((left, names) => {
    const allowed = peopleOf(policy, names)
    return left.filter((name) => allowed.includes(name))
  }, named)
  return {
    ...{ groups, level, people: isOpen ? "anyone" : people },
    quorum: Math.max(level.quorum, ...groups.map(({ quorum }) => quorum)),
    expire: Math.min(
      level.expire ?? Infinity,
      ...(groups.length > 0 ? groups.map(({ expire }) => expire) : [15 * MINUTE]),
    ),
  }
}

function groupsOf({ approvers }: Consulted, group: string, level: RiskLevel): readonly Approvers[] {
  if (group === "" && level.groups) return level.groups.flatMap((name) => approvers.get(name) ?? [])
  if (group !== "") return [approvers.get(group) ?? []].flat()
  // Where an outer layer says who decides, a group that a layer below brings along decides only what names it.
  const all = [...approvers.values()]
  const outermost = Math.min(...all.map(({ layer }) => layer))
  const found = approvers.get(DEFAULT_GROUP)
  return found?.layer === outermost ? [found] : all.filter(({ layer }) => layer === outermost)
}

const peopleOf = ({ approvers }: Consulted, names: readonly string[]) =>
  names.flatMap((name) => approvers.get(name)?.people ?? [])
