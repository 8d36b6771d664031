// Reduces a crate's file in a cargo index: one JSON object a line, one line a version (doc.rust-lang.org/cargo: registry
// index, index files).
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { compareVersions, isPrerelease } from "../versions.ts"
import { JsonError, type PickedFields, pickJson, type Shape } from "./json-pick.ts"
import { boundedString, isRecord, sriOfHex, timeOf } from "./values.ts"

const MAX_VERSIONS = 50_000

function lineShape(requires: boolean): Shape {
  const fields: Record<string, Shape> = {
    name: "value",
    vers: "value",
    cksum: "value",
    yanked: "value",
    pubtime: "value",
    rust_version: "value",
  }
  if (requires) fields.deps = "value"
  return { fields }
}

/** The document of a crate. Undefined where the answer is about another one; throws `JsonError` where a line is not JSON. */
export function reduceCrateIndex(
  bytes: Buffer,
  name: string,
  now: number,
  requires = false,
): PackageDocument | undefined {
  const shape = lineShape(requires)
  const releases = new Map<string, ReleaseInfo>()
  let latest: string | undefined
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline === -1 ? bytes.length : newline
    const line = bytes.subarray(start, end)
    start = end + 1
    if (line.length === 0) continue
    if (releases.size >= MAX_VERSIONS)
      throw new JsonError(`the registry's answer lists more than ${MAX_VERSIONS} entries`)
    const entry = pickJson(line, shape) as PickedFields | undefined
    const version = boundedString(entry?.vers)
    if (entry === undefined || version === undefined) continue
    if (boundedString(entry.name)?.toLowerCase() !== name.toLowerCase()) return undefined
    releases.set(version, releaseOf(version, entry, requires))
    const counts = entry.yanked !== true && !isPrerelease("cargo", version)
    if (counts && (latest === undefined || compareVersions("cargo", version, latest) > 0)) latest = version
  }
  if (releases.size === 0) return undefined
  const tags: Record<string, string> = Object.create(null)
  if (latest !== undefined) tags.latest = latest
  return { ecosystem: "cargo", name, releases, tags, maintainers: [], fetchedAt: now }
}

function releaseOf(version: string, entry: PickedFields, requires: boolean): ReleaseInfo {
  const hash = sriOfHex("sha256", entry.cksum)
  const published = timeOf(entry.pubtime)
  const engine = boundedString(entry.rust_version)
  return {
    version,
    yanked: entry.yanked === true,
    integrity: hash === undefined ? [] : [hash],
    ...(published !== undefined && { published }),
    ...(engine !== undefined && { engine }),
    ...(requires && { requires: requiresOf(entry.deps) }),
  }
}

function requiresOf(deps: unknown): Readonly<Record<string, string>> {
  const requires: Record<string, string> = Object.create(null)
  if (!Array.isArray(deps)) return requires
  for (const dep of deps) {
    if (!isRecord(dep) || dep.kind === "dev") continue
    const name = boundedString(dep.package ?? dep.name)
    const range = boundedString(dep.req)
    if (name !== undefined && range !== undefined) requires[name] = range
  }
  return requires
}
