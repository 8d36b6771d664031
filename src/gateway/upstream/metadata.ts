// Metadata documents: from memory, from disk, from the upstream with what it gave before, and, where it is down and the options
// allow, what it gave before as it is. One request at a time for one document, however many ask.
import { createLargeGate, readBody } from "../../packages/registries/body.ts"
import { isToken, maxAgeOf } from "../../packages/registries/http.ts"
import { createLru } from "../lru.ts"
import type { CacheDirectory } from "./directory.ts"
import { type Answer, type Exchanger, isFailed } from "./exchange.ts"
import { failed } from "./failures.ts"
import { idOf, isHttpDate, type Kept, metadataKey, readMetadata, writeMetadata } from "./metadata-files.ts"
import type { Metadata, UpstreamFailure, UpstreamLimits, UpstreamRequest, UpstreamStats } from "./types.ts"

interface Services {
  exchanger: Exchanger
  directory: CacheDirectory
  limits: UpstreamLimits
  now: () => number
  offline: boolean
  stale: number
  stats: UpstreamStats["metadata"]
}

export interface MetadataCache {
  ask: (request: UpstreamRequest) => Promise<Found | UpstreamFailure>
  /** The `id` of what `ask` would answer with, without asking anyone; undefined where that is not known. */
  fresh: (request: UpstreamRequest) => string | undefined
  /** Waits for the writes. */
  close: () => Promise<void>
}

export interface Found extends Metadata {
  /** Milliseconds since the epoch. */
  freshUntil: number
}

/** Seconds for which an answer is taken as it is, where the upstream says nothing else (npm's own value), and at most. */
const FRESH = 300
const FRESH_MOST = 600
/** Documents whose `id` is remembered longer than their bytes. */
const STAMPS = 20_000

/** A cache over one directory. */
export function openMetadata(services: Services): MetadataCache {
  const { exchanger, directory, limits, now, offline, stats } = services
  const memory = createLru<Kept>(limits.memoryBytes, ({ body }) => body.length + 512)
  const stamps = createLru<Pick<Kept, "id" | "fetchedAt" | "freshUntil">>(STAMPS)
  const flights = new Map<string, Promise<Found | UpstreamFailure>>()
  const writes = new Map<string, Promise<void>>()
  const gate = createLargeGate()

  const isFresh = (kept: Pick<Kept, "fetchedAt" | "freshUntil">) => kept.fetchedAt <= now() && now() < kept.freshUntil

  function remember(key: string, kept: Kept): void {
    const { id, fetchedAt, freshUntil } = kept
    memory.set(key, kept)
    stamps.set(key, { id, fetchedAt, freshUntil })
  }

  function keep(key: string, kept: Kept): void {
    remember(key, kept)
    // In turn: an older answer must not replace a newer one.
    const write: Promise<void> = (writes.get(key) ?? Promise.resolve())
      .then(() => writeMetadata(directory, key, kept))
      .catch(() => {})
      .then(() => {
        if (writes.get(key) === write) writes.delete(key)
      })
    writes.set(key, write)
  }

  async function find(key: string, request: UpstreamRequest): Promise<Found | UpstreamFailure> {
    const old = memory.get(key) ?? (await readMetadata(directory, key, limits.bodyBytes))
    if (old !== undefined && isFresh(old)) {
      remember(key, old)
      stats.hits++
      return found(old)
    }
    if (offline) {
      if (old === undefined) return failed("offline", "the gateway is offline, and this is not in its cache")
      remember(key, old)
      stats.stale++
      return found(old, true)
    }
    const mayBeStale = old !== undefined && now() - old.fetchedAt <= services.stale
    const answer = await askUpstream(request, old, mayBeStale)
    if (!isFailed(answer)) {
      if (answer.id === old?.id) stats.revalidated++
      else stats.misses++
      keep(key, answer)
      return found(answer)
    }
    if (mayBeStale && answer.kind === "unreachable") {
      memory.set(key, old)
      stats.stale++
      return found(old, true)
    }
    stats.failures++
    return answer
  }

  function askUpstream(request: UpstreamRequest, old: Kept | undefined, mayBeStale: boolean) {
    const condition: Record<string, string> = {}
    if (old?.etag !== undefined) condition["if-none-match"] = old.etag
    else if (old?.lastModified !== undefined) condition["if-modified-since"] = old.lastModified
    const isConditional = Object.keys(condition).length > 0
    return exchanger.ask(
      {
        request,
        headers: { "accept-encoding": "gzip", ...condition },
        statuses: isConditional ? [200, 304] : [200],
        total: limits.total,
        // Whoever has an answer at hand need not wait long for a better one.
        retries: mayBeStale ? Math.min(1, limits.retries) : limits.retries,
      },
      async (answer): Promise<Kept> => {
        const { statusCode, headers, body } = answer
        const fetchedAt = now()
        const age = Math.min(maxAgeOf(headers["cache-control"]).maxAge ?? FRESH, FRESH_MOST)
        const freshUntil = fetchedAt + age * 1000
        if (statusCode === 304 && old !== undefined) {
          await body.dump()
          return { ...old, fetchedAt, freshUntil }
        }
        const bytes = await readBody(body, headers, limits, gate)
        stats.bytes += bytes.length
        return { body: alone(bytes), id: idOf(bytes), fetchedAt, freshUntil, ...validators(headers) }
      },
    )
  }

  return {
    ask: (request) => {
      const key = metadataKey(request.url, request.accept ?? "*/*")
      const known = memory.get(key)
      if (known !== undefined && isFresh(known)) {
        stats.hits++
        return Promise.resolve(found(known))
      }
      const flight = flights.get(key)
      if (flight !== undefined) return flight
      const started = find(key, request).finally(() => flights.delete(key))
      flights.set(key, started)
      return started
    },
    fresh: ({ url, accept = "*/*" }) => {
      const stamp = stamps.get(metadataKey(url, accept))
      if (stamp === undefined || !(offline || isFresh(stamp))) return undefined
      stats.hits++
      return stamp.id
    },
    close: async () => {
      await Promise.allSettled(flights.values())
      await Promise.all(writes.values())
    },
  }
}

/** The same bytes in memory of their own: what was unpacked may lie in a buffer many times as large, which would be kept with it. */
function alone(body: Buffer): Buffer {
  return body.buffer.byteLength <= body.length * 1.25 ? body : Buffer.concat([body])
}

function found({ body, id, etag, fetchedAt, freshUntil }: Kept, stale = false): Found {
  return { ok: true, body, id, fetchedAt, freshUntil, ...(etag !== undefined && { etag }), ...(stale && { stale }) }
}

function validators(headers: Answer["headers"]): Pick<Kept, "etag" | "lastModified"> {
  const { etag, "last-modified": lastModified } = headers
  return {
    ...(typeof etag === "string" && isToken(etag) && { etag }),
    ...(isHttpDate(lastModified) && { lastModified }),
  }
}
