// Decisions about requests, for tests of what is recorded of them; and a store that only remembers.
import type { Decision } from "../../../src/audit/types.ts"
import { createTrafficRecorder } from "../../../src/gateway/egress/record.ts"
import type { Verdict } from "../../../src/policy/types.ts"
import type { Batch, Store } from "../../../src/store/types.ts"

export const WHO = { agent: "claude-1", operator: "ana", run: "run-1", boxed: true }

interface Asked {
  path?: string
  host?: string
  effect?: Verdict["effect"]
  now?: number
  addresses?: string[]
  counters?: Record<string, number>
  excepted?: Verdict["excepted"]
}

/** A decision about a GET, allowed unless said otherwise. */
export function decision({
  path = "/",
  host = "api.example.com",
  effect = "allow",
  excepted,
  now = 1,
  ...more
}: Asked): Decision {
  const subject = `GET https://${host}${path}`
  const verdict = { effect, code: `network.${effect}`, rule: "r (p:1:1)", subject, reason: "", evidence: [] }
  return {
    action: { kind: "network", method: "GET", scheme: "https", host, port: 443, path },
    evidence: { now, ...more },
    verdict: { ...verdict, mode: "enforce", policyHash: "sha256:p", ...(excepted && { excepted }) },
  }
}

/** A store that only remembers what is written to it; `refuse` makes it fail. */
export function memory(refuse: (batch: Batch) => Error | undefined = () => undefined, kind: Store["kind"] = "sqlite") {
  const batches: Batch[] = []
  let seq = 0
  const write: Store["write"] = async (batch) => {
    await Promise.resolve()
    const error = refuse(batch)
    if (error) throw error
    batches.push(batch)
    return { seqs: (batch.events ?? []).map(() => ++seq) }
  }
  const events = () => batches.flatMap(({ events = [] }) => events)
  return { batches, events, traffic: createTrafficRecorder({ kind, write }, "gw") }
}
