// A request that may go: its credentials put in, its record durable, then its bytes to the origin and the answer back.

import type { Change } from "../../store/types.ts"
import { sendAnswer } from "../send.ts"
import { createUsageMeter } from "../services/index.ts"
import type { Usage, UsageMeter } from "../services/types.ts"
import type { Attribution } from "../types.ts"
import { spellHost } from "./authority.ts"
import { hasBody, streamBody } from "./body.ts"
import type { EgressDeps } from "./deps.ts"
import type { Released } from "./exchange.ts"
import { type Forwarded, forward, type Watch } from "./forward.ts"
import { guardBody } from "./guard.ts"
import { OriginError, originError } from "./origin-error.ts"
import { endWithAnswer } from "./raw-answer.ts"
import { brokenAnswer } from "./refuse.ts"
import { prepareRequest } from "./secrets.ts"
import type { Arrived, ArrivedUpgrade } from "./types.ts"
import { relayUpgrade } from "./upgrade.ts"

/** Milliseconds after which a WebSocket on which nothing moved is ended. */
const WEBSOCKET_IDLE = 30 * 60_000

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
    void sendAnswer(request, response, brokenAnswer(target.host, failed), deps.stall)
  }
  const { outgoing } = prepared
  const encoding = String(request.headers["content-encoding"] ?? "")
  const streamed = !start.whole && hasBody(request)
  const body = streamed ? streamBody(request, start, guardBody(deps, who, judged, encoding)) : outgoing.body
  if (streamed) proceed()
  let done: Forwarded = { status: 0, sent: 0, received: 0 }
  try {
    // The record took its time, and somebody may have stopped the agent meanwhile.
    if (deps.front.killed?.(who)) throw new OriginError("gone", "agent.killed")
    const dispatcher = await deps.origins.dispatcherOf({ target, addresses: judged.addresses, http2, scope: who.run })
    const origin = `${target.scheme}://${spellHost(target)}`
    const sent = { ...outgoing, body }
    done = await forward(dispatcher, origin, sent, response, withMeter(prepared.watch, meter), nothing, deps.stall)
  } catch (error) {
    nothing(originError(error).fault)
  }
  // A token that the origin no longer takes is not used again.
  if (done.status === 401) for (const name of prepared.used) deps.tokens.forget(name)
  judged.reserved?.settle({ bytes: done.sent + done.received, ...meter?.usage() })
  await finish(deps, who, released, recorded, done.status, broken ?? done.failed)
}

/** The same for the opening of a WebSocket. What is said on it afterwards is passed on as it is. */
export async function releaseUpgrade(deps: EgressDeps, arrived: ArrivedUpgrade, released: Released): Promise<void> {
  const { who, target, socket, url } = arrived
  const { judged, headers } = released
  const prepared = await prepareRequest(deps, who, judged, { method: "GET", path: url, headers, body: undefined })
  const recorded = await record(deps, who, released, prepared.used)
  const destination = { target, addresses: judged.addresses }
  let done = { status: 0, sent: 0, received: 0 }
  let failed: string | undefined
  try {
    if (deps.front.killed?.(who)) throw new OriginError("gone", "agent.killed")
    const { path, headers: outgoing } = prepared.outgoing
    const opening = { ...arrived, url: path }
    done = await relayUpgrade(deps.origins, destination, opening, WEBSOCKET_IDLE, outgoing, prepared.watch)
  } catch (error) {
    failed = originError(error).fault
    const answer = brokenAnswer(target.host, failed)
    if (!socket.destroyed) endWithAnswer(socket, { ...answer, body: String(answer.body) })
  }
  judged.reserved?.settle({ bytes: done.sent + done.received })
  await finish(deps, who, released, recorded, done.status, failed)
}

interface Recorded {
  seq: number
  changes: readonly Change[]
}

/** Record, then release: with a credential, or by a person's word, synced and in one batch with what it uses up. */
async function record(
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

async function finish(
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

interface LateMeter {
  begin: (contentType: string) => void
  push: (chunk: Uint8Array) => void
  usage: () => Usage
}

/** A meter that is chosen once the answer says what it is. */
function createMeterLater(service: string): LateMeter {
  let meter: UsageMeter | undefined
  return {
    begin: (contentType) => {
      meter = createUsageMeter(service, contentType)
    },
    push: (chunk) => meter?.push(chunk),
    usage: () => meter?.end() ?? {},
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
