// What people said about what an agent wants, and a place to ask them: the approval queue, as the front needs it.
import { activeGrants } from "../approvals/grants.ts"
import { exceptionQuestion, packageQuestion } from "../approvals/packages.ts"
import { requestApproval } from "../approvals/queue.ts"
import type { ActiveGrant } from "../approvals/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Verdict } from "../policy/types.ts"
import type { Store } from "../store/types.ts"
import { createLru } from "./lru.ts"
import type { Attribution, Refusal } from "./types.ts"

export interface Desk {
  /** What was agreed to for this agent under this policy; up to `FRESH` old. */
  grantsFor: (who: Attribution, policy: CompiledPolicy) => Promise<readonly ActiveGrant[]>
  /** Has what was agreed to read again: something of it was used. */
  forget: (who: Attribution, policy: CompiledPolicy) => void
  /** Puts the question to people, or finds it where it already waits; undefined where too much waits already. */
  request: (
    who: Attribution,
    policy: CompiledPolicy,
    verdict: Verdict,
    integrity: string | undefined,
  ) => Promise<Refusal["approval"]>
  /** Asks people to lift what decided against one version. */
  requestException: (
    who: Pick<Attribution, "agent"> & Partial<Attribution>,
    policy: CompiledPolicy,
    verdict: Verdict,
    integrity: string | undefined,
    reason: string,
  ) => Promise<Refusal["approval"]>
}

/** Milliseconds for which what people said is not read again: an install asks a thousand times. */
const FRESH = 500
const AGENTS = 1_000

/** A desk over the queue of `store`; `gateway` is who asks in the record, `now` gives milliseconds since the epoch. */
export function createDesk(store: Store, gateway: string, now: () => number): Desk {
  const read = createLru<{ at: number; grants: Promise<ActiveGrant[]> }>(AGENTS)
  const keyOf = (who: Attribution, policy: CompiledPolicy) => [who.agent, who.run, who.operator, policy.hash].join("\0")
  return {
    forget: (who, policy) => read.delete(keyOf(who, policy)),
    grantsFor: (who, policy) => {
      const key = keyOf(who, policy)
      const known = read.get(key)
      if (known !== undefined && performance.now() - known.at < FRESH) return known.grants
      const { agent, run, operator } = who
      const entry = {
        at: performance.now(),
        grants: activeGrants(store.db, { policy, agent, run, operator, now: now() }),
      }
      read.set(key, entry)
      entry.grants.catch(() => read.delete(key))
      return entry.grants
    },
    request: async (who, policy, verdict, integrity) => {
      const question = packageQuestion(who, { policy, verdict, purl: verdict.subject, integrity })
      const asked = await requestApproval(store, question, now(), gateway)
      return asked.state === "flooded" ? undefined : asked
    },
    requestException: async (who, policy, verdict, integrity, reason) => {
      const question = exceptionQuestion(who, { policy, verdict, purl: verdict.subject, integrity, reason })
      const asked = await requestApproval(store, question, now(), gateway)
      return asked.state === "flooded" ? undefined : asked
    },
  }
}
