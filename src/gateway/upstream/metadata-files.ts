// Metadata bodies on disk: a line that vouches for the header, the header, the body. The body is held to the sha256 in it.
import { createHash } from "node:crypto"
import { isToken } from "../../packages/registries/http.ts"
import type { CacheDirectory } from "./directory.ts"

export interface Kept {
  body: Buffer
  /** sha256 of the body. */
  id: string
  etag?: string
  lastModified?: string
  /** Milliseconds since the epoch: when the upstream last vouched for it, and until when it need not be asked. */
  fetchedAt: number
  freshUntil: number
}

const FORMAT = "nanoguard.gateway-metadata/1"
const MAX_HEADER = 4_096

/** The name of what an address answers to an accept header. */
export function metadataKey(url: string, accept: string): string {
  return hashOf(JSON.stringify([FORMAT, url, accept]))
}

/** The sha256 of a body, its `id`. */
export function idOf(body: Uint8Array): string {
  return hashOf(body)
}

/** Undefined where there is none, or one that was cut, edited or is another address'. `most`: bytes of a body. */
export async function readMetadata(directory: CacheDirectory, key: string, most: number): Promise<Kept | undefined> {
  const file = await directory.open("meta", key, most + MAX_HEADER)
  if (file === undefined) return undefined
  try {
    const kept = decode(await file.handle.readFile(), key)
    if (kept === undefined) await directory.drop(file.path)
    return kept
  } catch {
    return undefined
  } finally {
    await file.handle.close()
  }
}

/** Throws where the disk does not take it. */
export function writeMetadata(directory: CacheDirectory, key: string, { body, ...header }: Kept): Promise<void> {
  const text = JSON.stringify(header)
  return directory.write("meta", key, Buffer.concat([Buffer.from(`${hashOf(key + text)}\n${text}\n`), body]))
}

function decode(file: Buffer, key: string): Kept | undefined {
  const end = file.subarray(0, MAX_HEADER).indexOf(10, 65)
  if (file[64] !== 10 || end < 0) return undefined
  const text = file.toString("utf8", 65, end)
  if (file.toString("latin1", 0, 64) !== hashOf(key + text)) return undefined
  const { id, etag, lastModified, fetchedAt, freshUntil } = JSON.parse(text) as Partial<Kept>
  const body = file.subarray(end + 1)
  if (!Number.isFinite(fetchedAt) || !Number.isFinite(freshUntil) || id !== idOf(body)) return undefined
  return {
    body,
    id,
    fetchedAt: fetchedAt!,
    freshUntil: freshUntil!,
    ...(etag !== undefined && isToken(etag) && { etag }),
    ...(lastModified !== undefined && isHttpDate(lastModified) && { lastModified }),
  }
}

/** Whether a text is a date as HTTP writes it (RFC 9110, 5.6.7), good to be sent back in a header of ours. */
export function isHttpDate(text: unknown): text is string {
  return typeof text === "string" && /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
}

function hashOf(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex")
}
