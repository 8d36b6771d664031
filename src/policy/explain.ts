// Every rule that could have spoken about an action, and why each did or did not.
import type { Clause, CompiledPolicy, Condition, Exception, ListRule, Rule } from "./compiled.ts"
import { isoDate } from "./conditions.ts"
import { decide, subjectOf } from "./decide.ts"
import { canLift } from "./decide-package.ts"
import { isMissing } from "./evidence-names.ts"
import { matchesName, parsePurlPattern } from "./purl-pattern.ts"
import type { Risk } from "./risk.ts"
import { FLOOR } from "./rules.ts"
import { plainText } from "./text.ts"
import type { Action, DecisionEvidence, PackageAction, PackageFacts, Verdict } from "./types.ts"

/** The first field in which a rule and an action differ. */
export interface Difference {
  field: string
  wanted: string
  actual: string
}

export interface ConsideredRule {
  rule: string
  effect: string
  code: string
  /** Of rules that ask and name one. */
  risk?: Risk
  /** `decided`: the verdict is its. `matched`: it also matched. `lifted`: an exception took it out. `unknown`: its evidence is missing. */
  outcome: "decided" | "matched" | "lifted" | "unknown" | "missed"
  differs?: Difference
}

export interface ConsideredException {
  rule: string
  subject: string
  of: string
  expires: string
  outcome: "applied" | "missed"
  differs?: Difference
}

export interface Explanation {
  subject: string
  verdict: Verdict
  /** What matched first, then what came nearest. */
  rules: ConsideredRule[]
  exceptions: ConsideredException[]
}

const ORDER = ["decided", "matched", "lifted", "unknown", "missed"]

/** Explains one decision. It asks the very clauses that `decide` asks, so the two cannot differ. */
export function explain(policy: CompiledPolicy, action: Action, evidence: DecisionEvidence): Explanation {
  const verdict = decide(policy, action, evidence)
  const rules = [
    ...floorsOf(action, verdict),
    ...(action.kind === "package"
      ? policy.packages.conditions.map((condition) => explainCondition(condition, action, evidence, verdict))
      : []),
    ...rulesOf(policy, action.kind).map((rule) => explainRule(rule, action, verdict)),
    ...defaultsOf(policy, action, verdict),
  ]
  rules.sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome))
  const exceptions =
    action.kind === "package"
      ? policy.packages.allExceptions.map((exception) => explainException(policy, exception, action, evidence, verdict))
      : []
  return { subject: subjectOf(action), verdict, rules, exceptions }
}

/** The rules that are about one kind of action, in the order of the files. */
export function rulesOf(policy: CompiledPolicy, kind: Action["kind"]): readonly ListRule[] {
  return kind === "credential" ? policy.credentials.rules : policy.listRules.filter((rule) => rule.kind === kind)
}

const consider = (rule: Rule, outcome: ConsideredRule["outcome"], differs?: Difference): ConsideredRule => ({
  rule: rule.label,
  effect: rule.effect,
  code: rule.code,
  ...(rule.risk !== undefined && { risk: rule.risk }),
  outcome,
  ...(differs && { differs }),
})

const isIn = (verdict: Verdict, rule: Rule, code = rule.code) =>
  verdict.also?.some((other) => other.rule === rule.label && other.code === code) ?? false

function outcomeOf(rule: Rule, verdict: Verdict): ConsideredRule["outcome"] {
  if (verdict.rule === rule.label && verdict.code === rule.code) return "decided"
  if (rule.effect === "allow" || isIn(verdict, rule)) return "matched"
  return "lifted"
}

function explainRule(rule: ListRule, action: Action, verdict: Verdict): ConsideredRule {
  const miss = rule.clauses.find((clause) => !clause.holds(action))
  if (miss) return consider(rule, "missed", differenceOf(miss, action))
  const exceeded = rule.budget?.find((budget) => verdict.rule === budget.rule.label)
  if (!exceeded) return consider(rule, outcomeOf(rule, verdict))
  return consider(verdict.code === exceeded.rule.code ? exceeded.rule : exceeded.unknown, "decided")
}

const differenceOf = (clause: Clause<Action>, action: Action): Difference => ({
  field: clause.field,
  wanted: clause.wanted,
  actual: clause.actual(action),
})

