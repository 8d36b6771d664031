// Placeholders in a body that may be compressed: taken out of its content-encoding as it streams by, within bounds.
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib"
import type { Unread } from "../policy/types.ts"
import { createPlaceholderFinder } from "./find.ts"
import type { FoundPlaceholder } from "./types.ts"

/** Bytes that come out of one body at most. */
const MAX_OUT = 64 * 1024 * 1024
/** Times as much as went in, once this much came out. */
const MAX_RATIO = 1000
const RATIO_FROM = 1024 * 1024
/** Bytes by which compressed data is known. */
const MAGIC = 4
/** Encodings over each other. */
const MAX_LAYERS = 3
/** RFC 8878, section 3.1.1.1.2: what every decoder is to support. */
const ZSTD_WINDOW_LOG = 23

export interface BodyFinder {
  /** Resolves once all that the chunk holds was looked at, so that it can be let through after it. Never rejects. */
  push: (chunk: Uint8Array) => Promise<FoundPlaceholder[]>
  end: () => Promise<FoundPlaceholder[]>
  /** Why not all of it could be looked at, from then on. */
  readonly unread?: Unread
}

type Decoder = ReturnType<typeof createGunzip>

function createDecoder(encoding: string, first: Uint8Array): Decoder | undefined {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip()
    case "deflate":
      // RFC 9110, section 8.4.1.2: with zlib's header, which some leave out.
      return (first[0]! & 0x0f) === 8 ? createInflate() : (createInflateRaw() as unknown as Decoder)
    case "br":
      return createBrotliDecompress() as unknown as Decoder
    case "zstd":
      return createZstdDecompress({
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
      }) as unknown as Decoder
    default:
      return undefined
  }
}

/** What compressed bytes begin with, whatever a header says of them. */
function magicOf(first: Uint8Array): string | undefined {
  if (first[0] === 0x1f && first[1] === 0x8b) return "gzip"
  return first[0] === 0x28 && first[1] === 0xb5 && first[2] === 0x2f && first[3] === 0xfd ? "zstd" : undefined
}

/** Encodings of a header's value (RFC 9110, section 8.4), the one that was applied last first. `aws-chunked` only frames. */
export function encodingsOf(header: string): string[] {
  const names = header.split(",").map((name) => name.trim().toLowerCase())
  return names.filter((name) => name !== "" && name !== "identity" && name !== "aws-chunked").reverse()
}

/**
 * Looks through a body in chunks, out of its content-encoding: gzip, deflate, br and zstd, at most three over each other, 64 MiB
 * and 1000 times what went in. What is compressed and does not say so (gzip, zstd) is looked into as well, as far as it goes.
 */
export function createBodyFinder(where: string, contentEncoding = ""): BodyFinder {
  const encodings = encodingsOf(contentEncoding)
  const plain = encodings.length === 0 ? createPlaceholderFinder(where) : undefined
  let inner: Unpacker | undefined
  // The beginning, until it is long enough to tell what it is.
  let first: Buffer | undefined = Buffer.alloc(0)
  let unread: Unread | undefined = encodings.length > MAX_LAYERS ? "encoded" : undefined

  const begin = (bytes: Uint8Array) => {
    first = undefined
    const magic = plain === undefined ? undefined : magicOf(bytes)
    const layers = magic === undefined ? encodings : [magic]
    if (layers.length > 0) inner = createUnpacker(where, layers, bytes)
    if (plain === undefined && inner === undefined) unread = "encoded"
  }
  const settle = (found: FoundPlaceholder[]) => {
    // Bytes that only look compressed are no reason to refuse them.
    unread ??= plain === undefined ? inner?.unread : plain.unread
    return found
  }
  return {
    async push(chunk) {
      if (unread !== undefined || chunk.length === 0) return []
      const found = plain?.push(chunk) ?? []
      let bytes = chunk
      if (first !== undefined) {
        first = Buffer.concat([first, chunk])
        if (first.length < MAGIC) return settle(found)
        bytes = first
        begin(bytes)
      }
      return settle(inner === undefined ? found : [...found, ...(await inner.push(bytes))])
    },
    async end() {
      const found = plain?.end() ?? []
      const short = first
      if (plain === undefined && short !== undefined && short.length > 0) {
        begin(short)
        found.push(...((await inner?.push(short)) ?? []))
      }
      return settle(inner === undefined ? found : [...found, ...(await inner.end())])
    },
    get unread() {
      return unread
    },
  } as BodyFinder
}

interface Unpacker extends BodyFinder {}

/** Decoders one behind the other, and a finder behind the last. Undefined for an encoding that there is not. */
function createUnpacker(where: string, encodings: readonly string[], first: Uint8Array): Unpacker | undefined {
  const decoders: Decoder[] = []
  const finder = createPlaceholderFinder(where)
  let found: FoundPlaceholder[] = []
  let [sent, out] = [0, 0]
  let unread: Unread | undefined
  let ended = false
  let over: (() => void) | undefined

  const stop = (reason?: Unread) => {
    unread ??= reason
    for (const decoder of decoders) decoder.destroy()
    over?.()
  }
  for (const encoding of encodings) {
    const before = decoders.at(-1)
    // What an inner one begins with is not known yet: with zlib's header, as the RFC has it.
    const decoder = createDecoder(encoding, before === undefined ? first : Buffer.of(0x78))
    if (decoder === undefined) return undefined
    decoder.on("error", () => stop("malformed"))
    if (before !== undefined) before.pipe(decoder)
    decoders.push(decoder)
  }
  const [outer, last] = [decoders[0]!, decoders.at(-1)!]
  last.on("data", (bytes: Buffer) => {
    out += bytes.length
    found.push(...finder.push(bytes))
    if (out > MAX_OUT || (out > RATIO_FROM && out > sent * MAX_RATIO)) stop("too-large")
    else if (finder.unread !== undefined) stop(finder.unread)
  })
  // The end of what is encoded, which may come before the end of the body.
  for (const event of ["end", "close"]) {
    last.on(event, () => {
      ended = true
      over?.()
    })
  }
  const take = () => {
    const taken = found
    found = []
    return taken
  }
  const until = (start: (done: () => void) => void) =>
    new Promise<void>((resolve) => {
      over = resolve
      if (unread !== undefined || ended) return resolve()
      start(resolve)
    })
  return {
    async push(chunk) {
      sent += chunk.length
      await until((done) => outer.write(chunk, () => done()))
      return take()
    },
    async end() {
      await until(() => outer.end())
      // What no decoder took follows the end of what is encoded: others might read it.
      if (unread === undefined && outer.bytesWritten < sent) unread = "malformed"
      found.push(...finder.end())
      return take()
    },
    get unread() {
      return unread
    },
  } as Unpacker
}
