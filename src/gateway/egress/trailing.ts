// Requests with trailers, each on a connection of its own: what sends all others (undici) has no place for fields behind a body.
import { type IncomingMessage, request as sendRequest } from "node:http"
import { type Duplex, Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { Dispatcher } from "undici"
import type { Trailers } from "./trailers.ts"

export interface Trailing {
  /** A connection to the origin, that nothing was sent on. */
  open: () => Promise<Duplex>
  /** Names that the client announced. */
  announced: readonly string[]
  /** Asked once the body has come to its end; rejects to cut the request off before it is whole. */
  trailers: () => Promise<Trailers>
}

/** Milliseconds without a byte either way: the origin may think about it for as long as it may of any other request. */
const SILENCE = 10 * 60_000
const MAX_HEADER = 65_536
/** Framing is this connection's own; a length would say that nothing follows. */
const OWN = new Set(["content-length", "transfer-encoding", "trailer", "connection"])

/** A dispatcher for one request, in HTTP/1.1 with a chunked body (RFC 9112, section 7.1.2). */
export function trailingDispatcher({ open, announced, trailers }: Trailing): Pick<Dispatcher, "dispatch"> {
  const start = async (
    { path, method, headers, body }: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): Promise<void> => {
    let reason: Error | undefined
    let answer: IncomingMessage | undefined
    const socket = await open()
    const controller = {
      rawHeaders: [] as string[],
      abort: (error: Error) => {
        reason ??= error
        socket.destroy()
      },
      pause: () => void answer?.pause(),
      resume: () => void answer?.resume(),
    }
    const known = controller as unknown as Dispatcher.DispatchController
    handler.onRequestStart?.(known, {})
    if (reason !== undefined) return
    const fields = [...withoutOwn(headers as string[]), "transfer-encoding", "chunked", "connection", "close"]
    const names = announced.length > 0 ? ["trailer", announced.join(", ")] : []
    const sent = sendRequest({
      ...{ createConnection: () => socket, method, path, headers: [...fields, ...names], setHost: false },
      maxHeaderSize: MAX_HEADER,
    })
    const answered = new Promise<void>((resolve, reject) => {
      sent.setTimeout(SILENCE, () => sent.destroy(Object.assign(new Error("silent"), { code: "ETIMEDOUT" })))
      sent.once("error", reject).once("close", () => {
        if (answer === undefined) reject(new Error("no answer came"))
      })
      sent.once("response", (response) => {
        answer = response
        controller.rawHeaders = response.rawHeaders
        response.once("error", reject)
        handler.onResponseStart?.(known, response.statusCode!, {}, response.statusMessage ?? "")
        response.on("data", (chunk: Buffer) => handler.onResponseData?.(known, chunk))
        response.once("end", () => {
          handler.onResponseEnd?.(known, response.trailers)
          resolve()
        })
      })
    })
    const whole = sendBody(sent, body, trailers)
    // An origin may answer before it has all of it, and take no more.
    whole.catch((error: Error) => {
      if (answer === undefined || !answer.complete) sent.destroy(error)
    })
    try {
      await answered
    } finally {
      socket.destroy()
    }
  }
  return {
    dispatch: (options, handler) => {
      start(options, handler).catch((error: Error) => handler.onResponseError?.(undefined as never, error))
      return true
    },
  }
}

async function sendBody(
  sent: ReturnType<typeof sendRequest>,
  body: unknown,
  trailers: Trailing["trailers"],
): Promise<void> {
  if (Buffer.isBuffer(body)) sent.write(body)
  else if (body !== undefined && body !== null)
    await pipeline(Readable.from(body as AsyncIterable<Uint8Array>), sent, { end: false })
  const fields = await trailers()
  const pairs: [string, string][] = []
  for (let at = 0; at + 1 < fields.length; at += 2) pairs.push([fields[at]!, fields[at + 1]!])
  sent.addTrailers(pairs)
  sent.end()
}

function withoutOwn(headers: readonly string[]): string[] {
  return headers.filter((_, at) => !OWN.has(headers[at - (at % 2)]!.toLowerCase()))
}
