// What an address gave before: which blob, and which promises it was found to keep. Small files, and the lately used in memory.
import { createHash } from "node:crypto"
import { createLru } from "../lru.ts"
import type { CacheDirectory } from "./directory.ts"

export interface Reference {
  sha256: string
  size: number
  contentType?: string
  /** `algorithm-base64` of promises that these bytes kept. */
  kept: readonly string[]
  /** Milliseconds since the epoch. */
  fetchedAt: number
}

export interface References {
  get: (key: string) => Reference | undefined
  /** Starts a write; one that fails only costs a download. */
  set: (key: string, reference: Reference) => void
  /** Waits for the writes. */
  close: () => Promise<void>
}

const FORMAT = "nanoguard.gateway-artifact/1"
const IN_MEMORY = 20_000
const MOST = 16 * 1024
const PROMISES = 8

/** The name of the reference for an address, and for how it came to be asked. */
export function referenceKey(url: string, target: "configured" | "learnt"): string {
  return hashOf(FORMAT, url, target)
}

export function openReferences(directory: CacheDirectory): References {
  const memory = createLru<Reference>(IN_MEMORY)
  const writes = new Set<Promise<void>>()
  return {
    get: (key) => {
      const known = memory.get(key) ?? read(directory, key)
      if (known !== undefined) memory.set(key, known)
      return known
    },
    set: (key, reference) => {
      const bounded = { ...reference, kept: reference.kept.slice(-PROMISES) }
      memory.set(key, bounded)
      const write: Promise<void> = directory
        .write("refs", key, encode(key, bounded))
        .catch(() => {})
        .finally(() => writes.delete(write))
      writes.add(write)
    },
    close: async () => void (await Promise.all(writes)),
  }
}

function read(directory: CacheDirectory, key: string): Reference | undefined {
  const file = directory.readSmall("refs", key)
  if (file === undefined || file.bytes.length > MOST) return undefined
  try {
    return decode(key, file.bytes.toString("utf8"))
  } catch {
    return undefined
  }
}

/** A line with the hash of the rest, then the reference: a torn, cut or edited file is none, nor is another address'. */
function encode(key: string, reference: Reference): Buffer {
  const text = JSON.stringify(reference)
  return Buffer.from(`${hashOf(key, text)}\n${text}`)
}

function decode(key: string, file: string): Reference | undefined {
  const text = file.slice(65)
  if (file[64] !== "\n" || file.slice(0, 64) !== hashOf(key, text)) return undefined
  const { sha256, size, contentType, kept, fetchedAt } = JSON.parse(text) as Partial<Reference>
  const sound =
    typeof sha256 === "string" &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    Number.isSafeInteger(size) &&
    Array.isArray(kept) &&
    Number.isFinite(fetchedAt) &&
    (contentType === undefined || isContentType(contentType))
  if (!sound) return undefined
  return { sha256, size: size!, kept, fetchedAt: fetchedAt!, ...(contentType !== undefined && { contentType }) }
}

/** Whether a content type may go into a header of ours: a media type (RFC 9110, 8.3.1) with short, plain parameters. */
export function isContentType(value: unknown): value is string {
  return (
    typeof value === "string" && value.length <= 120 && /^[\w.+-]+\/[\w.+-]+(?: ?; ?[\w-]+="?[\w.+-]+"?)*$/.test(value)
  )
}

function hashOf(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex")
}
