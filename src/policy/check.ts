// `policy check`: what loads and is still not what its author can have meant.
import { isInRanges } from "./address-ranges.ts"
import { isNumeric, isPrivateHost } from "./addresses.ts"
import { checkExceptions } from "./check-exceptions.ts"
import type { CompiledPolicy, ListRule, Rule } from "./compiled.ts"
import { consult } from "./consult.ts"
import { contradictionIn } from "./contradictions.ts"
import type { Finding } from "./finding.ts"
import { intervalsOf } from "./intervals.ts"
import { countPeople } from "./person.ts"
import { riskOf } from "./risk.ts"
import { findShadowed } from "./shadowed.ts"
import { plainText } from "./text.ts"
import type { Path } from "./yaml.ts"

/** Everything there is to say about a policy that loaded, in the order of its files. `now` is for expired exceptions. */
export function checkPolicy(policy: CompiledPolicy, now: number): Finding[] {
  const findings = [
    ...policy.packages.conditions.flatMap((condition) =>
      condition.key === "score" && condition.value === 0
        ? [at(condition, "never-matches", "error", "no trust score is below 0")]
        : [],
    ),
    ...policy.listRules.flatMap((rule) => [
      ...checkMatches(policy, rule),
      ...checkApprovers(policy, rule),
      ...checkWildcard(rule),
    ]),
    ...checkQuorums(policy),
    ...checkRisks(policy),
    ...findShadowed(policy).map(({ rule, by }) =>
      at(
        rule,
        "shadowed",
        "error",
        `without ${rule.id} no verdict changes: ${by.label} already decides wherever it matches`,
        "remove one of the two",
      ),
    ),
    ...checkExceptions(policy, now),
    ...checkUnknown(policy),
  ]
  return findings.sort((a, b) => a.layer - b.layer || comparePaths(a.path, b.path))
}

/** A finding at a rule. */
export function at(
  rule: Pick<Rule, "layer" | "path">,
  check: Finding["check"],
  level: Finding["level"],
  message: string,
  hint?: string,
): Finding {
  return { check, level, message, layer: rule.layer, path: rule.path, ...(hint !== undefined && { hint }) }
}

function checkMatches(policy: CompiledPolicy, rule: ListRule): Finding[] {
  const findings: Finding[] = []
  const versions = rule.source["versions"]
  if (typeof versions === "string" && !rule.subject.startsWith("pkg:pypi/") && intervalsOf(versions)?.length === 0) {
    findings.push({
      ...at(rule, "empty-range", "error", `no version is inside ${versions}`),
      path: [...rule.path, "versions"],
    })
  }
  if ((rule.kind === "network" || rule.kind === "credential") && rule.effect !== "deny") {
    const hosts = (rule.source["hosts"] as string[] | undefined) ?? (rule.kind === "network" ? [rule.subject] : [])
    for (const host of hosts) {
      const bare = host.replace(/^\*{1,2}\./, "x.").toLowerCase()
      if (host !== "**" && isPrivateHost(bare) && !mayBeReached(policy, bare))
        findings.push(
          at(
            rule,
            "never-matches",
            "error",
            `${rule.id} can never let ${host} pass`,
            "private and local addresses are denied where no network rule names them under addresses; metadata always",
          ),
        )
    }
  }
  const contradiction = contradictionIn(rule)
  if (contradiction)
    findings.push({
      ...at(rule, "never-matches", "error", `no value meets every condition on ${plainText(contradiction.name, 120)}`),
      path: [...rule.path, contradiction.key, contradiction.name],
    })
  return findings
}

/** A private host is reached where some request rule names its address; a name, where it may resolve to one that is named. */
function mayBeReached({ listRules }: CompiledPolicy, host: string): boolean {
  return listRules.some(({ addresses }) => addresses && (!isNumeric(host) || isInRanges(addresses, host)))
}

