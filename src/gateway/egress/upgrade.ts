// WebSocket (RFC 6455): the opening is a request like any other; what follows it passes as it comes, or is looked into.
import { type IncomingMessage, request as sendRequest } from "node:http"
import { type Duplex, pipeline as pipe } from "node:stream"
import { errorAnswer } from "../answer.ts"
import { checkRequest } from "./check.ts"
import { AnswerRefused, checkCoding, type OutgoingHeaders, type Watch } from "./forward.ts"
import { type FrameWatch, passFrames } from "./frame-pass.ts"
import { requestHeaders, responseHeaders, valuesOf } from "./headers.ts"
import { ceaseWatching, watchLeaving } from "./leave.ts"
import { OriginError, originError } from "./origin-error.ts"
import type { Destination, Origins } from "./origins.ts"
import { endWithAnswer, responseOn } from "./raw-answer.ts"
import type { ArrivedUpgrade, Pipeline, Violation } from "./types.ts"

/** Checks an opening, and hands it to the pipeline. Any other protocol than WebSocket is refused, h2c among them. */
export function acceptUpgrade(
  pipeline: Pipeline,
  arrived: Omit<ArrivedUpgrade, "url">,
  onViolated: (code: Violation, detail: string) => void,
  onTrouble: (error: unknown) => void,
): void {
  const { request, socket, target } = arrived
  const refuse = (status: number, text: string) => {
    const answer = errorAnswer(status, text)
    endWithAnswer(socket, { ...answer, body: String(answer.body) })
  }
  socket.on("error", () => {})
  const checked = checkRequest(request, target, false)
  if ("code" in checked) {
    onViolated(checked.code, checked.detail)
    refuse(checked.status, `${checked.code}: ${checked.detail}`)
  } else if (!isOpening(request)) refuse(501, "the gateway passes on no other protocol than WebSocket (RFC 6455)")
  else {
    watchLeaving(socket)
    pipeline.upgrade({ ...arrived, url: checked.url }).catch((error: unknown) => {
      onTrouble(error)
      socket.destroy()
    })
  }
}

/** RFC 6455, section 4.1. A body would be read as the first frames. */
function isOpening({ method, rawHeaders }: IncomingMessage): boolean {
  const is = (name: string, pattern: RegExp) => {
    const values = valuesOf(rawHeaders, name)
    return values?.length === 1 && pattern.test(values[0]!)
  }
  const hasBody = ["content-length", "transfer-encoding"].some((name) => valuesOf(rawHeaders, name) !== undefined)
  if (method !== "GET" || hasBody) return false
  return is("upgrade", /^websocket$/i) && is("sec-websocket-version", /^13$/) && is("sec-websocket-key", /^\S{16,64}$/)
}

/** What passed through a connection of another protocol, in bytes. */
export interface Passed {
  sent: number
  received: number
}

/**
 * Sends an opening to its origin, and passes on what comes back: frames both ways where it agrees, its answer where it does not.
 * `headers` are the request's, as `requestHeaders` gives them; `watch` sees the answer, and `frames` what is said then, with no extension
 * in use. Rejects with OriginError while
 * nothing was sent to the client; resolves once either side ends, or nothing moved for `idle` milliseconds.
 */
