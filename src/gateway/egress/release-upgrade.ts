// A WebSocket whose opening may go: the record durable, then the opening to the origin, and what is said on it.
import { createScrubber } from "../../vault/scrub.ts"
import type { EgressDeps } from "./deps.ts"
import type { Released } from "./exchange.ts"
import { guardMessages } from "./guard.ts"
import { OriginError, originError, unsentBy, wasUnsent } from "./origin-error.ts"
import { endWithAnswer } from "./raw-answer.ts"
import { brokenAnswer } from "./refuse.ts"
import { finish, record } from "./release.ts"
import { prepareRequest } from "./secrets.ts"
import type { ArrivedUpgrade } from "./types.ts"
import { relayUpgrade } from "./upgrade.ts"

/** Milliseconds after which a WebSocket on which nothing moved is ended. */
const WEBSOCKET_IDLE = 30 * 60_000

/**
 * Sends the opening of a WebSocket that may go, as `release` does with a request. What is said on it afterwards is looked through where keys
 * are about: for placeholders of the client's, and for what was put into the opening. Elsewhere it passes as it comes.
 */
export async function releaseUpgrade(deps: EgressDeps, arrived: ArrivedUpgrade, released: Released): Promise<void> {
  const { who, target, socket, url } = arrived
  const { judged, headers } = released
  const guard = guardMessages(deps, who, judged)
  const isWatched = guard !== undefined || judged.carried.inject.length > 0
  const request = {
    method: "GET",
    path: url,
    headers: isWatched ? withoutExtensions(headers) : headers,
    body: undefined,
  }
  const prepared = await prepareRequest(deps, who, judged, request)
  const recorded = await record(deps, who, released, prepared.used)
  const destination = { target, addresses: judged.addresses }
  let done = { status: 0, sent: 0, received: 0 }
  let failed: string | undefined
  try {
    if (deps.front.killed?.(who)) throw new OriginError("gone", "agent.killed")
    const { path, headers: outgoing } = prepared.outgoing
    const opening = { ...arrived, url: path }
    const { secrets, watch } = prepared
    const scrubber = secrets.length > 0 ? () => createScrubber(secrets) : undefined
    const frames = isWatched ? { guard, scrubber, onTrouble: deps.onTrouble } : undefined
    const passed = await relayUpgrade(deps.origins, destination, opening, WEBSOCKET_IDLE, outgoing, watch, frames)
    done = passed
    failed = passed.failed
  } catch (error) {
    failed = originError(error).fault
    const answer = brokenAnswer(target.host, failed)
    if (!socket.destroyed) endWithAnswer(socket, { ...answer, body: String(answer.body) })
  }
  judged.reserved?.settle(wasUnsent(done.status, failed) ? unsentBy(failed) : { bytes: done.sent + done.received })
  await finish(deps, who, released, recorded, done.status, failed)
}

/** Nothing is to be compressed that is to be looked through (RFC 7692). */
function withoutExtensions(headers: readonly string[]): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== "sec-websocket-extensions")
}
