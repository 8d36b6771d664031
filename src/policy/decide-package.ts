// Packages: conditions on facts, rules by name, exceptions, and what is missing.
import type { CompiledPolicy, Condition, Exception, ListRule, Rule } from "./compiled.ts"
import { advisoryEvidence, NO_EVIDENCE } from "./conditions.ts"
import { isMissing } from "./evidence-names.ts"
import { visitIndex } from "./name-index.ts"
import { comparableName } from "./purl-pattern.ts"
import { FLOOR } from "./rules.ts"
import { countMatch, nameSubject, type Tally } from "./tally.ts"
import type {
  DecisionEvidence,
  Effect,
  Evidence,
  MissingReason,
  PackageAction,
  PackageFactName,
  PackageFacts,
} from "./types.ts"

const NO_FACTS: PackageFacts = {}

/** Counts everything that speaks about a package. */
export function decidePackage(
  policy: CompiledPolicy,
  action: PackageAction,
  evidence: DecisionEvidence,
  tally: Tally,
): void {
  const facts = evidence.facts ?? NO_FACTS
  const { packages } = policy
  const name = comparableName(action.ecosystem, action.name)
  const exceptions = packages.exceptions.size > 0 ? exceptionsFor(policy, action, name, evidence.now) : undefined
  const lifted = (rule: Rule, found: readonly Evidence[]) =>
    exceptions !== undefined && isLifted(exceptions, rule, found, tally)

  const rules = packages.rules.get(action.ecosystem)
  if (rules) {
    visitIndex(rules, name, (list: readonly ListRule<PackageAction>[]) => {
      for (const rule of list) {
        const version = rule.clauses[1]
        if (version && !version.holds(action)) continue
        if (rule.effect === "allow" || !lifted(rule, NO_EVIDENCE)) countMatch(tally, rule, NO_EVIDENCE, true)
        // Lifted or not, the rule names the package, so that no default speaks in its place.
        else nameSubject(tally, rule)
      }
    })
  }

  // What the project itself contains has no registry, no release and no licence of its own to ask for.
  const own = action.source.kind === "workspace"
  let missing: PackageFactName[] | undefined
  for (const condition of packages.conditions) {
    if (own && condition.needs.length > 0) continue
    const match = condition.test(facts, action, evidence.now)
    if (match) {
      const rule = match.rule ?? condition
      if (!lifted(rule, match.evidence)) countMatch(tally, rule, match.evidence, false)
    } else if (condition.needs.length > 0) missing = addMissing(policy, condition, facts, missing, exceptions, tally)
  }
  if (missing) countMissing(policy, facts, missing, lifted, tally)
  countFloor(facts, tally)
}

/** Known malware and bytes other than the registry's are refused without any rule. */
function countFloor(facts: PackageFacts, tally: Tally): void {
  if (
    facts.advisories &&
    facts.advisories.length > 0 &&
    !tally.matches.some(({ rule }) => rule.code === "malware.known" && rule.effect === "deny")
  ) {
    const malware = facts.advisories.filter((advisory) => advisory.kind === "malware")
    if (malware.length > 0) countMatch(tally, FLOOR.malware, malware.map(advisoryEvidence), false)
  }
  if (facts.integrity === "mismatch")
    countMatch(tally, FLOOR.integrity, [{ kind: "integrity", integrity: "mismatch" }], false)
}

function addMissing(
  policy: CompiledPolicy,
  condition: Condition,
  facts: PackageFacts,
  missing: PackageFactName[] | undefined,
  exceptions: readonly Exception[] | undefined,
  tally: Tally,
): PackageFactName[] | undefined {
  let list = missing
  for (const fact of condition.needs) {
    if (!isMissing(facts, fact) || list?.includes(fact)) continue
    // Who accepts a finding accepts not knowing about it.
    const accepting = exceptions?.find(
      (exception) => exception.of === condition.code && !exception.advisories && canLift(exception, condition),
    )
    if (accepting) {
      if (effectOfMissing(policy, fact, reasonFor(facts, fact)) !== "allow") applyException(tally, accepting)
      continue
    }
    list ??= []
    list.push(fact)
  }
  return list
}

