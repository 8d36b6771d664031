// One request through the proxy: read, decided, held where people are asked, and sent on or refused.
import type { IncomingMessage } from "node:http"
import type { CompiledPolicy } from "../../policy/compiled.ts"
import { subjectOf } from "../../policy/decide.ts"
import { type NetworkNeeds, networkNeeds } from "../../policy/network.ts"
import type { Verdict } from "../../policy/types.ts"
import { Conflict } from "../../store/conflict.ts"
import { type Answer, errorAnswer, unavailableAnswer } from "../answer.ts"
import { isRefused } from "../front/decide.ts"
import type { HeldItem } from "../hold/types.ts"
import type { Law } from "../law.ts"
import { refusalOf } from "../refusal.ts"
import type { SeenRequest } from "../services/types.ts"
import type { Attribution, Refusal } from "../types.ts"
import { type BodyStart, PATIENCE, readStart } from "./body.ts"
import { type Carried, carriedBy } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { NOT_READ, readFirst } from "./first-read.ts"
import { requestHeaders } from "./headers.ts"
import { HostNotFound, type Judged, judge } from "./judge.ts"
import { provenanceOf } from "./provenance.ts"
import { absentAnswer, brokenAnswer, lockedAnswer, ownVerdict, refusedAnswer, unfitAnswer } from "./refuse.ts"
import { registryService } from "./registry.ts"
import { findPlaceholders, InjectionRefused, type Looked } from "./secrets.ts"
import { seenHead, spelledNames, withBody } from "./seen.ts"
import { announcedPlaces, NO_TRAILERS, readTrailers, type Trailers, trailerPlaces } from "./trailers.ts"
import type { Target } from "./types.ts"
import { waitForPeople } from "./wait.ts"

export interface Exchange {
  who: Attribution
  target: Target
  request: IncomingMessage
  url: string
  /** What aborts when the client leaves before it was answered. */
  left: () => AbortSignal
  /** Has a client that waits for leave send its body. */
  proceed: () => void
  /** Is told of bytes of a body before they are kept; throws where there is no room for them. */
  take: (bytes: number) => void
  /** What is decided is the opening of a stream: nothing of what is said on it. */
  opening?: "websocket" | "grpc" | undefined
  /** Sends what may go, once. Rejects with `Conflict` before anything was sent, where it has to be decided again. */
  send: (released: Released) => Promise<void>
}

/** A request that may go. */
export interface Released {
  judged: Judged
  /** As they go out, but for credentials: names and values in turn. */
  headers: readonly string[]
  start: BodyStart
  /** What the policy's rules look at: no trailer takes the place of a header among it. */
  selectors: readonly string[]
  /** What waited for people, and has its answer. */
  held: HeldItem | undefined
}

/** Bytes of a body that are kept while people are asked. */
const MAX_HELD = 8 * 1024 * 1024
/** How often one request is decided: each time, a person's answer came between. */
const MAX_ROUNDS = 20
/** Of the method, and of the path (IIS, Symfony). */
const OVERRIDES = [
  ...["x-http-method-override", "x-http-method", "x-method-override"],
  ...["x-original-url", "x-rewrite-url", "x-original-uri"],
]

/**
 * Decides a request, as often as people's answers ask for it. Resolves with the answer to a request that did not go; undefined where
 * it did, or where its client left. Rejects only where there is no room for its body, or where the record, the store or the vault is out
 * of order; nothing was sent then.
 */
export async function runExchange(deps: EgressDeps, exchange: Exchange): Promise<Answer | undefined> {
  const { who, target, request, url, left, proceed, take, send } = exchange
  const headers = requestHeaders(request, target)
  const head = seenHead(target, request.method ?? "GET", url, headers, exchange.opening === "websocket")
  // Rules go by the method and path that are sent: a header by which the origin takes them for others is a way round them.
  // Many servers read an underscore in a name as a dash.
  if (Object.keys(head.headers).some((name) => OVERRIDES.includes(name.replaceAll("_", "-")))) {
    await recordMalformed(deps, exchange, "method or path override")
    return errorAnswer(400, "request.malformed: send the method and path themselves, not a header that overrides them")
  }
  let start: BodyStart | undefined
  let held: HeldItem | undefined
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { recalls } = deps.holds
    const law = deps.law()
    const { policy } = law
    const needs = needsOf(law, target)
    start ??= exchange.opening === "grpc" ? NOT_READ : await readFirst(deps.vault, needs, head, request, proceed, take)
    const trailers = start.whole ? readTrailers(request, headers, needs.selectors) : NO_TRAILERS
    if (trailers === undefined) {
      await recordMalformed(deps, exchange, "trailers")
      return errorAnswer(400, "request.malformed: one of the trailers is a field that belongs before the body")
    }
    const judged = await judgeExchange(deps, exchange, { policy, needs, head, headers, start, trailers })
    const fail = async (failed: string, answer: Answer) => {
      const { method, scheme, host, port, path } = head
      const subject = subjectOf({ kind: "network", method, scheme, host, port, path })
      await deps.traffic.failed(who, subject, policy.hash, undefined, { failed })
      return answer
    }
    if (judged === undefined) return fail("unresolved", brokenAnswer(target.host, "the name has no address"))
    const { carried, verdict, reserved } = judged
    deps.front.metrics.decided(verdict)
    if (!isRefused(verdict)) {
      const lacking = lackingOf(carried)
      if (lacking !== undefined) {
        reserved?.settle({ sent: false })
        return fail(...lacking)
      }
      try {
        await send({ judged, headers, start, held, selectors: needs.selectors })
        return undefined
      } catch (error) {
        reserved?.settle({ sent: false })
        // What people agreed to was used up meanwhile: they are asked again.
        if (error instanceof Conflict) continue
        if (error instanceof InjectionRefused) return fail(error.message, unfitAnswer(error.message))
        throw error
      }
    }
    reserved?.settle({ sent: false })
    if (verdict.effect === "deny") {
      // What another policy refuses now waits for nobody any more.
      if (held !== undefined) await deps.holds.cancel(held.id)
      return refuseRequest(deps, who, judged, verdict)
    }
    if (!start.whole && exchange.opening === undefined) {
      proceed()
      start = await readStart(request, MAX_HELD, PATIENCE, take, start)
      if (start.whole) continue
      return refuseRequest(deps, who, judged, ownVerdict(verdict, "hold.body-unbounded"))
    }
    // A body that waits is kept under the vault's key.
    if (start.bytes.length > 0 && deps.vault?.locked === true) return fail("vault.locked", lockedAnswer())
    const answered = await waitForPeople(deps, who, left(), { policy, recalls }, judged, start.bytes)
    if (answered === "left") return undefined
    if (answered === "stopping")
      return unavailableAnswer("the gate stops; the request waits for a person and may be repeated", 5)
    if (!("again" in answered)) return refuseRequest(deps, who, judged, answered.verdict, answered.approval)
    held = answered.again
  }
  return unavailableAnswer("the request was decided too often; repeat it", 5)
}

