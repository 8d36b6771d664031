// Evidence from package registries. Everything here loads on a vet that goes online only.
import type { Context } from "../../context.ts"
import type { Ecosystem, PackageFactName } from "../../policy/types.ts"
import type { DocumentNeed, DocumentResult, Registry } from "../types.ts"
import { resolveAddresses } from "./addresses.ts"
import { cacheDirectory, openCache } from "./cache.ts"
import type { Services } from "./fetch-document.ts"
import { createHttpClient, type HttpLimits } from "./http.ts"
import type { Pin } from "./upstreams.ts"

export interface RegistryOptions {
  /** Ask nobody: every document is missing as "offline". */
  offline?: boolean
  /** The policy's `packages.registries`: names of a scope come from its upstream and from nowhere else. */
  policyRegistries?: readonly Pin[]
  /** Documents asked for at the same time. */
  concurrency?: number
  /** Facts that the policy's rules use; all where it is left out. */
  needs?: ReadonlySet<PackageFactName>
  /** Attestations verified at most, each with a request of its own. */
  verifications?: number
  limits?: Partial<HttpLimits>
  /** Directory for answers between runs; false for none. */
  cache?: string | false
}

/** A package to ask for; `versions` those whose details matter. */
export interface Wanted extends DocumentNeed {
  ecosystem: Ecosystem
  name: string
}

export interface Registries {
  /** Undefined where the ecosystem's registry has no address here. */
  get: (ecosystem: Ecosystem) => Registry | undefined
  /** Answers in the order of the list, which may hold thousands; `progress` hears of every answer. */
  documents: (wanted: readonly Wanted[], progress?: (done: number, of: number) => void) => Promise<DocumentResult[]>
  /** Ends connections and waits for the cache. */
  close: () => Promise<void>
}

/** Sockets to one host: npm itself opens 15. */
const CONCURRENCY = 16
const VERIFICATIONS = 200

/** Opens the registries that the person's own configuration and the policy name. Nothing is asked before the first document. */
export async function openRegistries(ctx: Context, options: RegistryOptions = {}): Promise<Registries> {
  const { concurrency = CONCURRENCY } = options
  const addresses = await resolveAddresses(ctx, options.policyRegistries ?? [])
  const http = createHttpClient({
    connections: concurrency,
    env: { ...addresses.proxy, ...ctx.env },
    ca: addresses.ca,
    ...(options.limits && { limits: options.limits }),
  })
  const cache = openCache(options.cache === false ? undefined : (options.cache ?? cacheDirectory(ctx)), ctx.now)
  let verifications = options.verifications ?? VERIFICATIONS
  const services: Services = {
    http,
    cache,
    now: ctx.now,
    needs: (fact) => options.needs?.has(fact) ?? true,
    spendVerification: () => verifications-- > 0,
  }
  const opened = new Map<Ecosystem, Registry | undefined>()
  for (const [ecosystem, create] of addresses.registries)
    opened.set(ecosystem, options.offline ? offline(ecosystem) : create(services))

  const get = (ecosystem: Ecosystem) => opened.get(ecosystem)
  return {
    get,
    documents: (wanted, progress) => askAll(wanted, concurrency, progress, get),
    close: async () => {
      await http.close()
      await cache.close()
    },
  }
}

async function askAll(
  wanted: readonly Wanted[],
  concurrency: number,
  progress: ((done: number, of: number) => void) | undefined,
  get: Registries["get"],
): Promise<DocumentResult[]> {
  const results: DocumentResult[] = new Array(wanted.length)
  let next = 0
  let done = 0
  const worker = async () => {
    while (next < wanted.length) {
      const at = next++
      const { ecosystem, name, ...need } = wanted[at]!
      const registry = get(ecosystem)
      results[at] = registry
        ? await registry.document(name, need)
        : { ok: false, reason: "unsupported", detail: "no registry is known for this ecosystem" }
      progress?.(++done, wanted.length)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, wanted.length) }, worker))
  return results
}

function offline(ecosystem: Ecosystem): Registry {
  const result: DocumentResult = { ok: false, reason: "offline", detail: "not asked for: offline" }
  return { ecosystem, baseUrl: "", document: async () => result }
}
