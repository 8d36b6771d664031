// Artifacts: from the cache where a sound copy lies there, else by one download for all who ask. What an address without a promise
// gave first is what it must always give.
import { createLru } from "../lru.ts"
import { openBlob, stateOf } from "./blob.ts"
import type { CacheDirectory } from "./directory.ts"
import { type Download, startDownload } from "./download.ts"
import type { Exchanger } from "./exchange.ts"
import { failed, publicFailure } from "./failures.ts"
import { choosePromise, type Promised, promiseOf, spellPromise } from "./integrity.ts"
import { openReferences, type Reference, referenceKey } from "./references.ts"
import type { Reader } from "./spool.ts"
import { judgeTarget } from "./targets.ts"
import type { Artifact, ArtifactRequest, UpstreamFailure, UpstreamLimits, UpstreamStats } from "./types.ts"

interface Services {
  exchanger: Exchanger
  directory: CacheDirectory
  limits: UpstreamLimits
  now: () => number
  offline: boolean
  trusted: ReadonlySet<string>
  stats: UpstreamStats["artifacts"]
}

export interface Artifacts {
  ask: (request: ArtifactRequest) => Promise<Artifact | UpstreamFailure>
  /** Ends what is under way and waits for what is being kept. */
  close: () => Promise<void>
}

const SEEN = 10_000
/** Bytes of an artifact that may wait in memory to be put into the cache, and of all that wait. */
const INLINE = 256 * 1024
const WAITING = 32 * 1024 * 1024
/** Milliseconds after which an artifact that nobody began to read is let go. */
const FORGOTTEN = 60_000

/** Artifacts over one cache directory. */
export function openArtifacts(services: Services): Artifacts {
  const { directory, now, offline, stats } = services
  const references = openReferences(directory)
  const seen = createLru<string>(SEEN)
  const flights = new Map<string, Download>()
  const running = new Set<Promise<unknown>>()
  let waiting = 0
  // What was given away and neither read to its end nor discarded: its files are closed with the rest.
  const unread = new Set<Reader>()
  const blobs = { directory, seen, onDropped: () => stats.dropped++ }

  async function fromCache(key: string, known: Reference, request: ArtifactRequest, promised: Promised | "none") {
    if (request.size !== undefined && request.size !== known.size) return undefined
    const blob = await openBlob(blobs, known, promised)
    if (blob === undefined) return undefined
    if (!blob.held.startsWith("sha256-") && !known.kept.includes(blob.held))
      references.set(key, { ...known, kept: [...known.kept, blob.held] })
    stats.hits++
    return answer(blob.reader, true, known.size, known.contentType)
  }

  function start(flight: string, key: string, request: ArtifactRequest, promised: Promised | "none"): Download {
    const end = () => {
      if (flights.get(flight) === download) flights.delete(flight)
    }
    const download = startDownload(services, request, promised, end)
    flights.set(flight, download)
    const run: Promise<void> = keep(key, download)
      .catch(() => {})
      .then(() => {
        end()
        running.delete(run)
      })
    running.add(run)
    return download
  }

  /** Puts a whole artifact into the cache, before whoever asks next looks for it there. */
  async function keep(key: string, download: Download): Promise<void> {
    const result = await download.whole
    if (result === undefined) return
    const { spool, contentType } = download
    const { store, sha256, held } = result
    const kept = held.startsWith("sha256-") ? [] : [held]
    const type = contentType === undefined ? {} : { contentType }
    const put = async () => {
      const draft = await store()
      if (await directory.keep(draft, "blobs", sha256, spool.size)) seen.set(sha256, await stateOf(draft.handle))
    }
    const mayWait = spool.size <= INLINE && waiting < WAITING
    waiting += spool.size
    try {
      await (mayWait ? directory.inTurn(put) : put())
    } finally {
      waiting -= spool.size
      // Known even where the disk took nothing: what an address gave first counts.
      references.set(key, { sha256, size: spool.size, kept, fetchedAt: now(), ...type })
      await spool.letGo()
    }
  }

  async function join(download: Download): Promise<Artifact | UpstreamFailure> {
    const reader = download.spool.read()
    await download.ready
    if (download.failure !== undefined) {
      reader.close()
      stats.failures++
      return publicFailure(download.failure)
    }
    return answer(reader, false, download.expected, download.contentType)
  }

  function answer(
    reader: Reader,
    cached: boolean,
    size: number | undefined,
    contentType: string | undefined,
  ): Artifact {
    unread.add(reader)
    const discard = () => {
      clearTimeout(forgotten)
      unread.delete(reader)
      reader.close()
    }
    const forgotten = setTimeout(discard, FORGOTTEN).unref()
    const next = async () => {
      clearTimeout(forgotten)
      try {
        const result = await reader.next()
        if (result.done) discard()
        else stats.bytes += result.value.length
        return result
      } catch (error) {
        discard()
        throw error
      }
    }
    const leave = async () => {
      discard()
      return { done: true, value: undefined } as const
    }
    return {
      ok: true,
      cached,
      ...(size !== undefined && { size }),
      ...(contentType !== undefined && { contentType }),
      bytes: { [Symbol.asyncIterator]: () => ({ next, return: leave }) },
      discard,
    }
  }

  async function ask(request: ArtifactRequest): Promise<Artifact | UpstreamFailure> {
    const promised = choosePromise(request.integrity)
    if (promised === undefined) return failed("invalid", "the metadata promises no hash that can be checked")
    const url = URL.parse(request.url)
    const isSound = url !== null && URL.canParse(request.base ?? request.url)
    const target = isSound ? judgeTarget(url, request, true, services.trusted) : undefined
    if (target === undefined) return failed("invalid", "the registry names an address that is not to be asked")
    // What an index names must not bring out what only those may have who ask that host itself.
    const key = referenceKey(request.url, target)
    const flight = [key, request.size ?? "", ...(promised === "none" ? [] : spellPromise(promised))].join(" ")
    for (;;) {
      const joined = flights.get(flight)
      if (joined !== undefined) {
        stats.joined++
        return join(joined)
      }
      const known = references.get(key)
      const held = promised === "none" && known !== undefined ? promiseOf(known.sha256) : promised
      const cached = known && (await fromCache(key, known, request, held))
      if (cached !== undefined) return cached
      // Another may have started one, or ended it, meanwhile.
      if (references.get(key)?.fetchedAt !== known?.fetchedAt || flights.has(flight)) continue
      if (offline) return failed("offline", "the gateway is offline, and this artifact is not in its cache")
      stats.misses++
      return join(start(flight, key, request, held))
    }
  }

  return {
    ask: (request) =>
      ask(request).catch(
        () => failed("unreachable", "the gateway's cache cannot be written to") satisfies UpstreamFailure,
      ),
    close: async () => {
      for (const download of flights.values()) download.cancel()
      await Promise.all(running)
      await references.close()
      for (const reader of unread) reader.close()
    },
  }
}
