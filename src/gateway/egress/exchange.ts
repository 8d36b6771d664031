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
import { needsBody } from "../services/index.ts"
import type { SeenRequest } from "../services/types.ts"
import type { Attribution, Refusal } from "../types.ts"
import { type BodyStart, hasBody, readStart } from "./body.ts"
import { type Carried, carriedBy } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { requestHeaders } from "./headers.ts"
import { HostNotFound, type Judged, judge } from "./judge.ts"
import { absentAnswer, brokenAnswer, lockedAnswer, ownVerdict, refusedAnswer, unfitAnswer } from "./refuse.ts"
import { registryService } from "./registry.ts"
import { findPlaceholders, InjectionRefused, type Looked } from "./secrets.ts"
import { MAX_LOOKED_INTO, seenHead, withBody } from "./seen.ts"
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
  /** What waited for people, and has its answer. */
  held: HeldItem | undefined
}

/** Bytes of a body that are read before its request is decided, whether a rule looks into it or not: a refusal is then a clean one. */
const SMALL = 65_536
/** Bytes of a body that are kept while people are asked. */
const MAX_HELD = 8 * 1024 * 1024
/** Milliseconds without a byte after which a body is taken for one that does not end. */
const IDLE = 10_000
/** How often one request is decided: each time, a person's answer came between. */
const MAX_ROUNDS = 20
/** Of the method, and of the path (IIS, Symfony). */
const OVERRIDES = [
  ...["x-http-method-override", "x-http-method", "x-method-override"],
  ...["x-original-url", "x-rewrite-url", "x-original-uri"],
]
/** Characters that a name with a placeholder in it has at least. */
const LONG_NAME = 24
const NOT_READ: BodyStart = { bytes: Buffer.alloc(0), whole: false }

/**
 * Decides a request, as often as people's answers ask for it. Resolves with the answer to a request that did not go; undefined where
 * it did, or where its client left. Rejects only where the record, the store or the vault is out of order; nothing was sent then.
 */
export async function runExchange(deps: EgressDeps, exchange: Exchange): Promise<Answer | undefined> {
  const { who, target, request, url, left, proceed, send } = exchange
  const headers = requestHeaders(request, target)
  const head = seenHead(target, request.method ?? "GET", url, headers, exchange.opening === "websocket")
  // Rules go by the method and path that are sent: a header by which the origin takes them for others is a way round them.
  if (OVERRIDES.some((name) => head.headers[name] !== undefined)) {
    const subject = `${head.method} ${target.host}`
    await deps.traffic.violated(who, subject, deps.law().policy.hash, {
      violation: "request.malformed",
      detail: "method or path override",
    })
    return errorAnswer(400, "request.malformed: send the method and path themselves, not a header that overrides them")
  }
  let start: BodyStart | undefined
  let held: HeldItem | undefined
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const law = deps.law()
    const { policy } = law
    const needs = needsOf(law, target)
    start ??= exchange.opening === "grpc" ? NOT_READ : await readFirst(needs, head, request, proceed)
    const judged = await judgeExchange(deps, exchange, { policy, needs, head, headers, start })
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
        await send({ judged, headers, start, held })
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
      start = await readStart(request, MAX_HELD, IDLE, start)
      if (start.whole) continue
      return refuseRequest(deps, who, judged, ownVerdict(verdict, "hold.body-unbounded"))
    }
    // A body that waits is kept under the vault's key.
    if (start.bytes.length > 0 && deps.vault?.locked === true) return fail("vault.locked", lockedAnswer())
    const answered = await waitForPeople(deps, who, left(), policy, judged, start.bytes)
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

async function readFirst(
  needs: NetworkNeeds,
  head: SeenRequest,
  request: IncomingMessage,
  proceed: () => void,
): Promise<BodyStart> {
  if (!hasBody(request)) return { ...NOT_READ, whole: true }
  const limit = firstLimit(head, needs)
  if (limit === 0) return NOT_READ
  proceed()
  return readStart(request, limit, IDLE)
}

/** How much of a body is read before its request is decided. */
function firstLimit(head: SeenRequest, { selectors, service, placeholders }: NetworkNeeds): number {
  const stated = head.headers["content-length"]
  const length = stated === undefined ? undefined : Number(stated)
  if (placeholders === "redact" || needsBody(head, selectors, service))
    return length !== undefined && length > MAX_LOOKED_INTO ? 0 : MAX_LOOKED_INTO
  return length !== undefined && length <= SMALL ? SMALL : 0
}

/** A request as it was read, and by what it is decided. */
interface Read {
  policy: CompiledPolicy
  needs: NetworkNeeds
  head: SeenRequest
  headers: readonly string[]
  start: BodyStart
}

/** Undefined where the host has no address. */
async function judgeExchange(
  { now, budgets, resolve, holds, vault, resealer, met, front: { killed } }: EgressDeps,
  { who, url, request, opening }: Exchange,
  { policy, needs, head, headers, start }: Read,
): Promise<Judged | undefined> {
  const seen = await withBody(head, start)
  const body = start.whole ? start.bytes : undefined
  const isSearched = vault !== undefined && (vault.locked || vault.list().length > 0)
  const looked: Looked = isSearched
    ? await findPlaceholders(url, [...headers, ...spelledNames(request)], body)
    : { found: [] }
  try {
    return await judge(
      { policy, now, budgets, resolve, killed, grantsFor: (args) => holds.grantsFor(who, policy, args) },
      {
        ...{ who, seen, needs, body, opening, provenance: provenanceOf(met, who, head) },
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

/** Long names of headers, with nothing behind them, as they were written: what goes out has them in lower case, which hides a placeholder. */
function spelledNames({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && name.length > LONG_NAME && name !== name.toLowerCase() ? [name, ""] : [],
  )
}

/** What a person is told of where a request leads: this run was never there before. */
function provenanceOf(met: EgressDeps["met"], { run }: Attribution, { host, port }: SeenRequest): string[] {
  const key = `${run} ${host} ${port}`
  return met.get(key) === undefined ? ["the first request of this run to this host"] : []
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
  const seq =
    verdict.code === "credential.unbound-placeholder" && carried.where !== undefined
      ? await traffic.exfiltration(who, decision, { credential: carried.unbound ?? "", ...carried.where })
      : await traffic.refused(who, decision, approval === undefined ? {} : { approval: approval.id })
  front.runs.refused(who, refusalOf(verdict, seq, approval))
  return refusedAnswer(verdict, seq, approval)
}
