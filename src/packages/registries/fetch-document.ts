// One document from one registry: the cache first, then the registry with its etag, then what still holds of an old answer.
import type { Ecosystem, PackageFactName } from "../../policy/types.ts"
import type { DocumentResult, PackageDocument } from "../types.ts"
import { type Cache, cacheKey } from "./cache.ts"
import { freezeDocument, staleDocument, thawDocument } from "./cached-document.ts"
import type { HttpClient, HttpRequest } from "./http.ts"
import { JsonError } from "./json-pick.ts"

/** What every registry client works with. */
export interface Services {
  http: HttpClient
  cache: Cache
  /** Milliseconds since the epoch. */
  now: () => number
  /** Whether some decision needs this fact: what no one needs is not asked for where that costs a request of its own. */
  needs: (fact: PackageFactName) => boolean
  /** Takes one of a bounded number of verifications; false once they are used up. */
  spendVerification: () => boolean
}

export interface DocumentRequest extends HttpRequest {
  ecosystem: Ecosystem
  name: string
  /** Versions that are asked about: an old answer counts only where it has all of them. */
  versions?: readonly string[] | undefined
  /** Tells apart answers of one address that were reduced differently. */
  variant?: string
  /** The document in an answer; undefined or a `JsonError` where it is none. */
  reduce: (body: Buffer, now: number) => PackageDocument | undefined
}

/** Seconds for which an answer is taken as it is, where the registry says nothing else (npm's own value). */
const FRESH = 300
const FRESH_MOST = 600

/** Asks for one document. Never throws for what a network, a server or a cache file did. */
export async function fetchDocument(services: Services, request: DocumentRequest): Promise<DocumentResult> {
  const { http, cache, now } = services
  const { ecosystem, name, reduce, versions = [], variant = "", ...call } = request
  const key = cacheKey(ecosystem, call.url, name, variant)
  const entry = await cache.read(key)
  const known = entry === undefined ? undefined : thawDocument(entry.payload, ecosystem, name)
  if (known !== undefined && entry !== undefined && now() < entry.freshUntil) return { ok: true, document: known }

  const answer = await http.get({ ...call, etag: known === undefined ? undefined : entry?.etag })
  const fetchedAt = now()
  if (!answer.ok) {
    const lasting = answer.reason === "unreachable" && versions.every((version) => known?.releases.has(version))
    return known !== undefined && lasting ? { ok: true, document: staleDocument(known) } : answer
  }
  const freshUntil = fetchedAt + Math.min(answer.maxAge ?? FRESH, FRESH_MOST) * 1000
  if (answer.status === 304) {
    const document = { ...known!, fetchedAt }
    cache.write(key, { ...entry!, fetchedAt, freshUntil, payload: freezeDocument(document) })
    return { ok: true, document }
  }
  const document = reduceSafely(() => reduce(answer.body, fetchedAt))
  if (typeof document === "string") return { ok: false, reason: "invalid", detail: document }
  const { etag } = answer
  cache.write(key, { ...(etag !== undefined && { etag }), fetchedAt, freshUntil, payload: freezeDocument(document) })
  return { ok: true, document }
}

function reduceSafely(reduce: () => PackageDocument | undefined): PackageDocument | string {
  try {
    return reduce() ?? "the registry's answer is not about this package"
  } catch (error) {
    if (error instanceof JsonError) return error.message
    throw error
  }
}
