// Compressed bytes undone as they stream by, within bounds, and looked through for placeholders.
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
import type { BodyFinder } from "./find-body.ts"
import type { FoundPlaceholder } from "./types.ts"

/** Bytes that come out of one body at most. */
const MAX_OUT = 64 * 1024 * 1024
/** Times as much as went in, once this much came out. */
const MAX_RATIO = 1000
const RATIO_FROM = 1024 * 1024
/** RFC 8878, section 3.1.1.1.2: what every decoder is to support. */
const ZSTD_WINDOW_LOG = 23

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

/** Decoders one behind the other (the outermost first), and a finder behind the last. Undefined for an encoding that there is not. */
export function createUnpacker(where: string, encodings: readonly string[], first: Uint8Array): BodyFinder | undefined {
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
    get waiting() {
      return unread === undefined && finder.waiting
    },
  } as BodyFinder
}
