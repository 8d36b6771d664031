// Risk levels: what a rule that asks says of the harm, and what a policy demands of people's answers at each level.
import { parseDuration } from "./duration.ts"
import type { Layer } from "./layers.ts"
import type { PolicyDocument } from "./schema.ts"
import type { Severity } from "./types.ts"

/** How much harm a wrong yes would do. Where a rule says nothing: `medium`. */
export type Risk = Severity

/** From the least to the gravest. */
export const RISKS: readonly Risk[] = ["low", "medium", "high", "critical"]

/** The level of a rule that names none; it is left out wherever a level may be absent. */
export const DEFAULT_RISK: Risk = "medium"

/** What a level demands, beside what the approvers of a rule say: of both, the stricter counts. */
export interface RiskLevel {
  /** How many different people must agree at least. */
  quorum: number
  /** Longest that an answer is waited for, in milliseconds. */
  expire?: number
  /** Whether people may agree to more than the one request in front of them. */
  alike: boolean
  /** Whether quiet hours of groups hold for it. */
  quiet: boolean
  /** Whether the operator of an agent may decide what it asks. */
  operator: boolean
  /** Groups whose people decide: in place of the default where a rule names nobody, else those of them whom the rule names, too. */
  groups?: readonly string[]
  /** Groups by which layers below narrow that further: each list by itself. */
  within?: readonly (readonly string[])[]
}

export type RiskLevels = Readonly<Record<Risk, RiskLevel>>

const PLAIN: RiskLevel = { quorum: 1, alike: true, quiet: true, operator: true }

/** What holds where no policy says anything: at the gravest level nothing is agreed to in advance. */
export const BUILT_IN: RiskLevels = { low: PLAIN, medium: PLAIN, high: PLAIN, critical: { ...PLAIN, alike: false } }

/** The place of a level; what is none, or absent, counts as the default. */
export function rankOfRisk(risk: string | undefined): number {
  const rank = RISKS.indexOf(risk as Risk)
  return rank < 0 ? RISKS.indexOf(DEFAULT_RISK) : rank
}

/** The level that a text names; the default where it is none. */
export function riskOf(risk: string | undefined): Risk {
  return RISKS[rankOfRisk(risk)]!
}

/** The gravest of some levels, of which absent ones are the default; undefined where that is the default. */
export function gravest(risks: readonly (Risk | undefined)[]): Risk | undefined {
  const rank = Math.max(...risks.map(rankOfRisk))
  const risk = risks.length === 0 ? DEFAULT_RISK : RISKS[rank]
  return risk === DEFAULT_RISK ? undefined : risk
}

type Stated = NonNullable<NonNullable<NonNullable<PolicyDocument["approvals"]>["risk"]>[Risk]>

/**
 * The levels of all layers: the outermost says what it likes, those below can only tighten it. A level demands at least what those below it do: a
 * rule of any layer may make a request graver, and must not ask fewer people by that.
 */
export function mergeRisks(layers: readonly Pick<Layer, "document">[]): RiskLevels {
  const level = (risk: Risk) => {
    const [first, ...below] = layers.map(({ document }) => valuesOf(document.approvals?.risk?.[risk] ?? {}))
    return below.reduce<RiskLevel>(tighten, { ...BUILT_IN[risk], ...first })
  }
  const low = level("low")
  const medium = atLeast(level("medium"), low)
  const high = atLeast(level("high"), medium)
  return { low, medium, high, critical: atLeast(level("critical"), high) }
}

/** A level, with what the one below it demands; whom it asks and for how long only where it says nothing of that itself. */
function atLeast(own: RiskLevel, below: RiskLevel): RiskLevel {
  const expire = own.expire ?? below.expire
  const { groups, within } = own.groups === undefined && own.within === undefined ? below : own
  return {
    quorum: Math.max(own.quorum, below.quorum),
    alike: own.alike && below.alike,
    quiet: own.quiet,
    operator: own.operator && below.operator,
    ...(expire !== undefined && { expire }),
    ...(groups && { groups }),
    ...(within && { within }),
  }
}

function valuesOf({ quorum, expire, alike, quiet, operator, groups }: Stated): Partial<RiskLevel> {
  return {
    ...(quorum !== undefined && { quorum }),
    ...(expire !== undefined && { expire: parseDuration(expire) }),
    ...(alike !== undefined && { alike }),
    ...(quiet !== undefined && { quiet }),
    ...(operator !== undefined && { operator }),
    ...(groups !== undefined && { groups }),
  }
}

function tighten(above: RiskLevel, own: Partial<RiskLevel>): RiskLevel {
  const expire = Math.min(above.expire ?? Infinity, own.expire ?? Infinity)
  const { groups: asked, within: narrowed = [] } = above
  const within = own.groups === undefined ? narrowed : [...narrowed, own.groups]
  return {
    quorum: Math.max(above.quorum, own.quorum ?? 1),
    alike: above.alike && own.alike !== false,
    // To be asked at night is to be able to say yes at night.
    quiet: above.quiet || own.quiet === true,
    operator: above.operator && own.operator !== false,
    ...(expire < Infinity && { expire }),
    ...(asked && { groups: asked }),
    ...(within.length > 0 && { within }),
  }
}
