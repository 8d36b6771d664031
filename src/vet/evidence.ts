// From dependencies to facts: one document for each distinct name, one set of facts for each entry.
import type { Context } from "../context.ts"
import { addBulk } from "../packages/advisories/combine.ts"
import type { AdvisoryIndex } from "../packages/advisories/types.ts"
import { factOptionsFor } from "../packages/fact-options.ts"
import { factsOf } from "../packages/facts.ts"
import { defaultBase } from "../packages/registries/defaults.ts"
import type { HttpLimits } from "../packages/registries/http.ts"
import type { Registries, Wanted } from "../packages/registries/index.ts"
import type { Dependency, DocumentResult, PackageDocument, Registry } from "../packages/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Ecosystem, MissingReason, PackageFactName, PackageFacts } from "../policy/types.ts"

/** Facts for any entry, and the documents behind them for corrections. */
export interface EvidenceSet {
  /** What was searched: the index, with what a registry added to it just now. */
  advisories: AdvisoryIndex
  /** Whether the npm registry's own advisories were among it, or why not; absent where nobody asked. */
  live?: "asked" | MissingReason
  factsFor: (dependency: Dependency) => PackageFacts
  documentOf: (ecosystem: string, name: string, origin: string) => PackageDocument | undefined
  /** Asks for documents beyond what the vet itself needs: candidates of corrections. Offline nobody asks what is wanted. */
  fetchMore: (wantedMore: () => readonly WantedMore[]) => Promise<void>
  close: () => Promise<void>
}

/** A package to ask for; `origin` as in `PackageSource`, for the registry that its lockfile has it from. */
export interface WantedMore {
  ecosystem: Ecosystem
  name: string
  origin: string
  /** With the dependencies of its releases. */
  requires: boolean
  /** Versions whose details are wanted besides those in lockfiles. */
  versions?: readonly string[]
}

/** Facts that no registry has to be asked for. */
const LOCAL: ReadonlySet<PackageFactName> = new Set(["advisories", "lookalike"])
const OTHER_REGISTRY: DocumentResult = { ok: false, reason: "unsupported", detail: "it comes from another registry" }
const ECOSYSTEMS: ReadonlySet<string> = new Set<Ecosystem>(["npm", "pypi", "cargo", "golang"])

export interface EvidenceOptions {
  offline: boolean
  progress?: ((done: number, of: number) => void) | undefined
  /** Bounds of a registry's answer instead of the usual ones. */
  limits?: Partial<HttpLimits>
}

