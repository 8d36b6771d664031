// Approvals over the control API: looking, listening, deciding and withdrawing. Who calls is nobody in particular: what counts is what they sign.
import { type Answered, submitDecision } from "../../approvals/answer.ts"
import { readApprovers } from "../../approvals/approvers.ts"
import { cancelApproval } from "../../approvals/cancel.ts"
import { tallyDecisions, verifyDecision } from "../../approvals/decision.ts"
import { listApprovals, readApproval } from "../../approvals/list.ts"
import type { Approval, ApprovalState, Binding, Decision, NetworkArguments } from "../../approvals/types.ts"
import { type Risk, riskOf } from "../../policy/risk.ts"
import type { Store } from "../../store/types.ts"
import type { Vault } from "../../vault/types.ts"
import { openBody } from "../hold/body.ts"

/** A request in a list. Times are milliseconds since the epoch. */
export interface ListedApproval
  extends Pick<Binding, "kind" | "agent" | "subject" | "requested" | "expires">,
    Pick<Approval, "id" | "digest" | "state" | "uses"> {
  run?: string
  operator?: string
  /** How much harm a wrong yes would do, as the rules that ask say. */
  risk: Risk
  /** Name of those who may decide. */
  group: string
  /** Those whose signed yes counts now. */
  agreed: readonly string[]
  /** How many more have to agree. */
  missing: number
}

/** A request whole: with what its digest is of, and each answer with whether it counts. */
export interface WholeApproval extends ListedApproval {
  binding: Binding
  decisions: readonly (Omit<Decision, "approval"> & { counts: boolean })[]
}

export interface ApprovalControls {
  list: (state: ApprovalState) => Promise<ListedApproval[]>
  show: (id: string) => Promise<WholeApproval | undefined>
  /** The bytes that wait; undefined where there are none. */
  body: (id: string) => Promise<Buffer | undefined>
  /** Takes an answer that was signed elsewhere. */
  decide: (decision: Decision) => Promise<Answered>
  cancel: (id: string) => Promise<boolean>
  /** What the feed of events reads. */
  store: Pick<Store, "db" | "subscribe">
}

/**
 * Approvals of `store`; `gateway` is who writes in the record, `vault` what bodies were sealed with, `now` in milliseconds since the epoch.
 * `onDecided` is told of each decision at once: `Holds.wake`.
 */
export function createApprovalControls(
  store: Store,
  vault: Pick<Vault, "open">,
  gateway: string,
  now: () => number,
  onDecided: () => void = () => {},
): ApprovalControls {
  const { db } = store
  return {
    store,
    list: async (state) => {
      const approvers = await readApprovers(db)
      return (await listApprovals(db, now(), state)).map((approval) => toListed(approval, approvers))
    },
    show: async (id) => {
      const approval = await readApproval(db, id, now())
      return approval && toWhole(approval, await readApprovers(db))
    },
    body: async (id) => {
      const approval = await readApproval(db, id, now())
      if (approval?.binding.kind !== "network") return undefined
      return openBody(db, vault, id, approval.binding.arguments as unknown as NetworkArguments)
    },
    decide: async (decision) => {
      const answered = await submitDecision(store, decision, now(), gateway)
      onDecided()
      return answered
    },
    cancel: (id) => cancelApproval(store, id, now(), gateway),
  }
}

type Approvers = Awaited<ReturnType<typeof readApprovers>>

function toListed(approval: Approval, approvers: Approvers): ListedApproval {
  const { id, digest, state, uses, binding } = approval
  const { kind, agent, subject, requested, expires, run, operator } = binding
  const { by } = tallyDecisions(approval, binding.approvers, approvers)
  return {
    ...{ id, digest, state, uses, kind, agent, subject, requested, expires, group: binding.approvers.group },
    risk: riskOf(binding.approvers.risk),
    ...(run !== undefined && { run }),
    ...(operator !== undefined && { operator }),
    ...{ agreed: by, missing: Math.max(0, binding.approvers.quorum - by.length) },
  }
}

function toWhole(approval: Approval, approvers: Approvers): WholeApproval {
  const { binding, decisions } = approval
  const counted = decisions.map((decision) => {
    const { approval: _, ...answer } = decision
    return { ...answer, counts: verifyDecision(approval, decision, binding.approvers, approvers) }
  })
  return { ...toListed(approval, approvers), binding, decisions: counted }
}