function explainCondition(
  condition: Condition,
  action: PackageAction,
  evidence: DecisionEvidence,
  verdict: Verdict,
): ConsideredRule {
  const facts = evidence.facts ?? {}
  const wanted = plainText(JSON.stringify(condition.value), 120)
  if (action.source.kind === "workspace" && condition.needs.length > 0) {
    return consider(condition, "missed", {
      field: "source",
      wanted: "anything but the project itself",
      actual: "workspace",
    })
  }
  const match = condition.test(facts, action, evidence.now)
  if (match) {
    const rule = match.rule ?? condition
    return consider(rule, outcomeOf(rule, verdict))
  }
  const fact = condition.needs.find((name) => isMissing(facts, name))
  if (fact) {
    const reason = facts.missing?.[fact] ?? facts.absent ?? "not-collected"
    return consider(condition, "unknown", { field: fact, wanted, actual: `missing: ${reason}` })
  }
  return consider(condition, "missed", { field: condition.key, wanted, actual: actualOf(condition, facts, action) })
}

function actualOf(condition: Condition, facts: PackageFacts, action: PackageAction): string {
  if (condition.needs.length === 0)
    return plainText(action.source.kind === "registry" ? `registry ${action.source.origin}` : action.source.kind, 200)
  const values = condition.needs.map((name) => {
    const value = facts[name]
    if (name === "published" || name === "lastRelease") return isoDate(Number(value))
    // The condition asks for the opposite: `nonexistent`.
    if (name === "exists") return String(!value)
    if (name !== "advisories")
      return Array.isArray(value)
        ? value.join(", ") || "none"
        : String(value === "" ? "none stated" : (value ?? "none"))
    const found = facts.advisories ?? []
    return found.length === 0
      ? "none"
      : found
          .map(({ id, severity, cvss }) => `${id} ${severity ?? "no severity"}${cvss === undefined ? "" : ` ${cvss}`}`)
          .join(", ")
  })
  return plainText(values.join(", before "), 200)
}

function floorsOf(action: Action, verdict: Verdict): ConsideredRule[] {
  const rules = [FLOOR.killed, FLOOR.scope, FLOOR.scopeBudget]
  if (action.kind === "package") rules.push(FLOOR.malware, FLOOR.integrity)
  if (action.kind === "network" || action.kind === "credential") rules.push(FLOOR.privateAddress, FLOOR.placeholder)
  return rules.flatMap((rule) =>
    verdict.rule === rule.label || isIn(verdict, rule) ? [consider(rule, outcomeOf(rule, verdict))] : [],
  )
}

function defaultsOf(policy: CompiledPolicy, action: Action, verdict: Verdict): ConsideredRule[] {
  const section = {
    package: policy.packages,
    network: policy.network,
    credential: policy.credentials,
    mount: policy.mounts,
    mcp: policy.mcp,
    skill: policy.skills,
  }[action.kind]
  const { rules, fallback } = section.defaults
  const missing = action.kind === "package" ? Object.values(policy.packages.missingRules) : []
  return [...missing, ...rules, fallback].flatMap((rule) => {
    if (verdict.rule === rule.label && verdict.code === rule.code && verdict.effect === rule.effect)
      return [consider(rule, "decided")]
    return verdict.also?.some((other) => other.rule === rule.label && other.effect === rule.effect)
      ? [consider(rule, "matched")]
      : []
  })
}

function explainException(
  policy: CompiledPolicy,
  exception: Exception,
  action: PackageAction,
  evidence: DecisionEvidence,
  verdict: Verdict,
): ConsideredException {
  const { rule, expires } = exception.applied
  const base = { rule, subject: exception.subject, of: exception.of, expires }
  if (verdict.excepted?.includes(exception.applied)) return { ...base, outcome: "applied" }
  const missed = (field: string, wanted: string, actual: string): ConsideredException => ({
    ...base,
    outcome: "missed",
    differs: { field, wanted, actual },
  })
  const pattern = parsePurlPattern(exception.subject)
  if (!pattern || !matchesName(pattern, action.ecosystem, action.name))
    return missed("package", exception.subject, plainText(action.purl, 200))
  if (exception.range && !exception.range.test(action.version))
    return missed("version", exception.range.text, plainText(action.version, 100))
  if (!(evidence.now < exception.ends)) return missed("expires", `on or before ${expires}`, isoDate(evidence.now))
  const codes = [verdict.code, ...(verdict.also ?? []).map((other) => other.code)]
  if (!codes.includes(exception.of)) return missed("of", exception.of, codes.join(", "))
  const rules = [...policy.packages.conditions, ...policy.listRules].filter((other) => other.code === exception.of)
  if (rules.length > 0 && !rules.some((other) => canLift(exception, other)))
    return missed("layer", "a rule of its own layer or below, or one that asks", "a deny of a layer above")
  return missed(
    "advisories",
    [...(exception.advisories ?? [])].join(", ") || "another match",
    verdict.evidence.map((item) => String(item["id"] ?? item.kind)).join(", "),
  )
}
