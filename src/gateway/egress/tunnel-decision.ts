// What becomes of a CONNECT, before any of its bytes is read.
import { couldReach, networkNeeds } from "../../policy/network.ts"
import type { Verdict } from "../../policy/types.ts"
import { isRefused } from "../front/decide.ts"
import { requestIdOf } from "../refusal.ts"
import type { SeenRequest } from "../services/types.ts"
import type { Attribution } from "../types.ts"
import { NOTHING } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { type Judged, judge } from "./judge.ts"
import { isRegistry } from "./registry.ts"
import type { Target, TunnelDecision } from "./types.ts"

/**
 * A tunnel is looked into, unless a rule says otherwise: then this is all that is ever decided about it. One that no request could get
 * through is refused here where it is no HTTPS; where it is, the refusal is worth more inside, as an answer that clients show.
 */
export async function decideTunnel(deps: EgressDeps, who: Attribution, target: Target): Promise<TunnelDecision> {
  const { policy, registries } = deps.law()
  const { host, port } = target
  const needs = networkNeeds(policy, host, port)
  // The package gate answers for a registry, at whatever port it is.
  const answers = port === 443 || isRegistry(registries, target) || couldReach(policy, host, port)
  if (needs.inspect && answers) return { go: "inspect", http2: needs.http2 }
  const seen: SeenRequest = { method: "CONNECT", scheme: "https", host, port, path: "/", query: "", headers: {} }
  const judged = await judgeTunnel(deps, who, seen)
  const { action, evidence, verdict, reserved } = judged
  // People are asked about requests, never about a tunnel: a rule that asks has it looked into.
  if (!isRefused(verdict) && !needs.inspect) {
    const raw = needs.raw && { raw: needs.raw }
    await deps.traffic.allowed(who, { action, evidence, verdict }, { inspected: false, ...raw })
    return {
      ...{ go: "pass", ...raw },
      addresses: judged.addresses,
      done: ({ sent, received }) => reserved?.settle({ bytes: sent + received }),
    }
  }
  reserved?.settle({ sent: false })
  if (verdict.effect !== "deny" || !isRefused(verdict)) return { go: "inspect", http2: needs.http2 }
  return refuseTunnel(deps, who, judged, verdict)
}

async function judgeTunnel(deps: EgressDeps, who: Attribution, seen: SeenRequest): Promise<Judged> {
  const { policy } = deps.law()
  const needs = { ...networkNeeds(policy, seen.host, seen.port), classify: false, selectors: [] }
  const { now, budgets, holds, front } = deps
  // A name without an address is refused like one that nobody may reach: nothing can be dialled.
  const resolve = (host: string) => deps.resolve(host).catch(() => [])
  return judge(
    { policy, now, budgets, resolve, killed: front.killed, grantsFor: (args) => holds.grantsFor(who, policy, args) },
    { who, seen, needs, body: undefined, carried: async () => NOTHING },
  )
}

async function refuseTunnel(
  deps: EgressDeps,
  who: Attribution,
  { action, evidence }: Judged,
  verdict: Verdict,
): Promise<TunnelDecision> {
  const seq = await deps.traffic.refused(who, { action, evidence, verdict })
  return { go: "refuse", verdict, requestId: requestIdOf(seq) }
}
