// A request together with the credentials that would go onto it: one verdict.
import type { CompiledPolicy } from "./compiled.ts"
import { decide } from "./decide.ts"
import { gravest } from "./risk.ts"
import type { AlsoMatched, DecisionEvidence, NetworkAction, Verdict } from "./types.ts"

const RANK = { allow: 0, ask: 1, deny: 2 } as const

/** What a verdict stops comes before what it would only have stopped. */
const strength = ({ effect, mode }: Verdict) => RANK[effect] + (mode === "enforce" && effect !== "allow" ? 10 : 0)

/**
 * The strictest of the verdicts on a request and on each credential by name; of equal ones the request's own. What the others ask or deny is under
 * `also`, so that a person who is asked can be asked everything at once.
 */
export function decideRequest(
  policy: CompiledPolicy,
  action: NetworkAction,
  credentials: readonly string[],
  evidence: DecisionEvidence,
): Verdict {
  const { method, host, port, path } = action
  const verdicts = [
    decide(policy, action, evidence),
    ...credentials.map((credential) =>
      decide(policy, { kind: "credential", credential, method, host, port, path, request: action }, evidence),
    ),
  ]
  if (verdicts.length === 1) return verdicts[0] as Verdict
  const strictest = verdicts.reduce((best, verdict) => (strength(verdict) > strength(best) ? verdict : best))
  const also = verdicts.flatMap((verdict): AlsoMatched[] => {
    if (verdict === strictest) return [...(verdict.also ?? [])]
    const { code, effect, rule, approvers, risk } = verdict
    const more = { ...(approvers !== undefined && { approvers }), ...(risk !== undefined && { risk }) }
    const own = effect === "allow" ? [] : [{ code, effect, rule, ...more }]
    return [...own, ...(verdict.also ?? [])]
  })
  const excepted = verdicts.flatMap((verdict) => verdict.excepted ?? [])
  const asking = [strictest, ...also].filter(
    ({ effect, approvers }) => effect === "ask" && approvers === strictest.approvers,
  )
  const risk = strictest.effect === "ask" ? gravest(asking.map((one) => one.risk)) : undefined
  // Its own is one of those that are weighed: a small one must not outlast a question of medium risk, which has no word for itself.
  const { risk: _, ...rest } = strictest
  return {
    ...rest,
    ...(risk !== undefined && { risk }),
    ...(also.length > 0 && { also }),
    ...(excepted.length > 0 && { excepted }),
  }
}
