// From dependencies to facts: one document for each distinct name, one set of facts for each entry.
import type { Context } from "../context.ts"
import type { AdvisoryIndex } from "../packages/advisories/types.ts"
import { type FactOptions, factsOf } from "../packages/facts.ts"
import type { Wanted } from "../packages/registries/index.ts"
import type { Dependency, DocumentResult, PackageDocument } from "../packages/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Ecosystem, PackageFactName, PackageFacts } from "../policy/types.ts"

/** Facts for any entry, and the documents behind them for corrections. */
export interface EvidenceSet {
  factsFor: (dependency: Dependency) => PackageFacts
  documentOf: (ecosystem: string, name: string) => PackageDocument | undefined
  /** Asks for documents beyond what the vet itself needs: candidates of corrections. Does nothing offline. */
  fetchMore: (wanted: readonly { ecosystem: Ecosystem; name: string; requires: boolean }[]) => Promise<void>
  close: () => Promise<void>
}

/** Facts that no registry has to be asked for. */
const LOCAL: ReadonlySet<PackageFactName> = new Set(["advisories", "lookalike"])
const OTHER_REGISTRY: DocumentResult = { ok: false, reason: "unsupported", detail: "it comes from another registry" }
const ECOSYSTEMS: ReadonlySet<string> = new Set<Ecosystem>(["npm", "pypi", "cargo", "golang"])

export interface EvidenceOptions {
  offline: boolean
  progress?: ((done: number, of: number) => void) | undefined
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
  const factOptions = await optionsFor(needs)
  const lookup = {
    covers: (ecosystem: Ecosystem) => advisories.covers(ecosystem),
    affecting: (ecosystem: Ecosystem, name: string, version: string) => advisories.affecting(ecosystem, name, version),
  }
  const documents = new Map<string, DocumentResult>()
  const factsFor = (dependency: Dependency) => factsOf(dependency, resultFor(dependency), lookup, now, factOptions)
  if (options.offline || [...needs].every((fact) => LOCAL.has(fact))) {
    const resultFor_ = "offline" as const
    return {
      factsFor: (dependency) => factsOf(dependency, resultFor_, lookup, now, factOptions),
      documentOf: () => undefined,
      fetchMore: async () => {},
      close: async () => {},
    }
  }

  function resultFor(dependency: Dependency): DocumentResult {
    if (!isAsked(dependency)) return OTHER_REGISTRY
    return documents.get(keyOf(dependency.ecosystem, dependency.name, originOf(dependency))) ?? OTHER_REGISTRY
  }
  const { openRegistries } = await import("../packages/registries/index.ts")
  const registries = await openRegistries(ctx, { policyRegistries: policy.packages.registries })
  const withRequires = new Set<string>()
  const ask = async (wanted: readonly Wanted[], progress?: (done: number, of: number) => void) => {
    const results = await registries.documents(wanted, progress)
    for (const [index, { ecosystem, name, origin }] of wanted.entries()) {
      documents.set(keyOf(ecosystem, name, origin), results[index]!)
    }
  }
  const names = distinctNames(dependencies.filter(isAsked), needs.has("provenance"))
  const versions = new Map(names.map(({ ecosystem, name, versions }) => [keyOf(ecosystem, name), versions]))
  await ask(names, options.progress)
  return {
    factsFor,
    documentOf: (ecosystem, name) => {
      const result = documents.get(keyOf(ecosystem, name))
      return result?.ok ? result.document : undefined
    },
    fetchMore: async (wanted) => {
      const lacking = wanted.filter(({ ecosystem, name, requires }) =>
        requires ? !withRequires.has(keyOf(ecosystem, name)) : !documents.has(keyOf(ecosystem, name)),
      )
      for (const { ecosystem, name } of lacking) withRequires.add(keyOf(ecosystem, name))
      await ask(lacking.map((want) => ({ ...want, versions: versions.get(keyOf(want.ecosystem, want.name)) ?? [] })))
    },
    close: () => registries.close(),
  }
}

const keyOf = (ecosystem: string, name: string, origin = "default") => `${ecosystem}\0${name}\0${origin}`

const originOf = ({ source }: Dependency) => (source.kind === "registry" ? source.origin : "default")

function isAsked(dependency: Dependency): boolean {
  return dependency.source.kind === "registry" && ECOSYSTEMS.has(dependency.ecosystem)
}

/** What to ask for: every name once for each registry that lockfiles have it from, with the versions that matter. */
function distinctNames(dependencies: readonly Dependency[], verify: boolean) {
  const wanted = new Map<string, Wanted & { versions: string[] }>()
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

async function optionsFor(needs: ReadonlySet<PackageFactName>): Promise<FactOptions> {
  const options: FactOptions = { score: needs.has("score") }
  if (needs.has("lookalike") || needs.has("score")) {
    const { lookalikeOf } = await import("../packages/lookalike.ts")
    options.lookalike = lookalikeOf
  }
  return options
}