/** What the policy says of a host before its request is read; a registry is a known service, too. */
function needsOf({ policy, registries }: Law, target: Target): NetworkNeeds {
  const needs = networkNeeds(policy, target.host, target.port)
  const service = needs.service ?? registryService(registries, target)
  return service === undefined ? needs : { ...needs, service }
}

/** Why a request that may go cannot: a code, and the answer. */
function lackingOf({ unread, locked, absent }: Carried): [string, Answer] | undefined {
  if (unread !== undefined) return ["body.unread", unfitAnswer("body.unread")]
  if (locked === true) return ["vault.locked", lockedAnswer()]
  return absent === undefined ? undefined : ["credential.absent", absentAnswer(absent)]
}

/** A request as it was read, and by what it is decided. */
interface Read {
  policy: CompiledPolicy
  needs: NetworkNeeds
  head: SeenRequest
  headers: readonly string[]
  start: BodyStart
  /** Behind a body that is whole. */
  trailers: Trailers
}

/** Undefined where the host has no address. */
async function judgeExchange(
  { now, budgets, resolve, holds, vault, resealer, met, sightings, front: { killed } }: EgressDeps,
  { who, url, request, opening }: Exchange,
  { policy, needs, head, headers, start, trailers }: Read,
): Promise<Judged | undefined> {
  const seen = await withBody(head, start)
  const body = start.whole ? start.bytes : undefined
  const isSearched = vault !== undefined && (vault.locked || vault.list().length > 0)
  const looked: Looked = isSearched
    ? await findPlaceholders(
        url,
        [...headers, ...announcedPlaces(request), ...trailerPlaces(trailers), ...spelledNames(request)],
        body,
      )
    : { found: [] }
  try {
    return await judge(
      { policy, now, budgets, resolve, killed, grantsFor: (args) => holds.grantsFor(who, policy, args) },
      {
        ...{ who, seen, needs, body, trailers, opening },
        provenance: () => provenanceOf({ met, sightings, now }, who, head),
        carried: async (action, rules, { model }) =>
          carriedBy(vault, {
            ...{ who, action, rules, looked, kept: resealer.find },
            elsewhere: needs.placeholders ?? (model === true ? "inert" : "refuse"),
          }),
      },
    )
  } catch (error) {
    if (error instanceof HostNotFound) return undefined
    throw error
  }
}

async function recordMalformed(deps: EgressDeps, { who, target, request }: Exchange, detail: string): Promise<void> {
  const subject = `${request.method ?? "GET"} ${target.host}`
  await deps.traffic.violated(who, subject, deps.law().policy.hash, { violation: "request.malformed", detail })
}

/** Records a refusal, and words it. */
async function refuseRequest(
  { traffic, front }: EgressDeps,
  who: Attribution,
  { action, evidence, carried }: Judged,
  verdict: Verdict,
  approval?: Refusal["approval"],
): Promise<Answer> {
  const decision = { action, evidence, verdict }
  const credentials = [...new Set(carried.inject.map(({ credential }) => credential))].sort()
  const seq =
    verdict.code === "credential.unbound-placeholder" && carried.where !== undefined
      ? await traffic.exfiltration(who, decision, { credential: carried.unbound ?? "", ...carried.where })
      : await traffic.refused(who, decision, {
          ...(approval && { approval: approval.id }),
          // What would have gone onto it: the rule that lets it through has to name it.
          ...(credentials.length > 0 && { detail: { credentials } }),
        })
  front.runs.refused(who, refusalOf(verdict, seq, approval))
  return refusedAnswer(verdict, seq, approval)
}
