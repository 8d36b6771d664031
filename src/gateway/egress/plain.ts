// Plain HTTP through the proxy: requests whose address is absolute (RFC 9112, section 3.2.2).
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { type Answer, errorAnswer, unavailableAnswer } from "../answer.ts"
import { sendAnswer } from "../send.ts"
import type { Attribution } from "../types.ts"
import { readAbsolute } from "./authority.ts"
import { checkRequest } from "./check.ts"
import { valuesOf } from "./headers.ts"
import type { Live } from "./live.ts"
import { endWithAnswer } from "./raw-answer.ts"
import type { Pipeline, Target, Violation } from "./types.ts"
import { acceptUpgrade } from "./upgrade.ts"

/** Whether a request names its whole address: it is for the proxy, and not for the gate's own registries. */
export function isAbsolute(url: string | undefined): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url ?? "")
}

/** 407 for who brings no token, or one that is nobody's (RFC 9110, section 15.5.8). */
export function strangerAnswer(): Answer & { body: string } {
  const challenge = { "proxy-authenticate": 'Basic realm="nanoguard"' }
  const answer = errorAnswer(407, "this gateway wants a token: nanoguard gateway env makes one", challenge)
  return { ...answer, body: String(answer.body) }
}

/** Whose request it is; undefined for nobody's, and where two tokens came. */
export function identifyClient(pipeline: Pipeline, rawHeaders: readonly string[]): Attribution | undefined {
  const tokens = valuesOf(rawHeaders, "proxy-authorization")
  return tokens !== undefined && tokens.length > 1 ? undefined : pipeline.identify(tokens?.[0])
}

/** `drop`: the request is over, and its connection may have another one, to another host. */
type Read = { who: Attribution; target: Target; url: string; drop: () => void } | { answer: Answer }

/** Answers one plain request; `stall` is in milliseconds, see `sendAnswer`. */
export async function servePlain(
  pipeline: Pipeline,
  live: Live,
  request: IncomingMessage,
  response: ServerResponse,
  stall: number,
): Promise<void> {
  const read = readPlain(pipeline, live, request)
  if ("answer" in read) {
    response.setHeader("connection", "close")
    await sendAnswer(request, response, read.answer, stall)
    return
  }
  const { drop, ...arrived } = read
  response.once("close", drop)
  await pipeline.request({ ...arrived, request, response, http2: false })
}

/** Takes a plain WebSocket's opening. */
export function upgradePlain(
  pipeline: Pipeline,
  live: Live,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  onTrouble: (error: unknown) => void,
): void {
  const read = readPlain(pipeline, live, request)
  if ("answer" in read) {
    endWithAnswer(socket, { ...read.answer, body: String(read.answer.body) })
    return
  }
  const { who, target } = read
  const onViolated = (code: Violation, detail: string) => pipeline.violated(who, target, code, detail)
  acceptUpgrade(pipeline, { who, target, request, socket, head }, onViolated, onTrouble)
}

function readPlain(pipeline: Pipeline, live: Live, request: IncomingMessage): Read {
  const { rawHeaders, url = "" } = request
  const who = identifyClient(pipeline, rawHeaders)
  if (who === undefined) return { answer: strangerAnswer() }
  // The run's token is for the gate: neither rules, nor records, nor origins have any business with it.
  for (const name of Object.keys(request.headers)) if (name.startsWith("proxy-")) delete request.headers[name]
  const absolute = readAbsolute(url)
  if (absolute === undefined) {
    pipeline.violated(who, undefined, "authority.malformed", "an absolute address")
    return { answer: errorAnswer(400, "authority.malformed: this is no address that the gateway takes") }
  }
  const { target } = absolute
  if (target.scheme === "https")
    return { answer: errorAnswer(400, "https addresses are asked for through a tunnel (CONNECT)") }
  const checked = checkRequest(request, target, false)
  if ("code" in checked) {
    pipeline.violated(who, target, checked.code, checked.detail)
    return { answer: errorAnswer(checked.status, `${checked.code}: ${checked.detail}`) }
  }
  const drop = live.add({ who, target, socket: request.socket })
  if (drop === undefined) return { answer: unavailableAnswer("too many connections through the gateway") }
  return { who, target, url: checked.url, drop }
}
