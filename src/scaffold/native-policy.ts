// The part of a compiled policy that package managers have settings for.
import type { CompiledPolicy, Condition } from "../policy/compiled.ts"
import { parseDuration } from "../policy/duration.ts"
import type { NativePolicy } from "./native.ts"

/** Names as npm accepts them; anything else in an exception (a pattern, a trick) is no name to approve. */
const NPM_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i

/**
 * Reads age, scripts, sources and provenance out of a policy. `ask` counts like `deny` where a setting only delays or asks
 * for an approval; a source is only refused where the policy denies it. `now` in milliseconds: expired exceptions approve nothing.
 */
export function readNativePolicy(policy: CompiledPolicy, now: number): NativePolicy {
  const conditions = policy.packages.conditions.filter((condition) => condition.effect !== "allow")
  const ages = conditions.filter((condition) => condition.key === "age").map(durationOf)
  const denied = conditions.filter((condition) => condition.key === "sources" && condition.effect === "deny")
  const sources = denied.flatMap((condition) => condition.value as string[])
  return {
    ...(ages.length > 0 && { age: Math.max(...ages) / 1000 }),
    scripts: conditions.some((condition) => condition.key === "install-scripts"),
    approved: approvedNames(policy, now),
    deniedSources: (["git", "url"] as const).filter((source) => sources.includes(source)),
    noDowngrade: conditions.some((condition) => condition.key === "provenance"),
  }
}

function durationOf(condition: Condition): number {
  return parseDuration(String(condition.value))
}

function approvedNames(policy: CompiledPolicy, now: number): string[] {
  const names = policy.packages.allExceptions
    .filter((exception) => exception.of === "script.unapproved" && exception.ends > now)
    .flatMap((exception) => /^pkg:npm\/(.+)$/.exec(exception.subject)?.[1] ?? [])
    .map((name) => name.replace(/^%40/i, "@"))
  return [...new Set(names)].filter((name) => NPM_NAME.test(name)).sort()
}
