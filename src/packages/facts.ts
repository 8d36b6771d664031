// Evidence about one dependency, from what its registry, the advisories and its lockfile say. Every fact is either set or
// missing with its reason; nothing that is not known is ever filled in.
import type { Advisory, Ecosystem, PackageFacts } from "../policy/types.ts"
import { addDocument, type Facts, type Missing } from "./releaseFacts.ts"
import { trustScore } from "./score.ts"
import type { Dependency, DocumentResult } from "./types.ts"

/** `invalid`: some advisory of the package could not be compared with the version, so what is not listed is no answer. */
type Applying = readonly Advisory[] & { readonly invalid?: true }

/** The part of an advisory index that facts need. */
export interface AdvisoryLookup {
  affecting: (ecosystem: Ecosystem, name: string, version: string) => Applying
  /** Whether the index holds this ecosystem at all: only then does an empty answer say something. */
  covers: (ecosystem: Ecosystem) => boolean
}

/** Facts that cost something are collected only where a rule of the policy needs them. */
export interface FactOptions {
  /** `lookalikeOf` of a loaded list; undefined where there is no list for the ecosystem. */
  lookalike?: ((ecosystem: Ecosystem, name: string) => PackageFacts["lookalike"]) | undefined
  /** Compute the trust score; needs `lookalike` as well, see docs/trust-score.md. */
  score?: boolean | undefined
  /** Whether the policy refuses a licence: the lockfile's own word is believed only then. */
  refusesLicense?: ((license: string) => boolean) | undefined
}

const ECOSYSTEMS: ReadonlySet<string> = new Set<Ecosystem>(["npm", "pypi", "cargo", "golang"])
const NO_ADVISORIES: Applying = Object.freeze([])
const CLAIMED_SCRIPTS: readonly string[] = Object.freeze(["install"])
const FOREIGN: PackageFacts = Object.freeze({ absent: "unsupported" })

/**
 * The facts about a dependency. `result` is its registry's answer, or "offline" where none was asked for; for a package
 * of another registry than the one that answered, pass `{ ok: false, reason: "unsupported" }`. `now` in milliseconds
 * since the epoch. Of packages that are not from a registry (git, URL, file) only evidence against them is collected.
 */
export function factsOf(
  dependency: Dependency,
  result: DocumentResult | "offline",
  advisories: AdvisoryLookup,
  now: number,
  options: FactOptions = {},
): PackageFacts {
  if (!ECOSYSTEMS.has(dependency.ecosystem)) return FOREIGN
  const ecosystem = dependency.ecosystem as Ecosystem
  if (dependency.source.kind !== "registry") return factsWithoutRegistry(dependency, ecosystem, advisories)

  if (result === "offline") return factsOffline(dependency, ecosystem, advisories, options)

  const facts: Facts = {}
  const missing: Missing = {}
  addAdvisories(facts, missing, dependency, ecosystem, advisories)
  addMissingHash(facts, missing, dependency)
  addLookalike(facts, missing, dependency, ecosystem, options)
  if (!options.score) missing.score = "not-collected"

  if (result.ok) addDocument(facts, missing, dependency, ecosystem, result.document, now)
  else {
    facts.absent = result.reason === "not-found" ? "unstated" : result.reason
    if (result.reason === "not-found") facts.exists = false
  }
  addClaims(facts, missing, dependency, options)
  if (result.ok && options.score) {
    const trust = trustScore(facts, result.document, now)
    if (trust === undefined) missing.score = "unstated"
    else facts.score = trust.score
  }
  return finishFacts(facts, missing)
}

const ADVISORY_STATES: readonly string[] = ["unstated", "unsupported", "invalid"]

/** Offline, most packages have the same facts: those share one frozen object, so that 2,000 of them cost next to nothing. */
const offlineFacts: PackageFacts[] = []

