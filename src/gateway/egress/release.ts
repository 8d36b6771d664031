// A request that may go: its credentials put in, its record durable, then its bytes to the origin and the answer back.

import { asksPeople } from "../../policy/network.ts"
import type { Change } from "../../store/types.ts"
import { createUsageMeter, estimateTokens, isUpload } from "../services/index.ts"
import type { Usage, UsageMeter } from "../services/types.ts"
import type { Attribution } from "../types.ts"
import { spellHost } from "./authority.ts"
import { hasBody, streamBody } from "./body.ts"
import type { EgressDeps } from "./deps.ts"
import type { Released } from "./exchange.ts"
import { AnswerRefused, type Forwarded, forward, type Watch } from "./forward.ts"
import { sendOwnAnswer } from "./grpc-answer.ts"
import { guardBody } from "./guard.ts"
import { valuesOf } from "./headers.ts"
import { OriginError, originError, unsentBy, wasUnsent } from "./origin-error.ts"
import { brokenAnswer } from "./refuse.ts"
import { findPlaceholders, prepareRequest } from "./secrets.ts"
import type { Look } from "./sightings.ts"
import { announcedTrailers, bringsTrailers, readTrailers, trailerPlaces } from "./trailers.ts"
import { trailingDispatcher } from "./trailing.ts"
import type { Arrived } from "./types.ts"

/**
 * Sends a request that may go, once, and passes the answer on. Rejects before anything is sent: with `Conflict` where what people agreed
 * to was used meanwhile, or where the vault or the record is out of order.
 */
export async function release(
  deps: EgressDeps,
  arrived: Arrived & { proceed: () => void },
  released: Released,
): Promise<void> {
  const { who, target, request, response, url, http2, proceed } = arrived
  const { judged, start } = released
  const prepared = await prepareRequest(deps, who, judged, {
    method: request.method ?? "GET",
    path: url,
    headers: released.headers,
    body: start.whole && start.bytes.length > 0 ? start.bytes : undefined,
  })
  const recorded = await record(deps, who, released, prepared.used)
  const meter = judged.reserved === undefined ? undefined : createMeterLater(judged.classified.service)
  let broken: string | undefined
  const nothing = (failed: string) => {
    broken = failed
    sendOwnAnswer(request, response, brokenAnswer(target.host, failed), deps.stall).catch(deps.onTrouble)
  }
  const { outgoing, grants } = prepared
  // A model's answers repeat what was said to it: that a host is named there tells nobody anything.
  const isLookedAt = judged.classified.model !== true && asksPeople(deps.law().policy)
  const sighting = isLookedAt ? deps.sightings.look(who.run, target.host, recorded.seq) : undefined
  const watch = withLook(withMeter(prepared.watch, meter), sighting)
  const encoding = String(request.headers["content-encoding"] ?? "")
  const streamed = !start.whole && hasBody(request)
  const guard = streamed ? guardBody(deps, who, judged, encoding) : undefined
  // What asks for tokens is known before there is an answer with some.
  const look = async (chunk: Buffer) => {
    grants?.push(chunk)
    return (await guard?.look(chunk)) ?? chunk
  }
  const body = guard === undefined ? outgoing.body : streamBody(request, start, { ...guard, look })
  if (streamed) proceed()
  let done: Forwarded = { status: 0, sent: 0, received: 0 }
  try {
    // The record took its time, and somebody may have stopped the agent meanwhile.
    if (deps.front.killed?.(who)) throw new OriginError("gone", "agent.killed")
    const destination = { target, addresses: judged.addresses, http2, scope: who.run }
    const dispatcher = bringsTrailers(request, start)
      ? sendTrailers(deps, arrived, released, outgoing.headers, guard?.check)
      : await deps.origins.dispatcherOf(destination)
    const origin = `${target.scheme}://${spellHost(target)}`
    const sent = { ...outgoing, body }
    done = await forward(dispatcher, origin, sent, response, watch, nothing, deps.stall)
  } catch (error) {
    nothing(originError(error).fault)
  }
  sighting?.end()
  // A token that the origin no longer takes is not used again.
  if (done.status === 401) for (const name of prepared.used) deps.tokens.forget(name)
  const failed = broken ?? done.failed
  const type = valuesOf(request.rawHeaders, "content-type")?.join(", ") ?? ""
  const told = isUpload(type, encoding, done.beginning ?? start.bytes) ? 0 : done.sent
  if (meter !== undefined) judged.reserved?.settle(usedBy({ ...done, told, failed }, meter))
  await finish(deps, who, released, recorded, done.status, failed)
}

