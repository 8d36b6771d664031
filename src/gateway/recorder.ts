// What the gate writes into the record before it answers. A record that cannot be made is an answer that is not given. What is plainly
// allowed need not wait for the disk: it outlives this process, and is synced within 100 ms. All that mattered is synced first.
import { consumeGrant } from "../approvals/grants.ts"
import type { ActiveGrant } from "../approvals/types.ts"
import type { Decision, Detail, Item, NewEvent, Outcome } from "../audit/types.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { plainText } from "../policy/text.ts"
import type { Batch, Store } from "../store/types.ts"
import { createFlood } from "./flood.ts"
import type { Attribution } from "./types.ts"

export interface Recorder {
  /** A listing that is about to be answered; resolves with its sequence number. */
  listed: (who: Attribution, subject: string, policy: string, detail: Detail) => Promise<number>
  /** A decision about one version that is about to be answered. */
  decided: (who: Attribution, decision: Decision, outcome: Outcome, more?: More) => Promise<number>
  /** That what was released did not arrive: an upstream that broke off, bytes that were not those that were promised. */
  failed: (who: Attribution, subject: string, policy: string, detail: Detail) => Promise<number>
  /** Anything else of the gate's own. */
  note: (event: Omit<NewEvent, "gateway">) => Promise<number>
}

export interface More {
  item?: Item
  /** The request that waits for people. */
  approval?: string
  /** What people agreed to: the use is counted in the same transaction, which rejects with `Conflict` where it was used up meanwhile. */
  grants?: readonly ActiveGrant[]
  detail?: Detail
}

/** Listings a minute of one agent that are recorded one by one: more than the largest installation asks for. */
const LISTINGS = 6_000
/** Milliseconds for which listings beyond that are gathered: many machines may install at once under one name, and nothing is wrong with that. */
const GATHER = 50

/** Writes events of the gateway `gateway` into `store`. Each rejects where the record could not be made durable. */
export function createRecorder(store: Pick<Store, "append" | "write" | "db">, gateway: string): Recorder {
  const of = (who: Attribution) => ({
    gateway,
    agent: who.agent,
    run: who.run,
    operator: who.operator,
    boxed: who.boxed,
  })
  const flood = { refused: createFlood(), failed: createFlood(), released: createFlood(LISTINGS, GATHER) }
  const write = async (batch: Batch): Promise<number> => (await store.write(batch)).seqs[0]!
  /** Nobody fills the disk: beyond a number a minute they are counted. What is let through is always told one by one. */
  const bounded = (who: Attribution, outcome: keyof typeof flood, policy: string, event: () => Promise<number>) =>
    flood[outcome].record(who.agent, event, (count) => {
      const detail = { kind: outcome === "released" ? "listed" : outcome, count }
      const flooded = { ...of(who), type: "package.flooded", subject: who.agent, policy, outcome, detail }
      return write({ events: [flooded], ...(outcome === "released" && { lax: true }) })
    })

  const decided: Recorder["decided"] = async (who, decision, outcome, { grants = [], ...more } = {}) => {
    const subject = decision.verdict.subject
    const [first] = grants
    const by = [...new Set(grants.flatMap((grant) => grant.by))]
    const granted = first && { approval: first.grant.id, by }
    const event: NewEvent = { ...of(who), type: "package.decided", subject, decision, outcome, ...more, ...granted }
    try {
      const changes = grants.flatMap((grant) => consumeGrant(store.db, grant))
      const { effect, excepted = [] } = decision.verdict
      const plain = effect === "allow" && outcome === "released" && grants.length === 0 && excepted.length === 0
      return await write({ changes, events: [event], ...(plain && { lax: true }) })
    } catch (error) {
      // What was asked for may be of a size or kind that no record takes: that it was asked for is recorded all the same.
      if (!(error instanceof NanoguardError) || error.exit !== EXIT.usage || outcome === "released") throw error
      const { effect, code, policyHash } = decision.verdict
      return store.append({
        ...{ ...of(who), type: event.type, subject: plainText(subject, 300), outcome, policy: policyHash },
        detail: { effect, code, cut: true },
      })
    }
  }

  return {
    listed: (who, subject, policy, detail) => {
      const event: NewEvent = { ...of(who), type: "package.listed", subject, policy, outcome: "released", detail }
      return bounded(who, "released", policy, () => write({ events: [event], lax: true }))
    },
    decided: (who, decision, outcome, more) => {
      const one = () => decided(who, decision, outcome, more)
      return outcome === "released" ? one() : bounded(who, "refused", decision.verdict.policyHash, one)
    },
    failed: (who, subject, policy, detail) => {
      const event: NewEvent = { ...of(who), type: "package.failed", subject, policy, outcome: "failed", detail }
      return bounded(who, "failed", policy, () => store.append(event))
    },
    note: (event) => store.append({ ...event, gateway }),
  }
}