function factsOffline(
  dependency: Dependency,
  ecosystem: Ecosystem,
  advisories: AdvisoryLookup,
  options: FactOptions,
): PackageFacts {
  const facts: Facts = { absent: "offline" }
  const missing: Missing = {}
  addAdvisories(facts, missing, dependency, ecosystem, advisories)
  addMissingHash(facts, missing, dependency)
  addLookalike(facts, missing, dependency, ecosystem, options)
  if (facts.advisories?.length || facts.lookalike || speaksAgainst(dependency, options)) {
    addClaims(facts, missing, dependency, options)
    return finishFacts(facts, missing)
  }
  const advisoryState = facts.advisories !== undefined ? 0 : ADVISORY_STATES.indexOf(missing.advisories ?? "") + 1
  const hashState = facts.integrity === "none" ? 1 : facts.integrity === "present" ? 0 : 2
  const nameState = facts.lookalike === null ? 0 : missing.lookalike === "unsupported" ? 1 : 2
  const state = advisoryState * 9 + hashState * 3 + nameState
  offlineFacts[state] ??= Object.freeze(finishFacts(facts, missing))
  return offlineFacts[state]
}

function speaksAgainst({ claims }: Dependency, { refusesLicense }: FactOptions): boolean {
  if (claims === undefined) return false
  return (
    claims.installScripts === true ||
    claims.deprecated === true ||
    (claims.license !== undefined && refusesLicense !== undefined)
  )
}

function factsWithoutRegistry(dependency: Dependency, ecosystem: Ecosystem, advisories: AdvisoryLookup): PackageFacts {
  const facts: Facts = { absent: "unsupported" }
  const hits =
    dependency.version === "" ? NO_ADVISORIES : advisories.affecting(ecosystem, dependency.name, dependency.version)
  if (hits.length > 0) facts.advisories = hits
  const missing: Missing = {}
  if (hits.invalid) missing.advisories = "invalid"
  else if (hits.length > 0) missing.advisories = "unsupported"
  addClaims(facts, missing, dependency, {})
  return finishFacts(facts, missing)
}

function addAdvisories(
  facts: Facts,
  missing: Missing,
  { name, version }: Dependency,
  ecosystem: Ecosystem,
  advisories: AdvisoryLookup,
): void {
  const hits = version === "" ? NO_ADVISORIES : advisories.affecting(ecosystem, name, version)
  if (hits.length > 0) facts.advisories = hits
  if (hits.invalid) missing.advisories = "invalid"
  else if (hits.length > 0) return
  else if (version === "") missing.advisories = "unstated"
  else if (advisories.covers(ecosystem)) facts.advisories = NO_ADVISORIES
  else missing.advisories = "unsupported"
}

/** A bundled package comes inside another's archive and is covered by that one's hash, so it has none of its own to miss. */
function addMissingHash(facts: Facts, missing: Missing, { integrity, bundled, ownHash }: Dependency): void {
  if (integrity.length > 0) facts.integrity = "present"
  else if (bundled || ownHash) missing.integrity = "unsupported"
  else facts.integrity = "none"
}

function addLookalike(
  facts: Facts,
  missing: Missing,
  { name }: Dependency,
  ecosystem: Ecosystem,
  { lookalike }: FactOptions,
): void {
  if (lookalike === undefined) {
    missing.lookalike = "not-collected"
    return
  }
  const found = lookalike(ecosystem, name)
  if (found === undefined) missing.lookalike = "unsupported"
  else facts.lookalike = found
}

/** A lockfile is an attacker's to write: its claims count only against the package, and their absence proves nothing. */
function addClaims(facts: Facts, missing: Missing, { claims }: Dependency, { refusesLicense }: FactOptions): void {
  if (claims === undefined) return
  const scripts = facts.installScripts?.length ?? 0
  if (claims.installScripts === true && scripts === 0) facts.installScripts = CLAIMED_SCRIPTS
  if (claims.deprecated === true) facts.deprecated = true
  if (claims.license !== undefined && facts.license === undefined && refusesLicense?.(claims.license)) {
    facts.license = claims.license
  }
  for (const name of ["installScripts", "deprecated", "license"] as const) {
    if (facts[name] !== undefined) delete missing[name]
  }
}

function finishFacts(facts: Facts, missing: Missing): PackageFacts {
  for (const _ in missing) {
    facts.missing = missing
    break
  }
  return facts
}
