// The one law: pure, synchronous, without I/O. CI and the gate both call it, so they can never disagree.

import type { CompiledPolicy, ListRule } from "./compiled.ts"
import { NO_EVIDENCE } from "./conditions.ts"
import { countNetworkFloor, decideNetwork, reachingRules } from "./decide-network.ts"
import { decidePackage } from "./decide-package.ts"
import { grantsInForce } from "./grants.ts"
import { visitIndex } from "./name-index.ts"
import { FLOOR } from "./rules.ts"
import { countScope } from "./scope.ts"
import { countMatch, createTally, finishTally, type Tally } from "./tally.ts"
import { plainText } from "./text.ts"
import type { Action, CredentialAction, DecisionEvidence, McpAction, Verdict } from "./types.ts"

/**
 * Decides one action. The strictest matching rule wins and order never matters; an exception takes one code of one
 * package out before that, and so does a person's approval of this very action; floors hold whatever the policy says, in
 * observe mode too.
 */
export function decide(policy: CompiledPolicy, action: Action, evidence: DecisionEvidence): Verdict {
  const tally = createTally(policy.mode)
  if (evidence.scope) countScope(policy, action, evidence.scope, evidence.counters, tally)
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

function decideCredential(
  policy: CompiledPolicy,
  action: CredentialAction,
  evidence: DecisionEvidence,
  tally: Tally,
): void {
  countNetworkFloor(action.host, evidence, reachingRules(policy, action), tally)
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
      return plainText(
        `credential:${action.credential} ${action.method} ${action.host}${action.port === undefined || action.port === 443 ? "" : `:${action.port}`}${action.path}`,
      )
    case "mount":
      return plainText(`mount:${action.path}${action.write ? ":rw" : ":ro"}`)
    case "mcp":
      return plainText(`mcp:${action.server}${action.tool === undefined ? "" : `/${action.tool}`}`)
    default:
      return plainText(`skill:${action.name}${action.version === undefined ? "" : `@${action.version}`}`)
  }
}
