// The question that a verdict about a request puts to people.
import { panelOf } from "../../approvals/panel.ts"
import { quietAt } from "../../approvals/quiet.ts"
import { hashRules } from "../../approvals/requests.ts"
import type { Asked, Json, NetworkArguments } from "../../approvals/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { CompiledPolicy } from "../../policy/compiled.ts"
import type { Verdict } from "../../policy/types.ts"
import type { Attribution } from "../types.ts"
import type { NobodyAsked } from "./types.ts"

/** Largest body that is kept while a request waits, in bytes. */
export const MAX_HELD_BODY = 8 * 1024 * 1024

/** What is asked, of whom, and for how long; or why nobody is asked now. Throws `NanoguardError` (usage) where nothing asks. */
export function requestQuestion(
  who: Attribution,
  policy: CompiledPolicy,
  verdict: Verdict,
  request: NetworkArguments,
  now: number,
): Asked | NobodyAsked {
  // What denies, a floor among it, is never put to a person here.
  if (verdict.effect !== "ask") throw refuse(`a verdict that says ${verdict.effect} asks nobody`)
  const group = verdict.approvers ?? ""
  const quiet = quietAt(policy, group, now, verdict.risk)
  if (quiet) {
    const { from, to, zone } = quiet
    return { state: "quiet", note: `nobody is asked from ${from} to ${to} (${zone})` }
  }
  const { panel, wait } = panelOf(policy, group, verdict.risk)
  return {
    ...{ kind: "network", agent: who.agent, operator: who.operator, run: who.run, boxed: who.boxed },
    ...{ subject: verdict.subject, arguments: request as unknown as Json, approvers: panel, wait },
    ...{ policyHash: policy.hash, ruleHash: hashRules(policy, [request.rule, ...(request.also ?? [])]) },
  }
}

/** Throws `NanoguardError` (usage) where a body is not the one that the question is about, or too large to be kept. */
export function checkBody(request: NetworkArguments, body: Buffer | undefined): void {
  const size = body?.length ?? 0
  if (size > MAX_HELD_BODY) throw refuse(`${size} bytes are more than ${MAX_HELD_BODY}`)
  if (size !== (request.body?.size ?? 0)) throw refuse("its body is not the one that is asked about")
}

function refuse(why: string): NanoguardError {
  return new NanoguardError(`the request cannot be held: ${why}`, {
    exit: EXIT.usage,
    hint: "only what a rule asks waits for a person",
  })
}
