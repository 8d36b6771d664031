// Rules that change no verdict: for each of them one other rule is found that speaks wherever it does, at least as strictly.
import type { CompiledPolicy, Condition, ListRule, Rule } from "./compiled.ts"
import { coversCondition, coversRule } from "./covers.ts"
import { visitHostRules } from "./decide-network.ts"
import { parseHostPattern } from "./hosts.ts"
import { visitIndex } from "./name-index.ts"
import { parsePurlPattern } from "./purl-pattern.ts"
import { rankOfRisk } from "./risk.ts"

export interface Shadow {
  rule: Rule
  by: Rule
}

const RANK = { allow: 0, ask: 1, deny: 2 } as const

/**
 * Rules without which effect, code, mode, approvers and correction of every verdict stay the same. Each is proven by a single other
 * rule; that several rules cover one together is not looked for. Of two rules that cover each other only the later is reported.
 */
export function findShadowed(policy: CompiledPolicy): Shadow[] {
  const shadows: Shadow[] = []
  const gone = new Set<Rule>()
  const report = (rule: Rule, by: Rule | undefined) => {
    if (!by) return
    gone.add(rule)
    shadows.push({ rule, by })
  }
  const { conditions } = policy.packages
  for (const rule of conditions.toReversed()) {
    report(
      rule,
      conditions.find((by) => by !== rule && !gone.has(by) && hidesCondition(by, rule)),
    )
  }
  for (const rule of policy.listRules.toReversed()) {
    let found: Rule | undefined
    visitCandidates(policy, rule, (by) => {
      if (!found && by !== rule && !gone.has(by) && hidesRule(policy, by, rule)) found = by
    })
    report(rule, found)
  }
  return shadows.reverse()
}

const HANDLING = ["addresses", "service", "inspect", "raw", "http2", "placeholders", "bind"]

/** With one key on both sides every exception that takes `by` out takes `rule` out too, so exceptions need no case of their own. */
function hidesCondition(by: Condition, rule: Condition): boolean {
  return RANK[by.effect] >= RANK[rule.effect] && by.layer <= rule.layer && coversCondition(by, rule)
}

function hidesRule(policy: CompiledPolicy, by: ListRule, rule: ListRule): boolean {
  if (RANK[by.effect] < RANK[rule.effect] || by.layer > rule.layer) return false
  if (by.mode === "observe" && rule.mode === "enforce") return false
  // An observed rule lets a default decide in its place, and an allow next to it keeps that default away.
  if (by.mode === "observe" && rule.effect === "allow") return false
  if (rule.budget || rule.credential !== by.credential) return false
  // A graver risk asks more of people, whoever decides.
  if (by.effect === "ask" && rankOfRisk(rule.risk) > rankOfRisk(by.risk)) return false
  // How the gate handles a host does not show in verdicts, and addresses do only once a name is resolved.
  if (HANDLING.some((key) => JSON.stringify(rule.source[key]) !== JSON.stringify(by.source[key]))) return false
  if (rule.credential !== undefined && by.effect !== rule.effect) return false
  const liftable = by.code !== rule.code && policy.packages.allExceptions.some((exception) => exception.of === by.code)
  if (liftable) return false
  return (by.effect !== rule.effect || decidesFirst(policy, by, rule)) && coversRule(by, rule)
}

/** Among equals the id decides; it matters where rules name approvers or alternatives. */
function decidesFirst(policy: CompiledPolicy, by: ListRule, rule: ListRule): boolean {
  if (rule.effect === "allow" || by.id < rule.id) return true
  const plain = (other: ListRule) =>
    other.kind !== rule.kind || (other.approvers === undefined && other.instead === undefined)
  return policy.listRules.every(plain)
}

/** Rules that can cover another one, found through the indexes that `decide` uses where there can be many. */
function visitCandidates(policy: CompiledPolicy, rule: ListRule, visit: (candidate: ListRule) => void): void {
  if (rule.kind === "package") {
    const pattern = parsePurlPattern(rule.subject)
    const index = pattern && policy.packages.rules.get(pattern.ecosystem)
    if (index) visitIndex(index, pattern.name, (list: readonly ListRule[]) => list.forEach(visit))
  } else if (rule.kind === "network") {
    const pattern = parseHostPattern(rule.subject)
    if (pattern?.kind === "any") policy.network.hosts.any.forEach(visit)
    else if (pattern)
      visitHostRules(policy, pattern.kind === "exact" ? pattern.host : `x.${pattern.suffix}`, (list) =>
        list.forEach(visit),
      )
  } else for (const candidate of policy.listRules) if (candidate.kind === rule.kind) visit(candidate)
}
