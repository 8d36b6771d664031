// Reduces an npm packument to what decisions need (npm/registry docs: "package metadata", full form: only that one has
// times, publishers and provenance).
import type { Provenance } from "../../policy/types.ts"
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { type PickedFields, pickJson, type Shape } from "./json-pick.ts"
import { boundedString, isRecord, sriOfHex, stringsOf, timeOf } from "./values.ts"

const VERSION: Readonly<Record<string, Shape>> = {
  license: "value",
  licenses: "value",
  scripts: "value",
  hasInstallScript: "value",
  gypfile: "value",
  deprecated: "value",
  engines: "value",
  _npmUser: "value",
  _npmVersion: "value",
  _nodeVersion: "value",
  dist: { fields: { integrity: "value", shasum: "value", signatures: "value", attestations: "value" } },
}

/** What is kept beyond the facts. */
export interface Keep {
  requires?: boolean
  signatures?: boolean
}

/** A version before it is known what its registry states at all; `added` where it holds something that registries add. */
export type Draft = ReleaseInfo & { added: boolean }

function packumentShape(keep: Keep): Shape {
  const fields = keep.requires
    ? { ...VERSION, dependencies: "value" as const, optionalDependencies: "value" as const }
    : VERSION
  return {
    fields: {
      name: "value",
      _rev: "value",
      "dist-tags": "value",
      maintainers: "value",
      time: { entries: "value", map: timeOf },
      versions: { entries: { fields }, map: (manifest, version) => draftOf(version, manifest, keep) },
    },
  }
}

/** Scripts that an install from a registry runs, in the order npm runs them (npm's documentation: scripts, life cycle). */
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall"]

/** The document of `name`. Throws `JsonError` where the answer is not a packument, or one of another package. */
export function reducePackument(
  bytes: Buffer,
  name: string,
  now: number,
  keep: Keep = {},
): PackageDocument | undefined {
  const packument = pickJson(bytes, packumentShape(keep)) as PickedFields | undefined
  if (packument === undefined || packument.name !== name) return undefined
  const times = mapOf<number>(packument.time)
  const drafts = mapOf<Draft>(packument.versions)
  return assembleDocument(packument, drafts, (version) => times.get(version), now)
}

/**
 * The document that drafts of all its versions make up, with the packument's other members (`name`, `_rev`, `dist-tags`,
 * `maintainers`), for those who read a packument for more than its facts.
 */
export function assembleDocument(
  packument: PickedFields,
  drafts: ReadonlyMap<string, Draft>,
  timeFor: (version: string) => number | undefined,
  now: number,
): PackageDocument {
  // A mirror may leave provenance out altogether; then its absence says nothing about a version.
  const signs = anyOf(drafts, ({ provenance }) => provenance !== "none")
  // One that keeps nothing of what the registry itself adds has dropped deprecations too.
  const whole =
    packument._rev !== undefined || Array.isArray(packument.maintainers) || anyOf(drafts, ({ added }) => added)
  const releases = new Map<string, ReleaseInfo>()
  for (const [version, { added: _added, provenance, deprecated, ...release }] of drafts) {
    const published = timeFor(version)
    releases.set(version, {
      ...release,
      ...(whole && { deprecated: deprecated === true }),
      ...(published !== undefined && { published }),
      ...(signs && provenance !== undefined && { provenance }),
    })
  }
  return {
    ecosystem: "npm",
    name: String(packument.name),
    releases,
    tags: tagsOf(packument["dist-tags"]),
    maintainers: peopleOf(packument.maintainers),
    fetchedAt: now,
  }
}

/** What decisions need of one version's manifest; undefined where that is no object. */
export function draftOf(version: string, manifest: unknown, { requires, signatures }: Keep = {}): Draft | undefined {
  if (!isRecord(manifest)) return undefined
  const dist = isRecord(manifest.dist) ? manifest.dist : {}
  const license = licenseOf(manifest)
  const publisher = isRecord(manifest._npmUser) ? boundedString(manifest._npmUser.name) : undefined
  const engine = isRecord(manifest.engines) ? boundedString(manifest.engines.node) : undefined
  const { _npmUser, _npmVersion, _nodeVersion, deprecated } = manifest
  return {
    version,
    added: [_npmUser, _npmVersion, _nodeVersion, deprecated].some((value) => value !== undefined),
    installScripts: installScriptsOf(manifest),
    integrity: integrityOf(dist),
    deprecated: isDeprecated(deprecated),
    provenance: provenanceOf(dist),
    ...(license !== undefined && { license }),
    ...(publisher !== undefined && { publisher }),
    ...(engine !== undefined && { engine }),
    ...(signatures && { signatures: signaturesOf(dist) }),
    ...(requires && { requires: requiresOf(manifest) }),
  }
}

