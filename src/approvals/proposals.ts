// Rules that need no person: whoever is always answered the same has asked often enough. Proposed as a line of the policy, and never learned.
import type { CompiledPolicy } from "../policy/compiled.ts"
import { quote } from "../policy/flow.ts"
import type { RuleFigures } from "./stats.ts"

/** Fewest answers that tell anything, and the part of them that has to be approvals. */
const ENOUGH = 20
const NEARLY_ALL = 0.95

export interface Proposal {
  kind: string
  rule: string
  effect: "allow" | "deny"
  asks: number
  /** Of those that were answered: 0 to 1. */
  approved: number
  /** The rule as it would be written, where it is one of a list; it replaces the one that is there. */
  line?: string
  /** `nanoguard.yaml:4:5`. */
  place?: string
}

/** What people nearly always approved (more than 95 of 100), or always denied, 20 times at least: as the rule that would spare them. */
export function proposeRules(rules: readonly RuleFigures[], policy?: Pick<CompiledPolicy, "listRules">): Proposal[] {
  return rules.flatMap(({ kind, rule, approved, denied, asks }) => {
    const answered = approved + denied
    const rate = approved / answered
    if (answered < ENOUGH || (rate <= NEARLY_ALL && rate > 0)) return []
    const effect = rate === 0 ? "deny" : "allow"
    const written = policy?.listRules.find(({ id, effect: now }) => kind === "network" && id === rule && now === "ask")
    const line = written && {
      line: `- ${flow({ ...without(written.source), ...verb(effect, written.subject) })}`,
      place: written.place,
    }
    return [{ kind, rule, effect, asks, approved: rate, ...line } satisfies Proposal]
  })
}

const verb = (effect: "allow" | "deny", subject: string) => ({ [effect]: subject })

/** Without what only a rule that asks has, nor examples, which say what is asked. */
function without(source: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { ask: _, approvers: __, bind: ___, examples: ____, risk: _____, ...rest } = source
  return rest
}

/** Plain data as flow YAML in one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`
  if (typeof value === "string") return quote(value)
  if (typeof value !== "object" || value === null) return String(value)
  const members = Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : [`${quote(name)}: ${flow(member)}`],
  )
  return `{ ${members.join(", ")} }`
}
