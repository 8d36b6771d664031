// What people's signed answers amount to.
import { canonicalText } from "../audit/sealing/canonical.ts"
import { personOf } from "../policy/person.ts"
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
  if (!approver || !mayDecide(panel, by, binding) || time < binding.requested || time >= binding.expires) return false
  return verifySignature(approver.key, decisionMessage(digest, decision), signature)
}

export interface Tallied {
  denied: boolean
  /** Those who agreed, each once. */
  by: string[]
  /** The narrowest of their terms. */
  terms: Terms
}

/** Counts the answers of a request that count: people, so that neither two keys of one nor one key under two names are two. */
export function tallyDecisions(
  approval: Pick<Approval, "digest" | "binding" | "decisions">,
  panel: Panel,
  approvers: ReadonlyMap<string, Approver>,
): Tallied {
  const valid = approval.decisions.filter((decision) => verifyDecision(approval, decision, panel, approvers))
  const agreed = valid.filter(({ answer }) => answer === "approve")
  const counted = new Set<string>()
  const by = agreed.flatMap(({ by: name }) => {
    const marks = [personOf(name), approvers.get(name)!.key]
    const isNew = marks.every((mark) => !counted.has(mark))
    for (const mark of marks) counted.add(mark)
    return isNew ? [name] : []
  })
  const terms = agreed.map((decision) => meantTerms(approval.binding, panel, decision.terms))
  return {
    denied: valid.some(({ answer }) => answer === "deny"),
    by,
    terms: terms.length === 0 ? {} : terms.reduce(narrower, terms[0]!),
  }
}

/** What terms mean where they leave something out: a request of its own is let through once; where nothing may be agreed to in advance, whatever they say. */
function meantTerms({ kind, run }: Approval["binding"], { alike }: Panel, terms: Terms): Terms {
  if (kind === "network" && alike === false) {
    const { covers: _, ...rest } = terms
    return { ...rest, ...(run !== undefined && { scope: "run" }), uses: 1 }
  }
  if (kind !== "network" || terms.covers === "alike" || terms.uses !== undefined) return terms
  return { ...terms, uses: 1 }
}

/** What both terms allow. */
function narrower(a: Terms, b: Terms): Terms {
  const least = (x: number | undefined, y: number | undefined) => Math.min(x ?? Infinity, y ?? Infinity)
  const [uses, expires] = [least(a.uses, b.uses), least(a.expires, b.expires)]
  return {
    scope: a.scope === "agent" && b.scope === "agent" ? "agent" : "run",
    ...(a.covers === "alike" && b.covers === "alike" && { covers: "alike" }),
    ...(uses < Infinity && { uses }),
    ...(expires < Infinity && { expires }),
  }
}
