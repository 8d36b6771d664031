// What people's signed answers amount to.
import { canonicalText } from "../audit/sealing/canonical.ts"
import { mayDecide } from "./panel.ts"
import { verifySignature } from "./signature.ts"
import type { Approval, Approver, Decision, Panel, Terms } from "./types.ts"

/** What a person signs to decide: the first line says what it is, so that no other signature of theirs can stand for it. */
export function decisionMessage(
  digest: string,
  { answer, terms, time }: Pick<Decision, "answer" | "terms" | "time">,
): string {
  return `nanoguard-approval-v1\n${digest}\n${answer}\n${canonicalText(terms)}\n${time}`
}

/** Whether an answer counts: signed in time, by somebody who is enrolled now and was asked. */
export function verifyDecision(
  { digest, binding }: Pick<Approval, "digest" | "binding">,
  decision: Decision,
  panel: Panel,
  approvers: ReadonlyMap<string, Approver>,
): boolean {
  const { by, time, signature } = decision
  const approver = approvers.get(by)
  if (!approver || !mayDecide(panel, by) || time < binding.requested || time >= binding.expires) return false
  return verifySignature(approver.key, decisionMessage(digest, decision), signature)
}

export interface Tallied {
  denied: boolean
  /** Those who agreed, each once. */
  by: string[]
  /** The narrowest of their terms. */
  terms: Terms
}

/** Counts the answers of a request that count. */
export function tallyDecisions(
  approval: Pick<Approval, "digest" | "binding" | "decisions">,
  panel: Panel,
  approvers: ReadonlyMap<string, Approver>,
): Tallied {
  const valid = approval.decisions.filter((decision) => verifyDecision(approval, decision, panel, approvers))
  const agreed = valid.filter(({ answer }) => answer === "approve")
  return {
    denied: valid.some(({ answer }) => answer === "deny"),
    by: [...new Set(agreed.map(({ by }) => by))],
    terms: agreed.map(({ terms }) => terms).reduce(narrower, {}),
  }
}

/** What both terms allow. */
function narrower(a: Terms, b: Terms): Terms {
  const least = (x: number | undefined, y: number | undefined) => Math.min(x ?? Infinity, y ?? Infinity)
  const [uses, expires] = [least(a.uses, b.uses), least(a.expires, b.expires)]
  return {
    scope: (a.scope ?? b.scope) === "agent" && b.scope === "agent" ? "agent" : "run",
    ...(uses < Infinity && { uses }),
    ...(expires < Infinity && { expires }),
  }
}