function countMissing(
  policy: CompiledPolicy,
  facts: PackageFacts,
  missing: readonly PackageFactName[],
  lifted: (rule: Rule, found: readonly Evidence[]) => boolean,
  tally: Tally,
): void {
  const byEffect: Partial<Record<Effect, Evidence[]>> = {}
  for (const fact of missing) {
    const reason = reasonFor(facts, fact)
    const effect = effectOfMissing(policy, fact, reason)
    const list = byEffect[effect]
    const item = missingEvidence(fact, reason)
    if (list) list.push(item)
    else byEffect[effect] = [item]
  }
  for (const effect of ["deny", "ask", "allow"] as const) {
    const found = byEffect[effect]
    const rule = policy.packages.missingRules[effect]
    if (found && !(effect !== "allow" && lifted(rule, found))) countMatch(tally, rule, found, false)
  }
}

const reasonFor = (facts: PackageFacts, fact: PackageFactName): MissingReason =>
  facts.missing?.[fact] ?? facts.absent ?? "not-collected"

const effectOfMissing = (policy: CompiledPolicy, fact: PackageFactName, reason: MissingReason): Effect =>
  policy.packages.missing[fact]?.[reason] ?? "deny"

const shared = new Map<string, Evidence>()

function missingEvidence(fact: PackageFactName, reason: MissingReason): Evidence {
  const key = `${fact}/${reason}`
  let evidence = shared.get(key)
  if (!evidence) {
    evidence = Object.freeze({ kind: "missing", fact, reason })
    if (shared.size < 200) shared.set(key, evidence)
  }
  return evidence
}

/** Exceptions in force for one package. */
export function exceptionsFor(
  policy: CompiledPolicy,
  action: PackageAction,
  name: string,
  now: number,
): Exception[] | undefined {
  const index = policy.packages.exceptions.get(action.ecosystem)
  if (!index) return undefined
  let found: Exception[] | undefined
  visitIndex(index, name, (list: readonly Exception[]) => {
    for (const exception of list) {
      if (!(now < exception.ends) || (exception.range && !exception.range.test(action.version))) continue
      found ??= []
      found.push(exception)
    }
  })
  return found
}

/** An exception reaches rules of its own layer and below, and from above only what asks; never a floor. */
export function canLift(exception: Exception, rule: Rule): boolean {
  return !rule.floor && (rule.effect === "ask" || rule.layer >= exception.layer)
}

function isLifted(exceptions: readonly Exception[], rule: Rule, found: readonly Evidence[], tally: Tally): boolean {
  const open = new Set(advisoriesOf(found))
  const used: Exception[] = []
  for (const exception of exceptions) {
    if (exception.of !== rule.code || !canLift(exception, rule)) continue
    const before = open.size
    for (const item of open) if (reachesAdvisory(exception, item)) open.delete(item)
    if (exception.advisories && open.size === before) continue
    used.push(exception)
    if (open.size > 0) continue
    for (const each of used) applyException(tally, each)
    return true
  }
  return false
}

function applyException(tally: Tally, { applied }: Exception): void {
  tally.excepted ??= []
  if (!tally.excepted.includes(applied)) tally.excepted.push(applied)
}

const advisoriesOf = (found: readonly Evidence[]) => found.filter((item) => item.kind === "advisory")

/** Whether an exception names the advisory in a piece of evidence, by id or alias, or names none and so reaches all. */
export function reachesAdvisory({ advisories }: Exception, item: Evidence): boolean {
  if (!advisories) return true
  const aliases = item["aliases"]
  return [String(item["id"]), ...(Array.isArray(aliases) ? aliases : [])].some((id) => advisories.has(id))
}
