// Risk levels: what a rule that asks says of the harm, and what a policy demands of people's answers at each level.
import { parseDuration } from "./duration.ts"
import type { Layer } from "./layers.ts"
import type { PolicyDocument } from "./schema.ts"
import { SEVERITIES } from "./severities.ts"
import type { Severity } from "./types.ts"

/** How much harm a wrong yes would do. Where a rule says nothing: `medium`. */
export type Risk = Severity

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
  const rank = SEVERITIES.indexOf(risk as Risk)
  return rank < 0 ? SEVERITIES.indexOf(DEFAULT_RISK) : rank
}

/** The level that a text names; the default where it is none. */
export function riskOf(risk: string | undefined): Risk {
  return SEVERITIES[rankOfRisk(risk)]!
}

/** The gravest of some levels, of which absent ones are the default; undefined where that is the default. */
export function gravest(risks: readonly (Risk | undefined)[]): Risk | undefined {
  const rank = Math.max(...risks.map(rankOfRisk))
  const risk = risks.length === 0 ? DEFAULT_RISK : SEVERITIES[rank]
  return risk === DEFAULT_RISK ? undefined : risk
}

type Stated = NonNullable<NonNullable<NonNullable<PolicyDocument["approvals"]>["risk"]>[Risk]>

/** What a layer demands that says nothing. */
const NOTHING: RiskLevel = { ...PLAIN, quiet: false }
const SILENT: RiskLevels = { low: NOTHING, medium: NOTHING, high: NOTHING, critical: NOTHING }

/**
 * The levels of all layers: the outermost says what it likes, those below can only tighten it. In each layer a level demands at least what those
 * below it do: a rule of any layer may make a request graver, and must not ask fewer people by that. Each layer is raised by itself, before they
 * are put together: else what one says of a level would hide what the level has of a layer above.
 */
export function mergeRisks(layers: readonly Pick<Layer, "document">[]): RiskLevels {
  const [first = {}, ...below] = layers.map(({ document }) => document.approvals?.risk ?? {})
  return below.map((stated) => raised(stated, SILENT)).reduce(tighten, raised(first, BUILT_IN))
}

type Statements = Partial<Readonly<Record<Risk, Stated | undefined>>>

/** What one layer says of all levels, over what holds where it says nothing. */
function raised(stated: Statements, base: RiskLevels): RiskLevels {
  const own = (risk: Risk): RiskLevel => ({ ...base[risk], ...valuesOf(stated[risk] ?? {}) })
  const low = own("low")
  const medium = atLeast(own("medium"), low)
  const high = atLeast(own("high"), medium)
  return { low, medium, high, critical: atLeast(own("critical"), high) }
}

/** A level, with what the one below it demands; whom it asks and for how long only where it says nothing of that itself. */
function atLeast(own: RiskLevel, below: RiskLevel): RiskLevel {
  const expire = own.expire ?? below.expire
  const groups = own.groups ?? below.groups
  return {
    quorum: Math.max(own.quorum, below.quorum),
    alike: own.alike && below.alike,
    quiet: own.quiet,
    operator: own.operator && below.operator,
    ...(expire !== undefined && { expire }),
    ...(groups && { groups }),
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

function tighten(above: RiskLevels, own: RiskLevels): RiskLevels {
  const both = (risk: Risk) => stricter(above[risk], own[risk])
  return { low: both("low"), medium: both("medium"), high: both("high"), critical: both("critical") }
}

function stricter(above: RiskLevel, own: RiskLevel): RiskLevel {
  const expire = Math.min(above.expire ?? Infinity, own.expire ?? Infinity)
  const { groups: asked, within: narrowed = [] } = above
  const within = own.groups === undefined ? narrowed : [...narrowed, own.groups]
  return {
    quorum: Math.max(above.quorum, own.quorum),
    alike: above.alike && own.alike,
    // To be asked at night is to be able to say yes at night.
    quiet: above.quiet || own.quiet,
    operator: above.operator && own.operator,
    ...(expire < Infinity && { expire }),
    ...(asked && { groups: asked }),
    ...(within.length > 0 && { within }),
  }
}
