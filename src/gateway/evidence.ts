// What the gate knows of a package: the registries' documents and the advisories, as `vet` collects them, over the gate's
// own cache, so that facts and listings come from the same bytes.
import type { Context } from "../context.ts"
import { openDefaultAdvisories } from "../packages/advisories/index.ts"
import type { AdvisoryIndex } from "../packages/advisories/types.ts"
import { factOptionsFor } from "../packages/fact-options.ts"
import { factsOf } from "../packages/facts.ts"
import { purlOf } from "../packages/purl.ts"
import type { Addresses } from "../packages/registries/addresses.ts"
import { openCache } from "../packages/registries/cache.ts"
import type { Dependency, DocumentResult, PackageDocument, Registry } from "../packages/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Ecosystem, PackageAction, PackageFactName, PackageFacts } from "../policy/types.ts"
import { DETAILS, withoutDetails } from "./details.ts"
import { type Known, MAX_WEIGHT, weigh } from "./known.ts"
import { createLru } from "./lru.ts"
import type { Upstream } from "./upstream/types.ts"

/** One package as an upstream document has it: `id` changes whenever the upstream's bytes do. */
export interface Subject {
  ecosystem: Ecosystem
  name: string
  id: string
}

export interface Evidence {
  readonly advisories: AdvisoryIndex
  /** The upstream that answers for a name, and no other; undefined where none may. */
  upstreamOf: (
    ecosystem: Ecosystem,
    name: string,
  ) => { base: string; own: string; authorize: (url: URL) => string | undefined } | undefined
  /** The action of installing a version, for `decide`. */
  actionFor: (ecosystem: Ecosystem, name: string, version: string) => PackageAction
  /**
   * The registry's document; never throws for what a network did. `given` is what the front has read of the same bytes already, so
   * that they are not read twice.
   */
  document: (subject: Subject, given?: () => PackageDocument | undefined) => Promise<DocumentResult>
  /**
   * Facts of a version for a listing: what would take a request of its own is "not-collected", unless it was collected before.
   * Of a document that `document` gave.
   */
  listedFacts: (subject: Subject, document: DocumentResult, version: string) => PackageFacts
  /** All facts of a version, collected. */
  fullFacts: (subject: Subject, version: string) => Promise<PackageFacts>
  /** Changes whenever more is collected of a package's versions. */
  learnt: (subject: Subject) => number
  /** What was asked for lately about a version of a package, for corrections. */
  knownFacts: (ecosystem: Ecosystem, name: string, version: string) => PackageFacts
  /**
   * The document of a package that was asked for lately, with what its releases require; of Python packages and Go modules that is
   * known of `versions` alone. Undefined where there is none at hand.
   */
  requiring: (ecosystem: Ecosystem, name: string, versions: readonly string[]) => Promise<PackageDocument | undefined>
  close: () => Promise<void>
}

const VERIFICATIONS_A_MINUTE = 600

