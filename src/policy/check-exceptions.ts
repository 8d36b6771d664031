// Exceptions that lift nothing: expired, or without any rule that they could take out.

import type { CompiledPolicy, Exception, Rule } from "./compiled.ts"
import { CONDITIONS } from "./conditions.ts"
import { canLift } from "./decide-package.ts"
import type { Finding } from "./finding.ts"
import { intervalsOf } from "./intervals.ts"
import { parsePurlPattern } from "./purl-pattern.ts"

/** Findings on exceptions; "unused" is only said where no package at all could make them of use. */
export function checkExceptions(policy: CompiledPolicy, now: number): Finding[] {
  return policy.packages.allExceptions.flatMap((exception): Finding[] => {
    const base = { layer: exception.layer, path: exception.path }
    if (!(now < exception.ends)) {
      return [
        {
          ...base,
          check: "exception-expired",
          level: "error",
          message: `the exception for ${exception.subject} ended on ${exception.applied.expires}`,
          hint: "remove it, or decide again",
        },
      ]
    }
    const why = unusedBecause(policy, exception)
    return why === undefined
      ? []
      : [
          {
            ...base,
            check: "exception-unused",
            level: "error",
            message: `the exception for ${exception.subject} lifts nothing: ${why}`,
          },
        ]
  })
}

function unusedBecause(policy: CompiledPolicy, exception: Exception): string | undefined {
  const { packages } = policy
  if (exception.range && !exception.subject.startsWith("pkg:pypi/") && intervalsOf(exception.range.text)?.length === 0)
    return `no version is inside ${exception.range.text}`
  if (exception.advisories && !exception.of.startsWith("vulnerability."))
    return `${exception.of} has nothing to do with advisories`
  if (exception.of === "evidence.missing") {
    const counts = packages.needs.some((fact) =>
      Object.values(packages.missing[fact]).some((effect) => effect !== "allow"),
    )
    return counts ? undefined : "no missing evidence asks or denies"
  }
  const rules = rulesFor(policy, exception)
  if (rules.length === 0) return `no rule gives ${exception.of} for it`
  return rules.some((rule) => canLift(exception, rule)) ? undefined : "only a layer above denies it"
}

function rulesFor(policy: CompiledPolicy, exception: Exception): readonly Rule[] {
  if (exception.of === "package.denied" || exception.of === "package.approval") {
    return policy.listRules.filter((rule) => rule.code === exception.of && mayMeet(rule.subject, exception.subject))
  }
  return policy.packages.conditions.filter((condition) => {
    if (condition.key === "registries") return exception.of === condition.code
    if (condition.key === "provenance") return exception.of === condition.code
    return CONDITIONS.find(({ key }) => key === condition.key)?.codes.includes(exception.of)
  })
}

function mayMeet(first: string, second: string): boolean {
  const [a, b] = [parsePurlPattern(first), parsePurlPattern(second)]
  if (!a || !b || a.ecosystem !== b.ecosystem) return false
  if (!a.prefix && !b.prefix) return a.name === b.name
  return (a.prefix && b.name.startsWith(a.name)) || (b.prefix && a.name.startsWith(b.name))
}
