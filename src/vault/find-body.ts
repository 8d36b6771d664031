// Placeholders in a body that may be compressed: taken out of its content-encoding as it streams by, within bounds.
import type { Unread } from "../policy/types.ts"
import { createPlaceholderFinder } from "./find.ts"
import { createUnpacker } from "./find-unpack.ts"
import type { FoundPlaceholder } from "./types.ts"

/** Bytes by which compressed data is known. */
const MAGIC = 4
/** Encodings over each other. */
const MAX_LAYERS = 3
export interface BodyFinder {
  /** Resolves once all that the chunk holds was looked at, so that it can be let through after it. Never rejects. */
  push: (chunk: Uint8Array) => Promise<FoundPlaceholder[]>
  end: () => Promise<FoundPlaceholder[]>
  /** Why not all of it could be looked at, from then on. */
  readonly unread?: Unread
  /** Something began that may be one: the next bytes say. */
  readonly waiting: boolean
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
  let inner: BodyFinder | undefined
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
    const within = inner?.unread
    unread ??= plain === undefined ? within : (plain.unread ?? (within === "ambiguous" ? within : undefined))
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
    get waiting() {
      return unread === undefined && (plain?.waiting === true || inner?.waiting === true)
    },
  } as BodyFinder
}
