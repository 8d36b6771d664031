// What the gate writes into the record about requests, before it does anything about them.
import type { Decision, Detail, NewEvent, Outcome } from "../../audit/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { plainText } from "../../policy/text.ts"
import type { NetworkAction } from "../../policy/types.ts"
import type { Batch, Store } from "../../store/types.ts"
import type { Attribution } from "../types.ts"
import type { TrafficRecorder } from "./types.ts"

/** Writes events of the gateway `gateway` into `store`. Each rejects where the record could not be made. */
export function createTrafficRecorder(store: Pick<Store, "append" | "write">, gateway: string): TrafficRecorder {
  const of = ({ agent, run, operator, boxed }: Attribution) => ({ gateway, agent, run, operator, boxed })
  const decided = (
    type: string,
    who: Attribution,
    decision: Decision,
    outcome: Outcome,
    detail?: Detail,
  ): NewEvent => ({
    ...of(who),
    ...{ type, subject: decision.verdict.subject, decision, outcome },
    ...(outcome === "released" && { item: itemOf(decision) }),
    ...(detail && { detail }),
  })
  /** Something of it may be of a size or kind that no record takes: that it was asked for is recorded all the same. */
  const write = async (event: NewEvent, batch: Omit<Batch, "events"> = {}): Promise<number> => {
    try {
      return (await store.write({ ...batch, events: [event] })).seqs[0]!
    } catch (error) {
      if (!(error instanceof NanoguardError) || error.exit !== EXIT.usage || event.decision === undefined) throw error
      const { decision, item: _, ...rest } = event
      const { effect, code, policyHash, subject } = decision.verdict
      const cut = { ...rest, subject: plainText(subject, 300), policy: policyHash, detail: { effect, code, cut: true } }
      return (await store.write({ ...batch, events: [cut] })).seqs[0]!
    }
  }
  return {
    allowed: (who, decision, detail) =>
      write(decided("network.decided", who, decision, "released", detail), { lax: true }),
    refused: (who, decision, { approval, detail } = {}) =>
      write({
        ...decided("network.decided", who, decision, "refused", detail),
        ...(approval !== undefined && { approval }),
      }),
    released: (who, decision, { grants, changes, credentials, detail }) => {
      const [first] = grants
      const by = [...new Set(grants.flatMap((grant) => grant.by))]
      const event = decided("network.released", who, decision, "released", {
        ...detail,
        ...(credentials.length > 0 && { credentials }),
      })
      return write({ ...event, ...(first && { approval: first.grant.id, by }) }, { changes })
    },
    failed: (who, subject, policy, of_, detail) =>
      store.append({
        ...of(who),
        type: "network.failed",
        subject,
        policy,
        outcome: "failed",
        detail: { ...detail, of: of_ },
      }),
    violated: (who, subject, policy, detail) =>
      store.append({ ...of(who), type: "network.violated", subject, policy, outcome: "refused", detail }),
    exfiltration: (who, decision, detail) =>
      write(decided(detail.canary ? "credential.canary" : "credential.exfiltration", who, decision, "refused", detail)),
  }
}

/** What an agent reached. */
function itemOf({ action }: Decision) {
  const { host, port } = action as NetworkAction
  return { kind: "host" as const, name: port === 443 ? host : `${host}:${port}` }
}
