// One request, decided: what it is, what it carries, what it has used up, where it leads, and what people said of it.
import type { ActiveGrant, NetworkArguments } from "../../approvals/types.ts"
import type { CompiledPolicy, ListRule } from "../../policy/compiled.ts"
import { decideRequest } from "../../policy/decide-request.ts"
import { matchingRules, type NetworkNeeds } from "../../policy/network.ts"
import type { DecisionEvidence, NetworkAction, Verdict } from "../../policy/types.ts"
import { classify, describeRequest, readFields } from "../services/index.ts"
import type { Classified, Fields, SeenRequest } from "../services/types.ts"
import type { Attribution } from "../types.ts"
import { askArguments } from "./ask.ts"
import type { Carried } from "./credentials.ts"
import type { Trailers } from "./trailers.ts"
import type { Budgets, Reservation } from "./types.ts"

export interface JudgeDeps {
  policy: CompiledPolicy
  now: () => number
  budgets: Budgets
  /** Addresses of a host; rejects where it has none. */
  resolve: (host: string) => Promise<readonly string[]>
  /** What people agreed to about this very request. */
  grantsFor: (args: NetworkArguments) => Promise<readonly ActiveGrant[]>
  /** Whether somebody is under a kill; nobody is where absent. */
  killed?: ((who: Attribution) => boolean) | undefined
}

export interface JudgeInput {
  who: Attribution
  seen: SeenRequest
  needs: NetworkNeeds
  /** Placeholders and credentials, by what is known of the request. */
  carried: (
    action: NetworkAction,
    rules: readonly ListRule<NetworkAction>[],
    classified: Classified,
  ) => Promise<Carried>
  /** As it was sent, where all of it is there. */
  body: Buffer | undefined
  trailers?: Trailers
  opening?: "websocket" | "grpc" | undefined
  /** Asked for only where a person is to be asked. */
  provenance?: () => Promise<readonly string[]>
}

export interface Judged {
  action: NetworkAction
  evidence: DecisionEvidence
  verdict: Verdict
  classified: Classified
  rules: readonly ListRule<NetworkAction>[]
  carried: Carried
  addresses: readonly string[]
  /** What people agreed to, where the verdict rests on it. */
  grants: readonly ActiveGrant[]
  /** What would be asked of people. */
  args?: NetworkArguments
  /** Where a matching rule has a budget. To be settled, whatever becomes of the request. */
  reserved?: Reservation
}

/** The host has no address, or names no answer: not a decision. */
export class HostNotFound extends Error {
  override name = "HostNotFound"
}

/** The action that a request is, with what the policy's rules look at. */
export async function actionOf(seen: SeenRequest, needs: NetworkNeeds, classified: Classified): Promise<NetworkAction> {
  const { method, scheme, host, port, path } = seen
  const { fields, unread }: Fields =
    needs.selectors.length > 0 ? await readFields(seen, needs.selectors) : { fields: {} }
  // That the operation itself may be another one says more than that some of the body was not read.
  const why = (needs.classify ? classified.unread : undefined) ?? unread
  return {
    ...{ kind: "network", method, scheme, host, port, path },
    ...(classified.operation !== "" && { operation: classified.operation }),
    ...((needs.classify || classified.operation !== "") && { access: classified.access }),
    ...(Object.keys(fields).length > 0 && { fields }),
    ...(why !== undefined && { unread: why }),
  }
}

/**
 * Decides a request by everything that can be known of it. A host that no rule lets through is not even looked up: names are messages,
 * too. Rejects with `HostNotFound`, or where the store is out of order.
 */
export async function judge(deps: JudgeDeps, input: JudgeInput): Promise<Judged> {
  const { policy, now } = deps
  const { who, seen, needs } = input
  const classified = await classify(seen, needs.service)
  const action = await actionOf(seen, needs, classified)
  const rules = matchingRules(policy, action)
  const carried = await input.carried(action, rules, classified)
  const base: DecisionEvidence = {
    now: now(),
    ...(carried.unbound !== undefined && { unboundPlaceholder: carried.unbound }),
    ...(deps.killed?.(who) && { killed: true }),
    ...(who.scope && { scope: who.scope }),
  }
  const plain = { action, classified, rules, carried, grants: [] }
  const credentials = carried.inject.map(({ credential }) => credential)
  const strictest = (evidence: DecisionEvidence) => decideRequest(policy, action, credentials, evidence)
  const first = strictest({ ...base, counters: {} })
  if (first.effect === "deny" && first.mode === "enforce") {
    return { ...plain, evidence: { ...base, counters: {} }, verdict: first, addresses: [] }
  }
  const addresses = await deps.resolve(seen.host).catch(() => {
    throw new HostNotFound(seen.host)
  })
  const limited = who.scope?.budgets !== undefined || rules.some((rule) => rule.budget !== undefined)
  const reserved = limited ? await deps.budgets.reserve(who, rules) : undefined
  const evidence: DecisionEvidence = { ...base, addresses, counters: reserved?.counters ?? {} }
  const verdict = strictest(evidence)
  const known = { ...plain, addresses, ...(reserved && { reserved }) }
  if (verdict.effect !== "ask") return { ...known, evidence, verdict }
  try {
    return { ...known, ...(await readConsent(deps, input, { ...known, evidence, verdict }, strictest)) }
  } catch (error) {
    reserved?.settle({ sent: false })
    throw error
  }
}

/** What people are to be asked, and what they have agreed to already. Rules of several groups may ask: who agreed for one has not for the others. */
async function readConsent(
  { grantsFor }: JudgeDeps,
  { seen, body, trailers = [], opening, provenance }: JudgeInput,
  { action, classified, rules, carried, evidence, verdict }: Judged,
  strictest: (evidence: DecisionEvidence) => Verdict,
): Promise<Pick<Judged, "evidence" | "verdict" | "grants" | "args">> {
  const described = await describeRequest(seen, classified)
  const said = await provenance?.()
  // All of them: one more beside what was agreed to is another request.
  const credential =
    carried.inject
      .map((one) => one.credential)
      .sort()
      .join(", ") || undefined
  const about = {
    action,
    seen,
    described,
    body,
    trailers,
    rules,
    credential,
    opening,
    ...(said && { provenance: said }),
  }
  let judged = { evidence, verdict, grants: [] as readonly ActiveGrant[] }
  for (;;) {
    const args = askArguments({ ...about, verdict: judged.verdict })
    const more = (await grantsFor(args)).filter(({ grant }) => !judged.grants.some((one) => one.grant.id === grant.id))
    const grants = [...judged.grants, ...more]
    const granted = { ...evidence, grants: grants.map(({ grant }) => grant) }
    if (more.length > 0) judged = { evidence: granted, verdict: strictest(granted), grants }
    // The next group's question.
    if (more.length > 0 && judged.verdict.effect === "ask") continue
    const used = judged.grants.filter(({ grant: { id } }) =>
      judged.verdict.excepted?.some(({ rule }) => rule === `approval ${id}`),
    )
    return { ...judged, args, grants: used }
  }
}
