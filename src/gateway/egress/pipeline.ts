// What the transport hands its requests to. It never rejects: what goes wrong inside is a 503, and nothing was let through.
import type { ServerResponse } from "node:http"
import { subjectOf } from "../../policy/decide.ts"
import type { NetworkAction } from "../../policy/types.ts"
import { type Answer, unavailableAnswer } from "../answer.ts"
import { sendAnswer } from "../send.ts"
import { PATIENCE, readStart } from "./body.ts"
import type { EgressDeps } from "./deps.ts"
import { runExchange } from "./exchange.ts"
import { isGrpcCall, sendOwnAnswer } from "./grpc-answer.ts"
import { responseOn } from "./raw-answer.ts"
import { crowdedAnswer } from "./refuse.ts"
import { answerRegistry, registryRequest } from "./registry.ts"
import { release } from "./release.ts"
import { releaseUpgrade } from "./release-upgrade.ts"
import { Crowded, type Place } from "./room.ts"
import { decideTunnel } from "./tunnel-decision.ts"
import type { Arrived, ArrivedUpgrade, Pipeline, Target } from "./types.ts"
import { watchClient } from "./wait.ts"

/** The pipeline over its parts. */
export function createPipeline(deps: EgressDeps): Pipeline {
  return {
    identify: (authorization) => deps.identify(undefined, authorization),
    tunnel: (who, target) => decideTunnel(deps, who, target),
    request: async (arrived) => {
      const { request, response } = arrived
      const answer = await guard(deps, arrived, (place) => answerRequest(deps, arrived, place))
      if (answer !== undefined && !response.destroyed) await sendOwnAnswer(request, response, answer, deps.stall)
    },
    upgrade: async (arrived) => {
      const { request, socket } = arrived
      const answer = await guard(deps, arrived, (place) => answerUpgrade(deps, arrived, place))
      if (answer === undefined || socket.destroyed) return
      await sendAnswer(request, responseOn(request, socket), answer, deps.stall)
    },
    violated: (who, target, code, detail) => {
      const subject = target === undefined ? "CONNECT" : subjectOf(actionAt(target))
      const recorded = deps.traffic.violated(who, subject, deps.law().policy.hash, { violation: code, detail })
      recorded.catch(deps.onTrouble)
    },
  }
}

async function guard(
  deps: EgressDeps,
  { who, target, request, url }: Pick<Arrived, "who" | "target" | "request" | "url">,
  work: (place: Place) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const place = deps.room.enter(who.run)
  try {
    return await work(place)
  } catch (error) {
    if (error instanceof Crowded) {
      const subject = subjectOf({ ...actionAt(target), method: request.method ?? "GET", path: url.replace(/\?.*/, "") })
      const recorded = deps.traffic.failed(who, subject, deps.law().policy.hash, undefined, { failed: "body.crowded" })
      await recorded.catch(deps.onTrouble)
      return crowdedAnswer(error)
    }
    // A client that left while it sent its body waits for nothing, and nothing is wrong here.
    if (!request.destroyed || request.complete) deps.onTrouble(error)
    return unavailableAnswer("the gateway cannot decide or record requests at the moment, so it lets none through")
  } finally {
    place.leave()
  }
}

async function answerRequest(deps: EgressDeps, arrived: Arrived, { take }: Place): Promise<Answer | undefined> {
  const { who, target, request, response, url } = arrived
  const proceed = leaveToSend(arrived)
  const asked = registryRequest(deps.law().registries, target, request.method ?? "GET", url)
  if (asked !== undefined) {
    return answerRegistry(deps.front, who, request, asked, async (limit) => {
      proceed()
      const { bytes, whole } = await readStart(request, limit, PATIENCE, take)
      return whole ? bytes : undefined
    })
  }
  const { left, release: unwatch } = watchClient(response)
  const send = (released: Parameters<typeof release>[2]) => {
    // From here on the answer's own course sees to a client that leaves.
    unwatch()
    return release(deps, { ...arrived, proceed }, released)
  }
  // Both sides of a gRPC call speak until they are done: it is held as it opens.
  const opening = isGrpcCall(request) ? "grpc" : undefined
  return runExchange(deps, { who, target, request, url, left, proceed, take, opening, send }).finally(unwatch)
}

async function answerUpgrade(deps: EgressDeps, arrived: ArrivedUpgrade, { take }: Place): Promise<Answer | undefined> {
  const { who, target, request, socket, url } = arrived
  const { left, release: unwatch } = watchClient(socket)
  return runExchange(deps, {
    ...{ who, target, request, url, left, proceed: () => {}, take, opening: "websocket" },
    send: (released) => {
      unwatch()
      return releaseUpgrade(deps, arrived, released)
    },
  }).finally(unwatch)
}

/** RFC 9110, section 10.1.1: a client that expects 100 gets it once its body is wanted, and only once. */
function leaveToSend({ request, response }: { request: Arrived["request"]; response: ServerResponse }): () => void {
  let awaits = request.headers.expect !== undefined
  return () => {
    if (awaits && !response.headersSent && !response.destroyed) response.writeContinue()
    awaits = false
  }
}

function actionAt({ scheme, host, port }: Target): NetworkAction {
  return { kind: "network", method: "CONNECT", scheme, host, port, path: "/" }
}
