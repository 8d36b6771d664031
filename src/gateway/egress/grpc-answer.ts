// The gate's own answers to gRPC calls: a status that its clients read, where they would make a riddle of one of HTTP.
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ServerHttp2Stream } from "node:http2"
import type { Answer } from "../answer.ts"
import { sendAnswer } from "../send.ts"

/** gRPC's codes for what the gate says by HTTP's (grpc/doc/statuscodes.md); 2, UNKNOWN, for any other. */
const CODES: Readonly<Record<number, number>> = { 400: 3, 403: 7, 413: 8, 421: 3, 429: 8, 502: 14, 503: 14, 504: 4 }
/** Characters of a message; and bytes of the verdict, since clients take 8 KiB of metadata in all. */
const MAX_MESSAGE = 1_000
const MAX_VERDICT = 4_096
/** RFC 9113, section 7. */
const NO_ERROR = 0

/** Whether a request is a gRPC call, of which HTTP/2 is a part. */
export function isGrpcCall({
  httpVersionMajor,
  headers,
}: Pick<IncomingMessage, "httpVersionMajor" | "headers">): boolean {
  return httpVersionMajor >= 2 && /^application\/grpc\b/i.test(headers["content-type"] ?? "")
}

/** Sends an answer of the gate's own as the client reads it; resolves once it is sent, or cut off. `stall`: see `sendAnswer`. */
export async function sendOwnAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  stall: number,
): Promise<void> {
  const { body } = answer
  const isWhole = typeof body === "string" || Buffer.isBuffer(body)
  if (!isWhole || !isGrpcCall(request) || response.headersSent) {
    await sendAnswer(request, response, answer, stall)
    return
  }
  const { stream } = response as unknown as { stream: ServerHttp2Stream }
  // Taken back by its client (RST_STREAM), a stream is closed before it is destroyed: nothing can be said on it.
  if (stream.destroyed || stream.closed || stream.headersSent) return void stream.destroy()
  try {
    stream.respond(grpcHeaders(answer, String(body), request.headers["content-type"]), { endStream: true })
    // What the client still says has no reader (RFC 9113, section 8.1).
    stream.resume().close(NO_ERROR)
  } catch {
    stream.destroy()
  }
}

/** "Trailers-Only" (gRPC over HTTP/2, "Responses"): one block of headers, and the end. */
function grpcHeaders(answer: Answer, body: string, type = "application/grpc"): Record<string, string | number> {
  const { status, headers } = answer
  const request = headers["nanoguard-request"]
  return {
    ":status": 200,
    "content-type": /^application\/grpc[a-z+-]{0,20}$/i.test(type) ? type : "application/grpc",
    "grpc-status": CODES[status] ?? 2,
    "grpc-message": encodeMessage(errorOf(body)),
    // The whole verdict, as the body of a 403 has it: what no client shows, programs may read (`-bin`: bytes).
    ...(Buffer.byteLength(body) <= MAX_VERDICT && { "nanoguard-verdict-bin": Buffer.from(body).toString("base64") }),
    ...(request !== undefined && { "nanoguard-request": request }),
  }
}

/** The line that stands alone. */
function errorOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown }
    if (typeof error === "string") return error.slice(0, MAX_MESSAGE)
  } catch {
    // What is no JSON has no such line.
  }
  return "refused by the gateway"
}

/** Percent-Byte-Encoded (gRPC over HTTP/2, "Responses"): visible ASCII but the percent sign stays what it is. */
function encodeMessage(text: string): string {
  const bytes = [...Buffer.from(text)]
  return bytes
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("")
}