export async function relayUpgrade(
  origins: Origins,
  destination: Destination,
  arrived: ArrivedUpgrade,
  idle: number,
  headers: readonly string[] = requestHeaders(arrived.request, arrived.target),
  watch: Watch = {},
  frames?: FrameWatch,
): Promise<{ status: number; failed?: string } & Passed> {
  const { socket, head, request, url } = arrived
  const origin = await origins.open(destination, destination.target.scheme === "https")
  if (socket.destroyed) {
    origin.destroy()
    throw new OriginError("gone", "the client left")
  }
  const onLeave = () => origin.destroy()
  socket.once("close", onLeave)
  const upgraded = await openWebSocket(origin, url, [...headers, "connection", "Upgrade", "upgrade", "websocket"])
  socket.off("close", onLeave)
  const { answer } = upgraded
  const status = answer.statusCode!
  const passedOn = headersOf(answer, watch, origin)
  ceaseWatching(socket)
  if (upgraded.kind === "answer") {
    const response = responseOn(request, socket)
    response.writeHead(status, passedOn.flat())
    await new Promise<void>((resolve) => pipe(answer, watching(watch), response, () => resolve()))
    origin.destroy()
    return { status, sent: 0, received: 0 }
  }
  const { rest } = upgraded
  if (frames !== undefined && valuesOf(answer.rawHeaders, "sec-websocket-extensions") !== undefined) {
    origin.destroy()
    // Nobody asked for one: what it does to frames could not be read.
    throw new OriginError("broken", "answer.encoded")
  }
  const lines = passedOn.map(([name, value]) => `${name}: ${value}\r\n`)
  // The origin's own phrase could be anything.
  const start = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
  socket.write(`${start}${lines.join("")}\r\n`, "latin1")
  if (rest.length > 0) origin.unshift(rest)
  if (head.length > 0) socket.unshift(head)
  const passed = frames === undefined ? passBetween(socket, origin, idle) : passFrames(socket, origin, idle, frames)
  return { status: 101, ...(await passed) }
}

function headersOf(answer: IncomingMessage, watch: Watch, origin: Duplex): OutgoingHeaders {
  const own = responseHeaders(answer.rawHeaders)
  try {
    checkCoding(answer.rawHeaders)
    return watch.head?.(answer.statusCode!, own) ?? own
  } catch (error) {
    origin.destroy()
    throw error instanceof AnswerRefused ? new OriginError("broken", error.message, error) : error
  }
}

/** An answer's body, looked at on its way. */
const watching = ({ data, end }: Watch) =>
  async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      const bytes = data?.(chunk) ?? chunk
      if (bytes.length > 0) yield bytes
    }
    const rest = end?.()
    if (rest !== undefined && rest.length > 0) yield rest
  }

type Opened = { kind: "open"; answer: IncomingMessage; rest: Buffer } | { kind: "answer"; answer: IncomingMessage }

const ANSWER = 30_000

function openWebSocket(origin: Duplex, path: string, headers: string[]): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const asked = sendRequest({ createConnection: () => origin, method: "GET", path, headers, setHost: false })
    const fail = (error?: unknown) => {
      origin.destroy()
      // There was a connection: however that broke, the opening may have arrived.
      const found = originError(error)
      reject(found.fault === "timeout" ? found : new OriginError("broken", found.message, error))
    }
    asked.setTimeout(ANSWER, () => fail(new OriginError("timeout", "the host did not answer in time")))
    asked.once("error", fail)
    asked.once("upgrade", (answer, socket, rest) => {
      if (!/^websocket$/i.test(answer.headers.upgrade ?? "")) return fail()
      socket.setTimeout(0)
      resolve({ kind: "open", answer, rest })
    })
    asked.once("response", (answer) => resolve({ kind: "answer", answer }))
    asked.end()
  })
}

/** Passes bytes both ways until either side ends, or nothing moved for `idle` milliseconds. */
export function passBetween(client: Duplex, origin: Duplex, idle: number): Promise<Passed> {
  return new Promise((resolve) => {
    const passed: Passed = { sent: 0, received: 0 }
    let movedAt = performance.now()
    const move = () => {
      movedAt = performance.now()
    }
    const timer = setInterval(() => {
      if (performance.now() - movedAt > idle) end()
    }, idle / 2)
    let open = 2
    const end = () => {
      client.destroy()
      origin.destroy()
    }
    const onClose = () => {
      end()
      open -= 1
      if (open > 0) return
      clearInterval(timer)
      resolve(passed)
    }
    for (const side of [client, origin]) {
      if (side.destroyed) onClose()
      else side.on("error", end).once("close", onClose)
    }
    client.on("data", (chunk: Buffer) => {
      passed.sent += chunk.length
      move()
    })
    origin.on("data", (chunk: Buffer) => {
      passed.received += chunk.length
      move()
    })
    client.pipe(origin)
    origin.pipe(client)
  })
}
