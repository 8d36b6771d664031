// Requests: rules by host, budgets, and the floor of private addresses.

import { isInRanges } from "./address-ranges.ts"
import { isNumeric, isPrivateAddress, isPrivateHost } from "./addresses.ts"
import type { Budget, CompiledPolicy, ListRule } from "./compiled.ts"
import { NO_EVIDENCE } from "./conditions.ts"
import { FLOOR } from "./rules.ts"
import { countMatch, type Tally } from "./tally.ts"
import { plainId, plainText } from "./text.ts"
import type { CredentialAction, DecisionEvidence, Mode, NetworkAction } from "./types.ts"

/** Rules that may match by host, each list at once; the clauses after the host remain to be tested. */
export function visitHostRules(
  policy: CompiledPolicy,
  host: string,
  visit: (rules: readonly ListRule<NetworkAction>[]) => void,
): void {
  const { exact, oneLabel, anyDepth, any } = policy.network.hosts
  const same = exact.get(host)
  if (same) visit(same)
  let dot = host.indexOf(".")
  if (dot > 0 && oneLabel.size > 0) {
    const list = oneLabel.get(host.slice(dot + 1))
    if (list) visit(list)
  }
  if (anyDepth.size > 0) {
    for (; dot > 0; dot = host.indexOf(".", dot + 1)) {
      const list = anyDepth.get(host.slice(dot + 1))
      if (list) visit(list)
    }
  }
  if (any.length > 0) visit(any)
}

/** Counts everything that speaks about a request. */
export function decideNetwork(
  policy: CompiledPolicy,
  action: NetworkAction,
  evidence: DecisionEvidence,
  tally: Tally,
): void {
  let reaching: ListRule[] | undefined
  visitHostRules(policy, action.host, (rules) => {
    next: for (const rule of rules) {
      for (let index = 1; index < rule.clauses.length; index++) {
        if (!rule.clauses[index]?.holds(action)) continue next
      }
      countMatch(tally, rule, NO_EVIDENCE, true)
      if (rule.addresses !== undefined) {
        reaching ??= []
        reaching.push(rule)
      }
      if (rule.budget !== undefined) countBudgets(rule.budget, evidence, tally)
    }
  })
  countNetworkFloor(action.host, evidence, reaching, tally)
}

/** What is used up, and what nobody counts: a budget that is not kept is no budget. A counter that is not there yet is 0. */
function countBudgets(budgets: readonly Budget[], { counters }: DecisionEvidence, tally: Tally): void {
  for (const { counter, limit, unit, rule, unknown } of budgets) {
    if (counters === undefined) {
      countMatch(tally, unknown, [{ kind: "missing", fact: `budget.${unit}`, reason: "not-collected" }], false)
      continue
    }
    const used = counters[counter] ?? 0
    if (!(used < limit)) countMatch(tally, rule, [{ kind: "budget", unit, used, limit }], false)
  }
}

/** Counts private addresses and stray placeholders. `reaching` are matching rules with `addresses`. */
export function countNetworkFloor(
  host: string,
  evidence: DecisionEvidence,
  reaching: readonly ListRule[] | undefined,
  tally: Tally,
): void {
  const found = privateAddresses(host, evidence)
  if (found.length > 0 && !reaching?.some((rule) => mayReach(rule, host, evidence, found, tally.mode))) {
    const shown = found.slice(0, 8).map((address) => plainText(address, 100))
    const address = found[0] === host ? plainText(host, 100) : shown
    countMatch(tally, FLOOR.privateAddress, [{ kind: "address", address }], false)
  }
  if (evidence.unboundPlaceholder !== undefined) {
    countMatch(
      tally,
      FLOOR.placeholder,
      [{ kind: "placeholder", credential: plainId(evidence.unboundPlaceholder) }],
      false,
    )
  }
}

const NONE: readonly string[] = []

/** What of a request is private: its host, as an address or by its name, else the addresses that the host resolved to. */
function privateAddresses(host: string, { addresses }: DecisionEvidence): readonly string[] {
  if (isPrivateHost(host)) return [host]
  return addresses === undefined ? NONE : addresses.filter(isPrivateAddress)
}

/**
 * Whether a rule that matched names every private address of a request. A rule that is only observed
 * opens nothing.
 */
function mayReach(
  rule: ListRule,
  host: string,
  { addresses }: DecisionEvidence,
  found: readonly string[],
  mode: Mode,
): boolean {
  const { addresses: ranges, effect } = rule
  if (ranges === undefined || effect === "deny" || rule.mode !== mode) return false
  if (found[0] !== host) return found.every((address) => isInRanges(ranges, address))
  if (isNumeric(host)) {
    return isInRanges(ranges, host) && (addresses ?? NONE).every((address) => isInRanges(ranges, address))
  }
  // Before the name is resolved nothing is dialled, and the request is decided again with what it resolves to.
  if (addresses === undefined) return true
  return addresses.length > 0 && addresses.every((address) => !isPrivateAddress(address) || isInRanges(ranges, address))
}

/** Request rules with `addresses` for a credential's host and port: the request that carries it is decided by itself. */
export function reachingRules(policy: CompiledPolicy, { host, port = 443 }: CredentialAction): ListRule[] {
  const found: ListRule[] = []
  visitHostRules(policy, host, (rules) => {
    for (const rule of rules) if (rule.addresses !== undefined && reachesPort(rule, port)) found.push(rule)
  })
  return found
}

/** Whether a rule is about a port, whatever else it wants of a request. */
export function reachesPort(rule: ListRule<NetworkAction>, port: number): boolean {
  return rule.clauses.every(({ field, holds }) => field !== "port" || holds({ port } as NetworkAction))
}