/** Opens evidence for one policy: what its rules do not need is not collected. Errors: advisories that are missing or damaged. */
export async function openEvidence(
  ctx: Context,
  policy: CompiledPolicy,
  upstream: Pick<Upstream, "http">,
  addresses: Addresses,
): Promise<Evidence> {
  const advisories = openDefaultAdvisories(ctx)
  const options = await factOptionsFor(policy, ctx.now())
  const needs = new Set(policy.packages.needs)
  // Upstream documents lie in the gate's cache already.
  const cache = openCache(undefined, ctx.now)
  const verify = needs.has("provenance")
  let verifications = { minute: 0, left: 0 }
  const spendVerification = () => {
    const minute = Math.floor(ctx.now() / 60_000)
    if (verifications.minute !== minute) verifications = { minute, left: VERIFICATIONS_A_MINUTE }
    return verifications.left-- > 0
  }
  const services = {
    http: upstream.http,
    cache,
    now: ctx.now,
    needs: (fact: PackageFactName) => needs.has(fact) || needs.has("score"),
    spendVerification,
  }
  const registries = new Map<Ecosystem, Registry>()
  for (const [ecosystem, create] of addresses.registries) registries.set(ecosystem, create(services))

  /** By ecosystem and name: the newest document, and facts that were collected of single versions of it. */
  const memory = createLru<Known>(MAX_WEIGHT, weigh)
  const originOf = (ecosystem: Ecosystem, name: string) => {
    const endpoints = addresses.endpoints.get(ecosystem)
    const base = endpoints?.baseOf(name)
    return base === undefined || base === endpoints?.baseUrl ? "default" : base
  }
  const dependencyOf = (ecosystem: Ecosystem, name: string, version: string, document: DocumentResult): Dependency => ({
    ...{ purl: purlOf(ecosystem, name, version), ecosystem, name, version },
    source: { kind: "registry", origin: originOf(ecosystem, name) },
    // What is served is held to the registry's hash.
    integrity: (document.ok && document.document.releases.get(version)?.integrity) || [],
    ...{ dev: false, optional: false, peer: false, direct: true, key: "" },
    ...(ecosystem === "golang" && { ownHash: true }),
  })
  const knownOf = ({ ecosystem, name, id }: Subject): Known => {
    const key = `${ecosystem}\0${name}`
    let known = memory.get(key)
    if (known === undefined || known.id !== id) {
      known = { id, learnt: 0, full: new Map() }
      memory.set(key, known)
    }
    return known
  }
  /** To be called when more was learnt: it weighs more, then. */
  const keep = ({ ecosystem, name }: Subject, known: Known) => {
    const key = `${ecosystem}\0${name}`
    if (memory.get(key) === known) memory.set(key, known)
  }

  const document = async (subject: Subject, given?: () => PackageDocument | undefined): Promise<DocumentResult> => {
    const known = knownOf(subject)
    known.document ??= first(subject, given).then((result) => {
      if (result.ok) {
        known.settled = result.document
        keep(subject, known)
      } else delete known.document
      return result
    })
    return known.document
  }
  const first = async (subject: Subject, given?: () => PackageDocument | undefined): Promise<DocumentResult> => {
    const own = given?.()
    return own === undefined ? ask(subject, []) : { ok: true, document: own }
  }
  const ask = async (
    { ecosystem, name }: Subject,
    versions: readonly string[],
    requires = false,
  ): Promise<DocumentResult> => {
    const registry = registries.get(ecosystem)
    if (registry === undefined)
      return { ok: false, reason: "unsupported", detail: "no registry is known for this ecosystem" }
    return registry.document(name, {
      origin: originOf(ecosystem, name),
      versions,
      ...(requires && { requires }),
      ...(verify && !requires && versions.length > 0 && { verify }),
    })
  }

  const listedFacts: Evidence["listedFacts"] = (subject, result, version) => {
    const full = knownOf(subject).full.get(version)?.facts
    if (full !== undefined) return full
    const { ecosystem, name } = subject
    const dependency = dependencyOf(ecosystem, name, version, result)
    const facts = factsOf(dependency, result, advisories, ctx.now(), options)
    return result.ok ? withoutDetails(facts, ecosystem, verify) : facts
  }

  return {
    advisories,
    upstreamOf: (ecosystem, name) => {
      const endpoints = addresses.endpoints.get(ecosystem)
      const base = endpoints?.baseOf(name)
      return endpoints === undefined || base === undefined
        ? undefined
        : { base, own: endpoints.baseUrl, authorize: endpoints.authorize }
    },
    actionFor: (ecosystem, name, version) => ({
      ...{ kind: "package", purl: purlOf(ecosystem, name, version), ecosystem, name, version },
      source: { kind: "registry", origin: originOf(ecosystem, name) },
    }),
    document,
    listedFacts,
    fullFacts: async (subject, version) => {
      const { ecosystem, name } = subject
      const known = knownOf(subject)
      let detail = known.full.get(version)?.detail
      if (detail === undefined) {
        // Without details of its own, the document says all there is.
        detail = DETAILS[ecosystem].length === 0 && !verify ? document(subject) : ask(subject, [version])
        if (known.full.size < MAX_FULL) known.full.set(version, { detail })
      }
      const [result, served] = await Promise.all([detail, document(subject)])
      // Asked for later than the document that is served from: what it says counts for the bytes of that one alone.
      const wanted = dependencyOf(ecosystem, name, version, served.ok ? served : result)
      const facts = factsOf(wanted, result, advisories, ctx.now(), options)
      const entry = known.full.get(version)
      if (entry === undefined) return facts
      // What could not be asked now is asked again next time.
      if (!result.ok) known.full.delete(version)
      else if (DETAILS[ecosystem].length > 0 || verify) {
        if (entry.facts === undefined) {
          known.learnt++
          keep(subject, known)
        }
        entry.facts = facts
      }
      return facts
    },
    learnt: (subject) => knownOf(subject).learnt,
    knownFacts: (ecosystem, name, version) => {
      const known = memory.get(`${ecosystem}\0${name}`)
      if (known?.settled === undefined) return { absent: "not-collected" }
      return listedFacts({ ecosystem, name, id: known.id }, { ok: true, document: known.settled }, version)
    },
    requiring: async (ecosystem, name, wanted) => {
      const known = memory.get(`${ecosystem}\0${name}`)
      if (known?.settled === undefined) return undefined
      // The others' documents have it of every version.
      const versions = ecosystem === "pypi" || ecosystem === "golang" ? wanted : []
      const key = versions.join(" ")
      if (known.requiring?.key !== key) {
        known.requiring = { key, result: ask({ ecosystem, name, id: known.id }, versions, true) }
      }
      const result = await known.requiring.result
      return result.ok ? result.document : undefined
    },
    close: async () => {
      advisories.close()
      await cache.close()
    },
  }
}

/** Versions of one package whose collected facts are kept. */
const MAX_FULL = 500
