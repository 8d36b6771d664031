// An answer onto a socket, with backpressure. What ends early is cut off, so that no client takes a part for the whole.
import type { IncomingMessage, ServerResponse } from "node:http"
import { finished } from "node:stream/promises"
import { type Answer, errorAnswer, unavailableAnswer } from "./answer.ts"
import { IntegrityError } from "./upstream/types.ts"

/**
 * Sends an answer to a client that takes some of it every `stall` milliseconds; resolves with its status, 0 where it was cut off, and
 * the bytes of its body. Never rejects.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  stall: number,
): Promise<{ status: number; bytes: number }> {
  const { status, body, headers } = answer
  // Who takes nothing for so long must not hold a socket, an open file and what waits in memory.
  response.setTimeout(stall, () => response.destroy())
  try {
    // What a client still sends has no reader: it must not keep the socket. HTTP/2 has neither that, nor a reason phrase.
    const isFirst = request.httpVersionMajor < 2
    if (!request.complete && isFirst) response.setHeader("connection", "close")
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (answer.phrase !== undefined && isFirst) response.statusMessage = answer.phrase
    response.statusCode = status
    if (typeof body === "string" || Buffer.isBuffer(body)) {
      const bytes = Buffer.byteLength(body)
      if (status !== 304) response.setHeader("content-length", answer.length ?? bytes)
      response.end(request.method === "HEAD" || status === 304 ? undefined : body)
      await finished(response, { error: false })
      return { status, bytes }
    }
    if (answer.length !== undefined) response.setHeader("content-length", answer.length)
    return { status, bytes: await pour(body, response) }
  } catch (error) {
    // Where nothing has left yet, there is still room for an answer; else no client may take a part for the whole.
    if (!response.headersSent && !response.destroyed)
      return sendAnswer(request, cleared(response), brokenAnswer(error), stall)
    response.destroy()
    return { status: 0, bytes: 0 }
  }
}

/** 403 for bytes that are not those that were promised, which asking again does not change; 503 for an upstream that broke off. */
function brokenAnswer(error: unknown): Answer {
  if (error instanceof IntegrityError)
    return errorAnswer(403, "integrity.mismatch: the upstream's bytes are not those that its metadata promises")
  return unavailableAnswer("the upstream broke off")
}

function cleared(response: ServerResponse): ServerResponse {
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  if (response.req.httpVersionMajor < 2) response.statusMessage = ""
  return response
}

/** Writes chunk by chunk and waits where the client is slower. Throws where the source or the client breaks off. */
async function pour(body: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<number> {
  let bytes = 0
  for await (const chunk of body) {
    if (response.destroyed) throw new Error("the client is gone")
    bytes += chunk.length
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
  return bytes
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      response.off("drain", onDrain).off("close", onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onDrain = () => settle()
    const onClose = () => settle(new Error("the client is gone"))
    response.on("drain", onDrain).on("close", onClose)
  })
}
