// One version of a packument, cut into the pieces that its two forms are put together from.
import { isRecord, sriOfHex } from "../../../packages/registries/values.ts"
import { cleanText } from "../../../render/clean.ts"
import { plainJson } from "../plain-json.ts"
import { archiveName } from "./names.ts"

export interface Manifest {
  /** Name in our own addresses. */
  file: string
  /** Where the upstream has the archive: as it says, not yet checked. */
  tarball: string
  /** SRI hashes of the archive. */
  integrity: readonly string[]
  /** Members of both forms, `{"name":...,"version":...` and on: without a closing brace. */
  shared: string
  /** Members of the full form alone, each text with a comma in front; "" where there are none. */
  rest: string
  /** What the abbreviated form says in place of scripts. */
  installs: string
  /** The upstream's own deprecation. */
  deprecated: string
  /** `,"dist":{...`, to be followed by addresses. */
  dist: string
  /** `"attestations":{...` up to where the address of them follows; "" where there are none. */
  attestations: string
}

/** Members of the abbreviated form (npm/registry documentation: package metadata, abbreviated version object). */
const SHARED: ReadonlySet<string> = new Set([
  "dependencies",
  "optionalDependencies",
  "devDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "acceptDependencies",
  "bundleDependencies",
  "bundledDependencies",
  "bin",
  "directories",
  "engines",
  "os",
  "cpu",
  "libc",
  "funding",
  "_hasShrinkwrap",
  "hasInstallScript",
])

/** Written by us, or of no use to a client: prose, and what clients themselves note down of where a package came from. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "name",
  "version",
  "dist",
  "deprecated",
  "readme",
  "readmeFilename",
  "__proto__",
  "_resolved",
  "_integrity",
  "_remote",
])

const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall"]
const MAX_ADDRESS = 2048
const MAX_DEPRECATION = 1000
const SRI = /^sha(?:1|256|384|512)-[A-Za-z0-9+/]+=*$/

/** Cuts a version's manifest; undefined for one without an archive. Name and version are stated as they were asked for. */
export function reduceManifest(manifest: Record<string, unknown>, name: string, version: string): Manifest | undefined {
  const dist = isRecord(manifest["dist"]) ? manifest["dist"] : {}
  const { tarball, attestations, ...promises } = dist
  if (typeof tarball !== "string" || tarball === "" || tarball.length > MAX_ADDRESS) return undefined
  const shared: Record<string, unknown> = { name, version }
  const rest: Record<string, unknown> = {}
  for (const member of Object.keys(manifest)) {
    if (SHARED.has(member)) shared[member] = manifest[member]
    else if (!LEFT_OUT.has(member)) rest[member] = manifest[member]
  }
  const { deprecated, scripts } = manifest
  const installs = shared["hasInstallScript"] === undefined && hasInstallScript(scripts)
  return {
    file: archiveName(name, version),
    tarball,
    integrity: integrityOf(dist),
    shared: plainJson(shared).slice(0, -1),
    rest: membersOf(rest),
    installs: installs ? ',"hasInstallScript":true' : "",
    deprecated: deprecationOf(deprecated),
    dist: `,"dist":{${openMembers(promises)}`,
    attestations: isRecord(attestations) ? attestationsOf(attestations) : "",
  }
}

/** npm asks for attestations at the path of their address, on the registry that it is configured for. */
function attestationsOf({ url: _url, ...members }: Record<string, unknown>): string {
  return `"attestations":{${openMembers(members)}"url":`
}

/** Members that others follow. */
function openMembers(object: Record<string, unknown>): string {
  const text = plainJson(object).slice(1, -1)
  return text === "" ? "" : `${text},`
}

/** Members behind others: `,"a":1`, or "". */
export function membersOf(object: Record<string, unknown>): string {
  const text = plainJson(object).slice(1, -1)
  return text === "" ? "" : `,${text}`
}

function hasInstallScript(scripts: unknown): boolean {
  return isRecord(scripts) && INSTALL_SCRIPTS.some((name) => Object.hasOwn(scripts, name) && scripts[name] !== "")
}

/** Clients print it, so it is cleaned of what could move a cursor or hide text. */
function deprecationOf(deprecated: unknown): string {
  if (typeof deprecated === "boolean") return `,"deprecated":${deprecated}`
  return typeof deprecated === "string" ? `,"deprecated":${JSON.stringify(cleanText(deprecated, MAX_DEPRECATION))}` : ""
}

/** What `dist` promises: its own SRI hashes, else the SHA-1 that every registry states. */
function integrityOf({ integrity, shasum }: Record<string, unknown>): readonly string[] {
  const stated = typeof integrity === "string" && integrity.length <= 1024 ? integrity.split(/\s+/) : []
  const hashes = stated.filter((hash) => SRI.test(hash))
  if (hashes.length > 0) return hashes
  const sha1 = sriOfHex("sha1", shasum)
  return sha1 === undefined ? [] : [sha1]
}
