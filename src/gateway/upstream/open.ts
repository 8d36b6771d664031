// The gate's side towards its upstreams: one set of sockets, one cache.
import { HTTP_LIMITS } from "../../packages/registries/http.ts"
import { openArtifacts } from "./artifact.ts"
import { askWaiver } from "./ask-waiver.ts"
import { openDirectory } from "./directory.ts"
import { createExchanger } from "./exchange.ts"
import { createCachedClient } from "./http-client.ts"
import { openMetadata } from "./metadata.ts"
import { startSweeper } from "./sweep.ts"
import type { Upstream, UpstreamLimits, UpstreamOptions, UpstreamStats } from "./types.ts"

export const UPSTREAM_LIMITS: UpstreamLimits = {
  ...HTTP_LIMITS,
  artifactBytes: 2 * 1024 ** 3,
  artifactTotal: 30 * 60 * 1000,
  memoryBytes: 24 * 1024 * 1024,
  connections: 48,
}

const MAX_BYTES = 10 * 1024 ** 3

/** Opens the cache and the way to the upstreams. Throws `NanoguardError` where the directory cannot be this user's own. */
export async function openUpstream(options: UpstreamOptions): Promise<Upstream> {
  const { now, env, ca = [], offline = false, stale = 0 } = options
  const limits = { ...UPSTREAM_LIMITS, ...options.limits }
  const directory = await openDirectory(options.directory)
  const sweeper = startSweeper(directory, options.maxBytes ?? MAX_BYTES)
  const lookup = options.lookup === undefined ? {} : { lookup: options.lookup }
  const trusted = new Set<string>()
  const exchanger = createExchanger({ connections: limits.connections, env, ca, ...lookup }, limits, trusted)
  const stats: Pick<UpstreamStats, "metadata" | "artifacts"> = {
    metadata: { hits: 0, misses: 0, revalidated: 0, stale: 0, failures: 0, bytes: 0 },
    artifacts: { hits: 0, misses: 0, joined: 0, failures: 0, dropped: 0, bytes: 0 },
  }
  const shared = { exchanger, directory, limits, now, offline }
  const metadata = openMetadata({ ...shared, stale, stats: stats.metadata })
  const artifacts = openArtifacts({ ...shared, trusted, stats: stats.artifacts })
  return {
    metadata: async (request) => metadata.ask(request),
    fresh: metadata.fresh,
    artifact: (request) => artifacts.ask(request),
    trust: (origins) => {
      for (const origin of origins) trusted.add(origin)
    },
    http: createCachedClient(metadata, now),
    requestWaiver: (request, reason) => askWaiver(exchanger, limits, request, reason, offline),
    stats: () => ({ metadata: { ...stats.metadata }, artifacts: { ...stats.artifacts }, cacheBytes: sweeper.bytes() }),
    close: async () => {
      const ended = exchanger.close()
      await artifacts.close()
      await metadata.close()
      await ended
      await sweeper.close()
      directory.close()
    },
  }
}
