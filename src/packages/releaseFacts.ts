// What a registry's document says of one version.
import type { Ecosystem, MissingReason, PackageFactName, PackageFacts } from "../policy/types.ts"
import { hasPublisherChanged, isTime, provenanceBefore, releaseSpan } from "./history.ts"
import { compareIntegrity } from "./integrity.ts"
import type { Dependency, PackageDocument, ReleaseInfo } from "./types.ts"
import { canonicalPython } from "./versions/pypi.ts"

/** Facts while they are being collected. */
export type Facts = { -readonly [K in keyof PackageFacts]: PackageFacts[K] } & { missing?: Missing }
export type Missing = Partial<Record<PackageFactName, MissingReason>>

/** A Go pseudo-version names a commit; module indexes do not list those (go.dev/ref/mod#pseudo-versions). */
const PSEUDO_VERSION = /[.-]\d{14}-[0-9a-f]{12}(\+incompatible)?$/

/** What an ecosystem does not have, and so is a fact without being stated: npm has no yank, Go runs no script. */
const NOT_A_THING: Record<Ecosystem, { deprecated?: false; yanked?: false; installScripts?: readonly string[] }> = {
  npm: { yanked: false },
  pypi: { deprecated: false },
  cargo: { deprecated: false },
  golang: { installScripts: Object.freeze([]) },
}

/** What an ecosystem's registry never states: missing as "unsupported" where another's would be "unstated". */
const NEVER_STATED: Record<Ecosystem, ReadonlySet<PackageFactName>> = {
  npm: new Set(),
  pypi: new Set(["publisherChanged"]),
  cargo: new Set(["provenance", "provenanceBefore"]),
  golang: new Set(["provenance", "provenanceBefore", "publisherChanged", "license"]),
}

/**
 * Adds what a document says of a dependency's version to `facts`, and to `missing` what it leaves open. Whether the
 * version exists is decided here too: only a Go pseudo-version, or what came after a stale document, may exist unlisted.
 */
export function addDocument(
  facts: Facts,
  missing: Missing,
  dependency: Dependency,
  ecosystem: Ecosystem,
  document: PackageDocument,
  now: number,
): void {
  const span = releaseSpan(document, now)
  if (document.stale !== undefined) missing.lastRelease = document.stale
  else if (span !== undefined) facts.lastRelease = span.last
  else missing.lastRelease = "unstated"

  const release = findRelease(ecosystem, document, dependency.version)
  if (release === undefined) {
    facts.absent = document.stale ?? "unstated"
    if (dependency.version === "" || document.stale !== undefined) return
    if (ecosystem === "golang" && PSEUDO_VERSION.test(dependency.version)) facts.absent = "unsupported"
    else facts.exists = false
    return
  }
  facts.exists = true
  addRelease(facts, missing, ecosystem, release, document.stale)
  addHistory(facts, missing, ecosystem, document, release)
  if (dependency.integrity.length > 0) addIntegrity(facts, missing, dependency, release, document.stale)
}

/** PyPI takes `1.0` and `1.0.0`, `1.0rc1` and `1.0-rc.1` for one version (PEP 440), and a lockfile may spell it the other way. */
function findRelease(ecosystem: Ecosystem, document: PackageDocument, version: string): ReleaseInfo | undefined {
  const release = document.releases.get(version)
  if (release !== undefined || ecosystem !== "pypi" || version === "") return release
  const wanted = unpadVersion(version)
  for (const other of document.releases.values()) if (unpadVersion(other.version) === wanted) return other
  return undefined
}

function unpadVersion(version: string): string {
  return (canonicalPython(version) ?? version.toLowerCase()).replace(/(\.0)+(?![.\d])/, "")
}

function addRelease(
  facts: Facts,
  missing: Missing,
  ecosystem: Ecosystem,
  release: ReleaseInfo,
  stale: MissingReason | undefined,
): void {
  if (isTime(release.published)) facts.published = release.published
  else missing.published = release.published === undefined ? "unstated" : "invalid"
  const none = NOT_A_THING[ecosystem]
  setOrMiss(facts, missing, ecosystem, "license", release.license, stale)
  setOrMiss(facts, missing, ecosystem, "installScripts", release.installScripts ?? none.installScripts, stale)
  setOrMiss(facts, missing, ecosystem, "deprecated", release.deprecated ?? none.deprecated, stale)
  setOrMiss(facts, missing, ecosystem, "yanked", release.yanked ?? none.yanked, stale)
  if (release.provenanceInvalid) missing.provenance = "invalid"
  else setOrMiss(facts, missing, ecosystem, "provenance", release.provenance, stale)
}

function addHistory(
  facts: Facts,
  missing: Missing,
  ecosystem: Ecosystem,
  document: PackageDocument,
  release: ReleaseInfo,
): void {
  setOrMiss(facts, missing, ecosystem, "provenanceBefore", provenanceBefore(document, release))
  setOrMiss(facts, missing, ecosystem, "publisherChanged", hasPublisherChanged(document, release))
}

function addIntegrity(
  facts: Facts,
  missing: Missing,
  dependency: Dependency,
  release: ReleaseInfo,
  stale: MissingReason | undefined,
): void {
  if (release.integrity === undefined || release.integrity.length === 0) {
    missing.integrity = "unstated"
    return
  }
  const comparison = compareIntegrity(dependency.integrity, release.integrity)
  if (comparison === "unreadable") {
    delete facts.integrity
    missing.integrity = "invalid"
  } else if (comparison === "incomparable") missing.integrity = "unsupported"
  else if (comparison !== "partial") facts.integrity = comparison
  // A file may have been added since the document was fetched; of a fresh one every file is known.
  else if (stale !== undefined) missing.integrity = stale
  else facts.integrity = "mismatch"
}

function setOrMiss<K extends PackageFactName>(
  facts: Facts,
  missing: Missing,
  ecosystem: Ecosystem,
  name: K,
  value: Facts[K] | undefined,
  stale?: MissingReason,
): void {
  if (value !== undefined) facts[name] = value
  else missing[name] = NEVER_STATED[ecosystem].has(name) ? "unsupported" : (stale ?? "unstated")
}
