// How rules come into being, built-in ones included: one place that knows labels, priorities and floors.
import { codeOf, reasonOf } from "./codes.ts"
import type { Rule } from "./compiled.ts"
import { DEFAULT_RISK, type Risk } from "./risk.ts"
import type { Effect, Mode } from "./types.ts"
import type { Path } from "./yaml.ts"

interface RuleInput {
  id: string
  place: string
  effect: Effect
  code: string
  mode: Mode
  layer: number
  path: Path
  note?: string | undefined
  instead?: string | undefined
  approvers?: string | undefined
  risk?: Risk | undefined
}

/** Completes a rule with what follows from its code. */
export function createRule(input: RuleInput): Rule {
  const code = codeOf(input.code)
  if (!code) throw new Error(`no such code: ${input.code}`)
  const { note, instead, approvers, risk, ...rest } = input
  const rule: Rule = {
    ...rest,
    // To observe a floor would be to lift it.
    mode: code.floor ? "enforce" : input.mode,
    label: `${input.id} (${input.place})`,
    priority: code.priority,
    floor: code.floor,
  }
  if (!code.reason.includes("{")) rule.reason = withNote(reasonOf(input.code, []), note)
  if (note !== undefined) rule.note = note
  if (instead !== undefined) rule.instead = instead
  if (approvers !== undefined) rule.approvers = approvers
  if (risk !== undefined && risk !== DEFAULT_RISK) rule.risk = risk
  return rule
}

/** A rule that no file holds. */
export function builtIn(id: string, effect: Effect, code: string, mode: Mode = "enforce"): Rule {
  return createRule({ id, place: "built-in", effect, code, mode, layer: -1, path: [] })
}

/** A reason with the policy author's own words after it. */
export function withNote(reason: string, note: string | undefined): string {
  return note === undefined ? reason : `${reason.replace(/\.$/, "")}: ${note}`
}

export const FLOOR = {
  malware: builtIn("floor.malware", "deny", "malware.known"),
  killed: builtIn("floor.kill", "deny", "agent.killed"),
  scope: builtIn("floor.scope", "deny", "agent.scope"),
  scopeBudget: builtIn("floor.scope-budget", "deny", "agent.budget"),
  privateAddress: builtIn("floor.private-address", "deny", "network.private-address"),
  placeholder: builtIn("floor.placeholder", "deny", "credential.unbound-placeholder"),
  integrity: builtIn("floor.integrity", "deny", "integrity.mismatch"),
} as const