function mapOf<T>(value: unknown): ReadonlyMap<string, T> {
  return value instanceof Map ? (value as Map<string, T>) : new Map()
}

function anyOf(drafts: ReadonlyMap<string, Draft>, test: (draft: Draft) => boolean): boolean {
  for (const draft of drafts.values()) if (test(draft)) return true
  return false
}

const NO_SCRIPTS: readonly string[] = Object.freeze([])

function installScriptsOf({ scripts, hasInstallScript, gypfile }: PickedFields): readonly string[] {
  const named = isRecord(scripts)
    ? INSTALL_SCRIPTS.filter((name) => Object.hasOwn(scripts, name) && scripts[name] !== "")
    : NO_SCRIPTS
  if (named.length > 0) return named
  // binding.gyp without an install script of its own: npm runs node-gyp as `install`.
  return hasInstallScript === true || gypfile === true ? ["install"] : NO_SCRIPTS
}

/** npm's undeprecate writes an empty string; some old entries hold a boolean. */
function isDeprecated(value: unknown): boolean {
  return value === true || (typeof value === "string" && value !== "")
}

/** "" where none is stated; undefined where what is stated cannot be read as text. */
function licenseOf({ license, licenses }: PickedFields): string | undefined {
  const stated = license ?? licenses
  if (stated === undefined || stated === null || stated === "") return ""
  const names = (Array.isArray(stated) ? stated : [stated]).slice(0, 20).map(licenseName)
  if (names.length === 0) return ""
  if (names.some((name) => name === undefined)) return undefined
  // A list, an early form, is a choice.
  return boundedString(names.length === 1 ? names[0] : `(${names.join(" OR ")})`)
}

function licenseName(value: unknown): string | undefined {
  if (typeof value === "string") return boundedString(value.trim())
  return isRecord(value) ? boundedString(value.type ?? value.name) : undefined
}

function integrityOf({ integrity, shasum }: PickedFields): readonly string[] {
  const stated = typeof integrity === "string" && integrity.length <= 1024 ? integrity.split(/\s+/) : []
  const hashes = stated.filter((hash) => /^sha(1|256|384|512)-[A-Za-z0-9+/]+=*$/.test(hash))
  const sha1 = sriOfHex("sha1", shasum)
  if (sha1 !== undefined && !hashes.includes(sha1)) hashes.push(sha1)
  return hashes
}

function provenanceOf({ attestations, signatures }: PickedFields): Provenance {
  if (isRecord(attestations) && isRecord(attestations.provenance)) return "attested"
  return Array.isArray(signatures) && signatures.length > 0 ? "signed" : "none"
}

function signaturesOf({ signatures }: PickedFields): { key: string; signature: string }[] {
  const kept: { key: string; signature: string }[] = []
  for (const entry of Array.isArray(signatures) ? signatures.slice(0, 8) : []) {
    const key = isRecord(entry) ? boundedString(entry.keyid) : undefined
    const signature = isRecord(entry) ? boundedString(entry.sig, 1024) : undefined
    if (key !== undefined && signature !== undefined) kept.push({ key, signature })
  }
  return kept
}

function tagsOf(value: unknown): Readonly<Record<string, string>> {
  const tags: Record<string, string> = Object.create(null)
  if (!isRecord(value)) return tags
  for (const [tag, version] of Object.entries(value).slice(0, 1000)) {
    const text = boundedString(version)
    if (text !== undefined && tag.length <= 256) tags[tag] = text
  }
  return tags
}

function peopleOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return []
  return stringsOf(value.map((person) => (isRecord(person) ? person.name : person)))
}

function requiresOf({ dependencies, optionalDependencies }: PickedFields): Readonly<Record<string, string>> {
  const requires: Record<string, string> = Object.create(null)
  for (const group of [dependencies, optionalDependencies]) {
    if (!isRecord(group)) continue
    for (const [name, range] of Object.entries(group)) {
      const text = boundedString(range, 1024)
      if (text !== undefined && name.length <= 256) requires[name] = text
    }
  }
  return requires
}
