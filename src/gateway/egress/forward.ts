// A request to its origin and the answer back, as they come: nothing is kept, and whoever is slower sets the pace.
import type { ServerResponse } from "node:http"
import type { Dispatcher } from "undici"
import { BEGINNING } from "../services/index.ts"
import { responseHeaders, valuesOf } from "./headers.ts"
import { originError, wasUnsent } from "./origin-error.ts"

export interface Outgoing {
  method: string
  /** Origin form. */
  path: string
  /** Names and values in turn. */
  headers: string[]
  body: Buffer | AsyncIterable<Uint8Array> | undefined
}

/** What looks at, or changes, an answer on its way. */
export interface Watch {
  /** Headers as they go to the client; throws `AnswerRefused` where the answer must not be passed on. */
  head?: (status: number, headers: OutgoingHeaders) => OutgoingHeaders
  /** What goes out for a chunk: nothing where bytes are held back. */
  data?: (chunk: Buffer) => Uint8Array
  /** What was held back. */
  end?: () => Uint8Array
  trailers?: (trailers: OutgoingHeaders) => OutgoingHeaders
}

export type OutgoingHeaders = [name: string, value: string][]

export interface Forwarded {
  /** 0 where no answer came. */
  status: number
  sent: number
  received: number
  /** The first bytes of a body that was sent as it came. */
  beginning?: Buffer
  /** Why it broke off: a code, never an upstream's words. */
  failed?: string
}

/** An answer that must not be passed on; nothing of it was. */
export class AnswerRefused extends Error {
  override name = "AnswerRefused"
}

/** Answers that are short, and say how long they are, leave in one packet with their head. */
const ONE_PACKET = 32_768

/** Bytes of a piece that more of the same answer is likely to follow: one record of TLS. */
const PIECE = 8_192

/** Bytes of an answer that wait for a client before its origin has to. */
const AHEAD = 262_144

/** Milliseconds. */
const STALL = 120_000

/**
 * Sends a request and passes the answer on. Never rejects: where nothing was passed on, `onNothing` answers in its place. `stall`:
 * milliseconds that the client may take nothing of what is there for it; an origin may take longer than that to answer.
 */
export function forward(
  dispatcher: Pick<Dispatcher, "dispatch">,
  origin: string,
  outgoing: Outgoing,
  response: ServerResponse,
  watch: Watch,
  onNothing: (failed: string) => void,
  stall = STALL,
): Promise<Forwarded> {
  return new Promise((resolve) => {
    const done: Forwarded = { status: 0, sent: 0, received: 0 }
    let over = false
    let corked = false
    let waiting = false
    const letGo = () => {
      if (!corked) return
      corked = false
      response.uncork()
    }
    let watched = false
    /** From now on the client has to take something. */
    const watchTaking = () => {
      response.setTimeout(stall, watched ? undefined : () => response.destroy())
      watched = true
    }
    let controller: Dispatcher.DispatchController | undefined
    const leave = () => {
      if (over) return
      settle("client-left")
      controller?.abort(new Error("the client left"))
    }
    const settle = (failed?: string) => {
      if (over) return
      over = true
      response.off("close", leave)
      resolve(failed === undefined ? done : { ...done, failed })
    }
    const fail = (error: unknown) => {
      if (over) return
      const said = codeOf(error)
      // There was a connection: however that broke, the request may have arrived.
      const code = controller !== undefined && wasUnsent(0, said) ? "broken" : said
      settle(code)
      if (response.headersSent) response.destroy()
      else onNothing(code)
    }
    response.on("close", leave)
    if (response.destroyed) return leave()
    const counted = typeof outgoing.body === "object" && !Buffer.isBuffer(outgoing.body)
    try {
      dispatcher.dispatch(
        {
          origin,
          path: outgoing.path,
          method: outgoing.method as Dispatcher.HttpMethod,
          headers: outgoing.headers,
          body: (counted ? count(outgoing.body as AsyncIterable<Uint8Array>, done) : outgoing.body) as never,
        },
        {
          onRequestStart: (started) => {
            controller = started
            if (over) started.abort(new Error("the client left"))
          },
          onResponseStart: (current, status, headers) => {
            // Informational answers are between the gate and the origin.
            if (status < 200 || over) return
            done.status = status
            try {
              const own = responseHeaders(current.rawHeaders ?? headers)
              checkCoding(Array.isArray(current.rawHeaders) ? current.rawHeaders : [])
              const all = watch.head?.(status, own) ?? own
              response.writeHead(status, all.flat())
              if (!isShort(all)) response.flushHeaders()
            } catch (error) {
              fail(error)
              current.abort(new Error("the answer is not passed on"))
            }
          },
          onResponseData: (current, chunk) => {
            if (over) return
            done.received += chunk.length
            let bytes: Uint8Array = chunk
            try {
              if (watch.data !== undefined) bytes = watch.data(chunk)
            } catch (error) {
              fail(error)
              return current.abort(new Error("the answer is not passed on"))
            }
            if (bytes.length === 0) return
            // Pieces of a large answer that come in one turn of the event loop leave in one.
            if (!corked && bytes.length >= PIECE) {
              corked = true
              response.cork()
              setImmediate(letGo)
            }
            if (response.write(bytes) || waiting || response.writableLength <= AHEAD) return
            waiting = true
            current.pause()
            watchTaking()
            response.once("drain", () => {
              waiting = false
              response.setTimeout(0)
              current.resume()
            })
          },
          onResponseEnd: (_, trailers) => {
            if (over) return
            try {
              const rest = watch.end?.()
              if (rest !== undefined && rest.length > 0) response.write(rest)
            } catch (error) {
              return fail(error)
            }
            // Its end does not wait for what is held back (Node 24).
            letGo()
            const named = responseHeaders(trailers ?? {})
            if (named.length > 0) response.addTrailers(Object.fromEntries(watch.trailers?.(named) ?? named))
            response.end()
            if (response.writableLength > 0) watchTaking()
            settle()
          },
          onResponseError: (_, error) => fail(error),
        },
      )
      if (!counted && outgoing.body !== undefined) done.sent = (outgoing.body as Buffer).length
    } catch (error) {
      fail(error)
    }
  })
}

async function* count(body: AsyncIterable<Uint8Array>, done: Forwarded): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    done.sent += chunk.length
    const before = done.beginning ?? Buffer.alloc(0)
    if (before.length < BEGINNING) done.beginning = Buffer.concat([before, chunk.subarray(0, BEGINNING)])
    yield chunk
  }
}

function isShort(headers: OutgoingHeaders): boolean {
  const length = headers.find(([name]) => name.toLowerCase() === "content-length")?.[1]
  return length !== undefined && Number(length) <= ONE_PACKET
}

/**
 * Throws `AnswerRefused` for a body that is compressed for this connection alone (RFC 9112, section 7): nobody asked for that, and with
 * the header that says so it would be bytes that neither the client nor whoever looks through them could read.
 */
export function checkCoding(rawHeaders: readonly (string | Buffer)[]): void {
  const codings = valuesOf(rawHeaders, "transfer-encoding")
  if (codings !== undefined && codings.join().trim().toLowerCase() !== "chunked")
    throw new AnswerRefused("answer.encoded")
}

/** What went wrong, as a word of ours. */
function codeOf(error: unknown): string {
  return error instanceof AnswerRefused ? error.message : originError(error).fault
}
