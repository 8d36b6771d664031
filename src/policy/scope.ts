// Rights that are narrower than the policy: they only ever add a refusal.
import type { CompiledPolicy } from "./compiled.ts"
import { NO_EVIDENCE } from "./conditions.ts"
import { matchingRules } from "./network.ts"
import { FLOOR } from "./rules.ts"
import { commonHosts, commonPackages, hasHost, hasPackage } from "./scope-patterns.ts"
import type { Scope } from "./scope-types.ts"
import { countMatch, type Tally } from "./tally.ts"
import type { Action, Counters } from "./types.ts"

/** Counts a refusal where `scope` does not cover an action, and where a budget of the scope is used up or nobody counts it. */
export function countScope(
  policy: CompiledPolicy,
  action: Action,
  scope: Scope,
  counters: Counters | undefined,
  tally: Tally,
): void {
  if (!isWithin(policy, action, scope)) countMatch(tally, FLOOR.scope, NO_EVIDENCE, false)
  if (action.kind !== "network") return
  for (const { unit, limit, counter } of scope.budgets ?? []) {
    // A budget that nobody keeps is no budget: it counts as used up.
    const used = counters === undefined ? limit : (counters[counter] ?? 0)
    if (!(used < limit)) countMatch(tally, FLOOR.scopeBudget, [{ kind: "budget", unit, used, limit }], false)
  }
}

function isWithin(policy: CompiledPolicy, action: Action, scope: Scope): boolean {
  const { rules, credentials } = scope
  switch (action.kind) {
    case "package":
      return mayHave(scope, action.ecosystem, action.name)
    case "credential":
      return (credentials === undefined || credentials.includes(action.credential)) && hasHost(scope.hosts, action.host)
    case "network":
      return (
        hasHost(scope.hosts, action.host) &&
        (rules === undefined ||
          matchingRules(policy, action).some(({ id, effect }) => effect !== "deny" && rules.includes(id)))
      )
    default:
      return true
  }
}

/** Whether a scope covers a package by its name, which is in the ecosystem's own spelling. */
export function mayHave({ packages }: Scope, ecosystem: string, name: string): boolean {
  return packages !== false && hasPackage(packages, ecosystem, name)
}

/** What two scopes have in common: a child has no more rights than its parent, and its own and its parent's budgets both count. */
export function narrowScope(parent: Scope | undefined, child: Scope | undefined): Scope | undefined {
  if (parent === undefined || child === undefined) return child ?? parent
  const rules = common(parent.rules, child.rules)
  const credentials = common(parent.credentials, child.credentials)
  const hosts = commonHosts(parent.hosts, child.hosts)
  const packages = commonPackages(parent.packages, child.packages)
  const budgets = [...(parent.budgets ?? []), ...(child.budgets ?? [])]
  return {
    ...(rules && { rules }),
    ...(credentials && { credentials }),
    ...(hosts && { hosts }),
    ...(packages !== undefined && { packages }),
    ...(budgets.length > 0 && { budgets }),
  }
}

function common(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.filter((name) => b.includes(name))
}
