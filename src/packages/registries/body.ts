// Reads an answer's body within bounds: what it says of its length is checked, never believed.
import type { IncomingHttpHeaders } from "node:http"
import type { Readable } from "node:stream"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"

/** The answer itself is unusable; its message is safe to show. */
export class BodyError extends Error {}

/** It is larger than its limit. */
export class TooLargeError extends BodyError {}

/** Bytes from which an answer counts as large: only a few of those are read at a time. */
const LARGE = 8 * 1024 * 1024
const LARGE_AT_ONCE = 2

export type LargeGate = <T>(work: () => Promise<T>) => Promise<T>

/** Lets two large answers through at a time, so that a hostile registry cannot fill memory by concurrency. */
export function createLargeGate(): LargeGate {
  let free = LARGE_AT_ONCE
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}

const inflate = promisify(gunzip)

/** The whole body, gunzipped where it is compressed. Throws `BodyError` beyond the limits or on an encoding not asked for. */
export async function readBody(
  body: Readable,
  headers: IncomingHttpHeaders,
  limits: { wireBytes: number; bodyBytes: number },
  gate: LargeGate,
): Promise<Buffer> {
  const encoding = headers["content-encoding"]?.toLowerCase() ?? "identity"
  if (encoding !== "identity" && encoding !== "gzip") {
    discard(body)
    throw new BodyError("the registry answered in an encoding that was not asked for")
  }
  const most = encoding === "gzip" ? limits.wireBytes : limits.bodyBytes
  const length = Number(headers["content-length"] ?? 0)
  if (length > most) {
    discard(body)
    throw new TooLargeError(`the registry's answer is larger than ${most} bytes`)
  }
  const chunks: Buffer[] = []
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const small = await readUpTo(iterator, chunks, Math.min(LARGE, most), 0)
  if (small.done) return unzipGated(Buffer.concat(chunks), encoding, limits, gate)
  return gate(async () => {
    const all = await readUpTo(iterator, chunks, most, small.bytes)
    if (!all.done) {
      discard(body)
      throw new TooLargeError(`the registry's answer is larger than ${most} bytes`)
    }
    return unzip(Buffer.concat(chunks), encoding, limits)
  })
}

async function readUpTo(
  iterator: AsyncIterator<Buffer>,
  chunks: Buffer[],
  most: number,
  already: number,
): Promise<{ done: boolean; bytes: number }> {
  let bytes = already
  while (bytes <= most) {
    const next = await iterator.next()
    if (next.done) return { done: true, bytes }
    chunks.push(next.value)
    bytes += next.value.length
  }
  return { done: false, bytes }
}

/** A few bytes may unpack to many: those that do wait for their turn. */
async function unzipGated(
  wire: Buffer,
  encoding: string,
  limits: { bodyBytes: number },
  gate: LargeGate,
): Promise<Buffer> {
  const most = 2 * LARGE
  if (encoding === "identity" || limits.bodyBytes <= most) return unzip(wire, encoding, limits)
  try {
    return await unzip(wire, encoding, { bodyBytes: most })
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error
    return gate(() => unzip(wire, encoding, limits))
  }
}

async function unzip(wire: Buffer, encoding: string, limits: { bodyBytes: number }): Promise<Buffer> {
  if (encoding === "identity") return wire
  try {
    return await inflate(wire, { maxOutputLength: limits.bodyBytes, chunkSize: 256 * 1024 })
  } catch (error) {
    throw (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE"
      ? new TooLargeError(`the registry's answer unpacks to more than ${limits.bodyBytes} bytes`)
      : new BodyError("the registry's answer is not the gzip that it says it is")
  }
}

function discard(body: Readable): void {
  body.on("error", () => {}).destroy()
}