/** What sends a request with its trailers: known already behind a body that is whole, looked at as they come behind any other. */
function sendTrailers(
  deps: EgressDeps,
  { who, target, request }: Arrived,
  { judged, selectors, start }: Released,
  headers: readonly string[],
  check: ReturnType<typeof guardBody>["check"] | undefined,
) {
  const { addresses, verdict } = judged
  return trailingDispatcher({
    open: () => deps.origins.open({ target, addresses }, target.scheme === "https"),
    // Behind a body that is whole: what is there, as people saw it, and no other name.
    announced: announcedTrailers(request).filter(
      (name) => !start.whole || request.rawTrailers.some((text, at) => at % 2 === 0 && text.toLowerCase() === name),
    ),
    trailers: async () => {
      // Once more: a credential may be among the headers now.
      const trailers = readTrailers(request, headers, selectors)
      if (trailers === undefined) {
        const detail = { violation: "request.malformed", detail: "trailers" }
        await deps.traffic.violated(who, verdict.subject, verdict.policyHash, detail)
        throw new AnswerRefused("request.malformed")
      }
      if (check !== undefined && trailers.length > 0) {
        const looked = await findPlaceholders("", [...trailerPlaces(trailers), ...request.rawTrailers], undefined)
        await check(looked.found)
        if (looked.unread !== undefined && (looked.flooded === true || judged.carried.elsewhere !== "inert"))
          throw new AnswerRefused("body.unread")
      }
      return trailers
    },
  })
}

interface Recorded {
  seq: number
  changes: readonly Change[]
}

/** Record, then release: with a credential, or by a person's word, synced and in one batch with what it uses up. */
export async function record(
  deps: EgressDeps,
  who: Attribution,
  { judged, held }: Released,
  credentials: readonly string[],
): Promise<Recorded> {
  const { action, evidence, verdict, grants } = judged
  const place = `${who.run} ${action.host} ${action.port}`
  if (deps.met.get(place) === undefined) deps.met.set(place, true)
  const decision = { action, evidence, verdict }
  const changes = deps.holds.consume(grants, held)
  const matters = changes.length > 0 || grants.length > 0 || credentials.length > 0
  const seq = matters
    ? await deps.traffic.released(who, decision, { grants, changes, credentials })
    : await deps.traffic.allowed(who, decision)
  return { seq, changes }
}

/** Records what became of it, and that what people agreed to was used. Never rejects. */
export async function finish(
  { traffic, holds, onTrouble }: EgressDeps,
  who: Attribution,
  { judged: { verdict } }: Released,
  { seq, changes }: Recorded,
  status: number,
  failed: string | undefined,
): Promise<void> {
  if (failed !== undefined && failed !== "client-left") {
    const { subject, policyHash } = verdict
    await traffic.failed(who, subject, policyHash, seq, { failed, status }).catch(onTrouble)
  }
  if (changes.length > 0) await holds.finish(changes).catch(onTrouble)
}

/**
 * What a request used; `told`: bytes that a model reads as words. Of an answer that was cut off, what it said so far is not all; one that refuses
 * cost no tokens to speak of.
 */
function usedBy(
  { status, sent, received, told, failed }: Omit<Forwarded, "failed"> & { told: number; failed: string | undefined },
  meter: LateMeter,
) {
  if (wasUnsent(status, failed)) return unsentBy(failed)
  const usage = meter.usage()
  const guess = status >= 400 ? 0 : estimateTokens(told, received, meter.contentType)
  const tokens = usage.tokens !== undefined && failed !== undefined ? Math.max(usage.tokens, guess) : usage.tokens
  return { bytes: sent + received, ...usage, ...(tokens !== undefined && { tokens }), guess }
}

interface LateMeter {
  begin: (contentType: string) => void
  /** Of the answer; "" where none came, or it has none. */
  readonly contentType: string
  push: (chunk: Uint8Array) => void
  usage: () => Usage
}

/** A meter that is chosen once the answer says what it is. */
function createMeterLater(service: string): LateMeter {
  let meter: UsageMeter | undefined
  let type = ""
  return {
    begin: (contentType) => {
      type = contentType
      meter = createUsageMeter(service, contentType)
    },
    get contentType() {
      return type
    },
    push: (chunk) => meter?.push(chunk),
    usage: () => meter?.end() ?? {},
  }
}

function withLook(watch: Watch, look: Look | undefined): Watch {
  if (look === undefined) return watch
  return {
    ...watch,
    head: (status, headers) => {
      const own = watch.head?.(status, headers) ?? headers
      look.head(own)
      return own
    },
    data: (chunk) => {
      look.data(chunk)
      return watch.data?.(chunk) ?? chunk
    },
  }
}

function withMeter(watch: Watch, meter: LateMeter | undefined): Watch {
  if (meter === undefined) return watch
  return {
    ...watch,
    head: (status, headers) => {
      meter.begin(headers.find(([name]) => name === "content-type")?.[1] ?? "")
      return watch.head?.(status, headers) ?? headers
    },
    data: (chunk) => {
      meter.push(chunk)
      return watch.data?.(chunk) ?? chunk
    },
  }
}
