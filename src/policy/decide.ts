// The one law: pure, synchronous, without I/O. CI and the gate both call it, so they can never disagree.

import { isPrivateAddress, isPrivateHost } from "./addresses.ts"
import type { CompiledPolicy, ListRule } from "./compiled.ts"
import { NO_EVIDENCE } from "./conditions.ts"
import { decidePackage } from "./decide-package.ts"
import { grantsInForce } from "./grants.ts"
import { visitIndex } from "./name-index.ts"
import { FLOOR } from "./rules.ts"
import { countMatch, createTally, finishTally, type Tally } from "./tally.ts"
import { plainId, plainText } from "./text.ts"
import type { Action, CredentialAction, DecisionEvidence, McpAction, NetworkAction, Verdict } from "./types.ts"

/**
 * Decides one action. The strictest matching rule wins and order never matters; an exception takes one code of one
 * package out before that, and so does a person's approval of this very action; floors hold whatever the policy says, in
 * observe mode too.
 */
export function decide(policy: CompiledPolicy, action: Action, evidence: DecisionEvidence): Verdict {
  const tally = createTally(policy.mode)
  if (evidence.killed) countMatch(tally, FLOOR.killed, NO_EVIDENCE, false)
  switch (action.kind) {
    case "package":
      decidePackage(policy, action, evidence, tally)
      break
    case "network":
      decideNetwork(policy, action, evidence, tally)
      break
    case "credential":
      decideCredential(policy, action, evidence, tally)
      break
    case "mount":
      countRules(policy.mounts.rules, action, tally, 0)
      break
    case "mcp":
      decideMcp(policy, action, tally)
      break
    case "skill":
      visitIndex(policy.skills.rules, action.name, (rules) => countRules(rules, action, tally, 1))
      break
  }
  const { defaults } = sectionOf(policy, action)
  return finishTally(tally, defaults, policy.hash, subjectOf(action), grantsInForce(policy, evidence))
}

function sectionOf(policy: CompiledPolicy, action: Action) {
  switch (action.kind) {
    case "package":
      return policy.packages
    case "network":
      return policy.network
    case "credential":
      return policy.credentials
    case "mount":
      return policy.mounts
    case "mcp":
      return policy.mcp
    default:
      return policy.skills
  }
}

/** Counts the rules of which every clause from `from` on holds; the clauses before it were answered by an index. */
function countRules<A extends Action>(rules: readonly ListRule<A>[], action: A, tally: Tally, from: number): void {
  next: for (const rule of rules) {
    const { clauses } = rule
    for (let index = from; index < clauses.length; index++) {
      if (!clauses[index]?.holds(action)) continue next
    }
    countMatch(tally, rule, NO_EVIDENCE, true)
  }
}

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

function decideNetwork(policy: CompiledPolicy, action: NetworkAction, evidence: DecisionEvidence, tally: Tally): void {
  countNetworkFloor(action.host, evidence, tally)
  visitHostRules(policy, action.host, (rules) => {
    next: for (const rule of rules) {
      for (let index = 1; index < rule.clauses.length; index++) {
        if (!rule.clauses[index]?.holds(action)) continue next
      }
      countMatch(tally, rule, NO_EVIDENCE, true)
      for (const { counter, limit, unit, rule: exceeded } of rule.budget ?? []) {
        const used = evidence.counters?.[counter]
        if (used !== undefined && !(used < limit))
          countMatch(tally, exceeded, [{ kind: "budget", unit, used, limit }], false)
      }
    }
  })
}

function countNetworkFloor(host: string, evidence: DecisionEvidence, tally: Tally): void {
  if (isPrivateHost(host))
    countMatch(tally, FLOOR.privateAddress, [{ kind: "address", address: plainText(host, 100) }], false)
  else if (evidence.addresses?.some(isPrivateAddress)) {
    const found = evidence.addresses.filter(isPrivateAddress).slice(0, 8)
    countMatch(
      tally,
      FLOOR.privateAddress,
      [{ kind: "address", address: found.map((address) => plainText(address, 100)) }],
      false,
    )
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

function decideCredential(
  policy: CompiledPolicy,
  action: CredentialAction,
  evidence: DecisionEvidence,
  tally: Tally,
): void {
  countNetworkFloor(action.host, evidence, tally)
  const { byName } = policy.credentials
  countRules(byName.get(action.credential) ?? [], action, tally, 1)
  if (action.credential !== "*") countRules(byName.get("*") ?? [], action, tally, 1)
}

function decideMcp(policy: CompiledPolicy, action: McpAction, tally: Tally): void {
  const { byServer } = policy.mcp
  countRules(byServer.get(action.server) ?? [], action, tally, 0)
  if (action.server !== "*") countRules(byServer.get("*") ?? [], action, tally, 0)
}

/** What an action is about, as verdicts show it. */
export function subjectOf(action: Action): string {
  switch (action.kind) {
    case "package":
      return plainText(action.purl)
    case "network": {
      const standard =
        (action.port === 443 && action.scheme !== "http") || (action.port === 80 && action.scheme === "http")
      const host = action.host.includes(":") ? `[${action.host}]` : action.host
      return plainText(`${action.method} ${action.scheme}://${host}${standard ? "" : `:${action.port}`}${action.path}`)
    }
    case "credential":
      return plainText(`credential:${action.credential} ${action.method} ${action.host}${action.path}`)
    case "mount":
      return plainText(`mount:${action.path}${action.write ? ":rw" : ":ro"}`)
    case "mcp":
      return plainText(`mcp:${action.server}${action.tool === undefined ? "" : `/${action.tool}`}`)
    default:
      return plainText(`skill:${action.name}${action.version === undefined ? "" : `@${action.version}`}`)
  }
}