/** Collects what the policy's rules need and nothing else; never throws for what a registry did. */
export async function collectEvidence(
  ctx: Context,
  policy: CompiledPolicy,
  advisories: AdvisoryIndex,
  dependencies: readonly Dependency[],
  options: EvidenceOptions,
): Promise<EvidenceSet> {
  const needs = new Set(policy.packages.needs)
  const now = ctx.now()
  const factOptions = await factOptionsFor(policy, now)
  const documents = new Map<string, DocumentResult>()
  if (options.offline) {
    return {
      advisories,
      factsFor: (dependency) => factsOf(dependency, "offline", advisories, now, factOptions),
      documentOf: () => undefined,
      fetchMore: async () => {},
      close: async () => {},
    }
  }

  // A policy of local facts asks no registry, unless a correction has to be looked for.
  const isLocal = [...needs].every((fact) => LOCAL.has(fact))
  function resultFor(dependency: Dependency): DocumentResult | "offline" {
    if (!isAsked(dependency)) return OTHER_REGISTRY
    const known = documents.get(keyOf(dependency.ecosystem, dependency.name, originOf(dependency)))
    return known ?? (isLocal ? "offline" : OTHER_REGISTRY)
  }
  let opened: Promise<Registries> | undefined
  const open = (): Promise<Registries> => {
    opened ??= import("../packages/registries/index.ts").then(({ openRegistries }) =>
      openRegistries(ctx, {
        policyRegistries: policy.packages.registries,
        // The trust score reads everything.
        ...(!needs.has("score") && { needs }),
        ...(options.limits && { limits: options.limits }),
      }),
    )
    return opened
  }
  const withRequires = new Set<string>()
  const ask = async (wanted: readonly Wanted[], progress?: (done: number, of: number) => void) => {
    const results = wanted.length === 0 ? [] : await (await open()).documents(wanted, progress)
    for (const [index, { ecosystem, name, origin }] of wanted.entries()) {
      documents.set(keyOf(ecosystem, name, origin!), results[index]!)
    }
  }
  const verify = needs.has("provenance")
  const names = distinctNames(dependencies.filter(isAsked), verify)
  const versions = new Map(
    names.map(({ ecosystem, name, origin, versions }) => [keyOf(ecosystem, name, origin), versions]),
  )
  const [, live] = await Promise.all([
    ask(isLocal ? [] : names, options.progress),
    needs.has("advisories") && !isLocal ? askForAdvisories(ctx, (await open()).get("npm"), names) : undefined,
  ])
  const known = live?.ok ? addBulk(advisories, live, await isPublic((await open()).get("npm"))) : advisories
  return {
    advisories: known,
    ...(live && { live: live.ok ? "asked" : live.reason }),
    factsFor: (dependency) => factsOf(dependency, resultFor(dependency), known, now, factOptions),
    documentOf: (ecosystem, name, origin) => {
      const result = documents.get(keyOf(ecosystem, name, origin))
      return result?.ok ? result.document : undefined
    },
    fetchMore: async (wantedMore) => {
      const lacking = wantedMore().filter(({ ecosystem, name, origin, requires, versions }) => {
        const key = keyOf(ecosystem, name, origin)
        return versions !== undefined || (requires ? !withRequires.has(key) : !documents.has(key))
      })
      await ask(
        lacking.map(({ ecosystem, name, origin, requires, versions: more = [] }) => {
          const key = keyOf(ecosystem, name, origin)
          if (requires) withRequires.add(key)
          const all = [...(versions.get(key) ?? []), ...more]
          return { ecosystem, name, origin, verify, requires: withRequires.has(key), versions: all }
        }),
      )
    },
    close: async () => await (await opened)?.close(),
  }
}

const keyOf = (ecosystem: string, name: string, origin: string) => `${ecosystem}\0${name}\0${origin}`

const originOf = ({ source }: Dependency) => (source.kind === "registry" ? source.origin : "default")

function isAsked(dependency: Dependency): boolean {
  return dependency.source.kind === "registry" && ECOSYSTEMS.has(dependency.ecosystem)
}

/** What to ask for: every name once for each registry that lockfiles have it from, with the versions that matter. */
function distinctNames(dependencies: readonly Dependency[], verify: boolean) {
  const wanted = new Map<string, Wanted & { origin: string; versions: string[] }>()
  for (const dependency of dependencies) {
    const { name, version } = dependency
    const ecosystem = dependency.ecosystem as Ecosystem
    const origin = originOf(dependency)
    const key = keyOf(ecosystem, name, origin)
    const known = wanted.get(key)
    if (known === undefined) wanted.set(key, { ecosystem, name, origin, verify, versions: [version] })
    else if (!known.versions.includes(version)) known.versions.push(version)
  }
  return [...wanted.values()]
}

/** npm's own advisories, for names that this registry is the home of: no other name is told to it. */
async function askForAdvisories(ctx: Context, npm: Registry | undefined, names: readonly Wanted[]) {
  if (npm === undefined) return undefined
  const packages = new Map<string, readonly string[]>()
  for (const { ecosystem, name, origin, versions } of names) {
    if (ecosystem === "npm" && npm.isHomeOf?.(name, origin)) packages.set(name, versions ?? [])
  }
  if (packages.size === 0) return undefined
  const { fetchBulk } = await import("../packages/advisories/bulk.ts")
  return fetchBulk(ctx, npm.baseUrl, packages)
}

async function isPublic(npm: Registry | undefined): Promise<boolean> {
  return npm !== undefined && npm.baseUrl === (await defaultBase("npm"))
}
