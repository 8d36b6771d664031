// What the gate writes into the record about requests, before it does anything about them.
import { hostItem } from "../../audit/host-item.ts"
import type { Decision, Detail, Item, NewEvent, Outcome } from "../../audit/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { plainText } from "../../policy/text.ts"
import type { NetworkAction } from "../../policy/types.ts"
import type { Common } from "../../store/journal/take-in.ts"
import type { Batch, Store } from "../../store/types.ts"
import { createFlood } from "../flood.ts"
import type { Attribution } from "../types.ts"
import { createRepeats, repeatKey } from "./repeats.ts"
import type { TrafficRecorder } from "./types.ts"

/** Milliseconds for which a refusal like one before is recorded by reference to it. */
const REFUSED_AGAIN = 60_000

/** Writes events of the gateway `gateway` into `store`. Each rejects where the record could not be made. */
export function createTrafficRecorder(
  store: Pick<Store, "kind" | "write"> & Partial<Pick<Store, "repeat">>,
  gateway: string,
): TrafficRecorder {
  const write = async (events: readonly NewEvent[], more: Omit<Batch, "events"> = {}): Promise<number> => {
    try {
      return (await store.write({ ...more, events })).seqs[0]!
    } catch (error) {
      // Something of it may be of a size or kind that no record takes: that it was asked for is recorded all the same. What is to be
      // released is recorded whole, or it is not released.
      if (!(error instanceof NanoguardError) || error.exit !== EXIT.usage || !events.some(mayBeCut)) throw error
      return (await store.write({ ...more, events: events.map(standIn) })).seqs[0]!
    }
  }
  const repeats = createRepeats((event) => store.write({ events: [event], lax: true }), store.repeat)
  const refusedAgain = createRepeats((event) => store.write({ events: [event] }))
  const flood = createFlood()

  const of = ({ agent, run, operator, boxed }: Attribution) => ({ gateway, agent, run, operator, boxed })
  const decided = (
    type: string,
    who: Attribution,
    decision: Decision,
    outcome: Outcome,
    detail?: Detail,
  ): NewEvent => ({
    ...of(who),
    ...{ type, subject: decision.verdict.subject, decision, outcome, item: hostItem(decision.action as NetworkAction) },
    ...(detail && { detail }),
  })
  const common = ({ agent, run, operator, boxed }: Attribution, decision: Decision, outcome: Outcome): Common => ({
    ...{
      gateway,
      agent,
      run,
      operator,
      boxed,
      outcome,
      policy: decision.verdict.policyHash,
      item: hostItem(decision.action as NetworkAction),
    },
  })
  /** Each kind of its own: who floods with one must not hide another. */
  const bounded = (
    kind: "refused" | "violated" | "exfiltration" | "failed",
    who: Attribution,
    policy: string,
    one: () => Promise<number>,
  ) =>
    flood.record(`${kind} ${who.agent}`, one, (count) => {
      const detail = { kind, count }
      const outcome = kind === "failed" ? "failed" : "refused"
      return write([{ ...of(who), type: "network.flooded", subject: who.agent, policy, outcome, detail }])
    })

  return {
    allowed: (who, decision, detail) => {
      const { effect, excepted = [] } = decision.verdict
      const first = (plain: boolean) =>
        write([decided("network.decided", who, decision, "released", detail)], plain ? { lax: true } : {})
      // What somebody answers for is told each time, and synced.
      if (excepted.length > 0) return first(false)
      const key = repeatKey(who, decision, "released", detail)
      // What repeats refer to must outlive whatever this gate outlives: PostgreSQL's server may go down without it.
      const plain = effect === "allow" && store.kind === "sqlite"
      return repeats.record(
        key,
        () => common(who, decision, "released"),
        () => first(plain),
      )
    },
    refused: (who, decision, { approval, detail } = {}) => {
      const event = decided("network.decided", who, decision, "refused", detail)
      const key = repeatKey(who, decision, "refused", [approval, detail])
      const one = () => write([{ ...event, ...(approval !== undefined && { approval }) }])
      return bounded("refused", who, decision.verdict.policyHash, () =>
        refusedAgain.record(key, () => common(who, decision, "refused"), one, REFUSED_AGAIN),
      )
    },
    released: (who, decision, { grants, changes, credentials, detail }) => {
      const [first] = grants
      const by = [...new Set(grants.flatMap((grant) => grant.by))]
      const names = credentials.length > 0 && { credentials }
      const event = decided("network.released", who, decision, "released", { ...detail, ...names })
      const granted = first && { approval: first.grant.id, by }
      const injected = credentials.map((name): NewEvent => {
        const { subject, policyHash: policy } = decision.verdict
        const item: Item = { kind: "credential", name }
        return { ...of(who), type: "credential.injected", subject, policy, outcome: "released", item }
      })
      return write([{ ...event, ...granted }, ...injected], { changes })
    },
    failed: (who, subject, policy, sentBy, detail) => {
      const event = { ...of(who), type: "network.failed", subject, policy, outcome: "failed" as const }
      const about = { ...detail, ...(sentBy !== undefined && { of: sentBy }) }
      return bounded("failed", who, policy, () => write([{ ...event, detail: about }]))
    },
    violated: (who, subject, policy, detail) =>
      bounded("violated", who, policy, () =>
        write([{ ...of(who), type: "network.violated", subject, policy, outcome: "refused", detail }]),
      ),
    exfiltration: (who, decision, detail) => {
      const type = detail.canary ? "credential.canary" : "credential.exfiltration"
      return bounded("exfiltration", who, decision.verdict.policyHash, () =>
        write([decided(type, who, decision, "refused", detail)]),
      )
    },
  }
}

const mayBeCut = (event: NewEvent) => event.decision !== undefined && event.outcome !== "released"

/** What a record takes of an event that it does not take whole. */
function standIn(event: NewEvent): NewEvent {
  const { decision, subject, item: _, detail: __, ...rest } = event
  if (decision === undefined) return event
  const { effect, code, policyHash } = decision.verdict
  return { ...rest, subject: plainText(subject, 300), policy: policyHash, detail: { effect, code, cut: true } }
}