function checkApprovers(policy: CompiledPolicy, rule: ListRule): Finding[] {
  if (rule.approvers === undefined || policy.approvers.has(rule.approvers)) return []
  const known = [...policy.approvers.keys()]
  return [
    {
      ...at(
        rule,
        "approvers-missing",
        "error",
        `there are no approvers named ${rule.approvers}`,
        known.length > 0 ? `there are: ${known.join(", ")}` : "define them under approvers",
      ),
      path: [...rule.path, "approvers"],
    },
  ]
}

function checkQuorums(policy: CompiledPolicy): Finding[] {
  return [...policy.approvers].flatMap(([name, { people, quorum, layer }]) =>
    quorum > countPeople(people)
      ? [
          {
            check: "quorum-unreachable" as const,
            level: "error" as const,
            message: `${name} wants ${quorum} people and names ${countPeople(people)}`,
            layer,
            path: ["approvers", name],
          },
        ]
      : [],
  )
}

/** Questions that nobody, or too few, can answer because of what their risk demands. */
function checkRisks(policy: CompiledPolicy): Finding[] {
  return policy.listRules.flatMap((rule) => {
    const { approvers = "", risk, effect } = rule
    if (effect !== "ask" || (approvers !== "" && !policy.approvers.has(approvers))) return []
    const { groups, people, quorum, level } = consult(policy, approvers, risk)
    const unknown = [level.groups ?? [], ...(level.within ?? [])].flat().find((name) => !policy.approvers.has(name))
    const shown = riskOf(risk)
    if (unknown !== undefined)
      return [
        at(rule, "approvers-missing", "error", `${shown} risk wants the approvers ${unknown}, and there are none`),
      ]
    if (people === "anyone" || countPeople(people) >= quorum) return []
    // What a group alone wants and cannot have is said of the group.
    if (groups.some((group) => group.quorum === quorum && countPeople(group.people) < quorum)) return []
    const wanted = quorum > level.quorum ? "whose approvers want" : "which wants"
    const message = `${rule.id} is of ${shown} risk, ${wanted} ${quorum} people, and ${countPeople(people)} may decide it`
    return [at(rule, "quorum-unreachable", "error", message)]
  })
}

/** An allow that names nothing in particular. */
function checkWildcard(rule: ListRule): Finding[] {
  if (rule.effect !== "allow") return []
  const { subject, source } = rule
  const wide =
    (rule.kind === "network" && subject === "**") ||
    (rule.kind === "credential" &&
      (subject === "*" || source["hosts"] === undefined || (source["hosts"] as string[]).includes("**"))) ||
    (rule.kind === "mount" && /^(?:\/|\*\*\/)\*{1,2}$/.test(subject)) ||
    (rule.kind === "mcp" && (subject === "**" || subject.startsWith("*"))) ||
    (rule.kind === "skill" && subject === "*" && source["sources"] === undefined) ||
    (rule.kind === "package" && /^pkg:[^/]+\/\*$/.test(subject))
  return wide
    ? [at(rule, "wildcard-allow", "warning", `${rule.id} allows more than anyone can have read`, "name what is needed")]
    : []
}

/** Facts that a finding can hang on; what is only a sign of trust may well be missing. */
const GRAVE: readonly string[] = ["advisories", "exists", "published", "installScripts", "integrity"]

/** Grave evidence that is missing and lets pass, other than offline, is worth a word. */
function checkUnknown(policy: CompiledPolicy): Finding[] {
  const { needs, missing, missingRules } = policy.packages
  const open = needs.filter(
    (fact) =>
      GRAVE.includes(fact) && (missing[fact].unreachable === "allow" || missing[fact]["not-collected"] === "allow"),
  )
  if (open.length === 0 || missingRules.allow.layer < 0) return []
  return [
    at(
      missingRules.allow,
      "missing-allowed",
      "warning",
      `packages pass although ${open.join(", ")} could not be learnt`,
      "allow only offline: unknown: { default: ask, offline: allow }",
    ),
  ]
}

function comparePaths(a: Path, b: Path): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]]
    if (left === right) continue
    if (typeof left === "number" && typeof right === "number") return left - right
    return String(left) < String(right) ? -1 : 1
  }
  return a.length - b.length
}
