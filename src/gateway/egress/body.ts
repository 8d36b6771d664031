// The body of a request: as much of it as a decision needs, and the rest as it comes.
import type { IncomingMessage } from "node:http"
import { promisify } from "node:util"
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib"
import type { Unread } from "../../policy/types.ts"

/** The beginning of a body. Where it is not whole the request is paused, and what follows is still in it. */
export interface BodyStart {
  bytes: Buffer
  whole: boolean
}

/** Whether a request has a body at all (RFC 9112, section 6.3; over HTTP/2, whether its stream goes on). */
export function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers
  if (request.httpVersionMajor >= 2) return !request.readableEnded && !isEnded(request)
  return encoding !== undefined || (length !== undefined && length !== "0")
}

function isEnded(request: IncomingMessage): boolean {
  return (request as { stream?: { endAfterHeaders?: boolean } }).stream?.endAfterHeaders === true
}

/** By what a body is read that a decision waits for. Milliseconds, after which it is taken for one that does not end. */
export interface Patience {
  /** Without a byte. */
  idle: number
  /** From the first byte to the last one: one that comes byte by byte ends, too. */
  total: number
}

/** For bodies that clients send. */
export const PATIENCE: Patience = { idle: 10_000, total: 60_000 }

/**
 * Reads until the body ends, or until more than `limit` bytes are there. `take` is told of bytes before they are kept. Rejects where
 * the client leaves, and with what `take` throws.
 */
export function readStart(
  request: IncomingMessage,
  limit: number,
  { idle, total }: Patience,
  take: (bytes: number) => void,
  before: BodyStart = { bytes: Buffer.alloc(0), whole: !hasBody(request) },
): Promise<BodyStart> {
  if (before.whole || before.bytes.length > limit) return Promise.resolve(before)
  return new Promise((resolve, reject) => {
    // One piece of memory that doubles: a body may come byte by byte, and each chunk of its own takes a hundred times as much.
    let read = before.bytes
    let size = read.length
    let timer = setTimeout(onIdle, idle)
    const deadline = setTimeout(onIdle, total)
    const settle = () => {
      clearTimeout(timer)
      clearTimeout(deadline)
      request.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose)
    }
    function finish(whole: boolean) {
      settle()
      if (!whole) request.pause()
      resolve({ bytes: read.subarray(0, size), whole })
    }
    function onIdle() {
      finish(false)
    }
    function onData(chunk: Buffer) {
      try {
        take(chunk.length)
      } catch (error) {
        request.pause()
        return onError(error as Error)
      }
      read = append(read, size, chunk, limit)
      size += chunk.length
      if (size > limit) return finish(false)
      clearTimeout(timer)
      timer = setTimeout(onIdle, idle)
    }
    function onEnd() {
      finish(true)
    }
    function onError(error: Error) {
      settle()
      reject(error)
    }
    function onClose() {
      // An end that came before is an end.
      if (request.complete) return finish(true)
      onError(new Error("the client left"))
    }
    if (request.complete && request.readableEnded) return finish(true)
    request.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose)
    request.resume()
  })
}

/**
 * `read`, of whose beginning `size` bytes are taken, `limit` at most, with `chunk` after those; a larger copy where there is no room, for no more
 * than can come.
 */
function append(read: Buffer, size: number, chunk: Buffer, limit: number): Buffer {
  if (size === 0) return chunk
  let room = read
  if (size + chunk.length > read.length) {
    room = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * (size + chunk.length), 1024), limit + chunk.length))
    read.copy(room, 0, 0, size)
  }
  chunk.copy(room, size)
  return room
}

/** What looks at a body on its way, and says what of it may go. Either rejects to cut the body off before it is whole. */
export interface Guard {
  look: (chunk: Buffer) => Promise<Buffer>
  /** What was held back. */
  end: () => Promise<Buffer>
}

/** A body's bytes as they may go, its beginning first. */
export async function* streamBody(
  request: IncomingMessage,
  start: BodyStart,
  { look, end }: Guard,
): AsyncGenerator<Buffer> {
  for await (const chunk of bytesOf(request, start)) {
    const bytes = await look(chunk)
    if (bytes.length > 0) yield bytes
  }
  const rest = await end()
  if (rest.length > 0) yield rest
}

async function* bytesOf(request: IncomingMessage, start: BodyStart): AsyncGenerator<Buffer> {
  if (start.bytes.length > 0) yield start.bytes
  if (!start.whole) for await (const chunk of request) yield chunk as Buffer
}

const DECODERS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const

/** A whole body out of its content-encoding (RFC 9110, section 8.4): at most `limit` bytes, one encoding, nothing behind it. */
export async function decodeBody(bytes: Buffer, encoding: string, limit: number): Promise<Buffer | Unread> {
  const name = encoding.trim().toLowerCase()
  if (name === "" || name === "identity") return bytes
  if (!Object.hasOwn(DECODERS, name)) return "encoded"
  try {
    return (await DECODERS[name as keyof typeof DECODERS](bytes, { maxOutputLength: limit })) as Buffer
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too-large" : "malformed"
  }
}
