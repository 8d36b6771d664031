// One entry of an npm lockfile as a dependency.
import type { PackageSource } from "../../policy/types.ts"
import { purlOf } from "../purl.ts"
import type { Dependency } from "../types.ts"
import { readIntegrity } from "./integrity.ts"
import type { JsonObject } from "./json.ts"
import type { Notes } from "./notes.ts"
import type { Fail } from "./npmTree.ts"
import { DEFAULT_REGISTRY, gitSource, sourceOfUrl } from "./sources.ts"

interface Place {
  key: string
  /** The name it is installed under. */
  name: string
  entry: JsonObject
  bundled: boolean
}

/** No registry admits longer names (npm: 214 characters) or versions (256), and no file system longer paths. */
const MAX_TEXT = 1024
const MAX_PATH = 4096
/** Levels of node_modules; each makes every question for a name dearer. */
const MAX_LEVELS = 64

/** Reads one entry. What it says of itself is checked for type only where it is used; a malformed hash counts as none and is noted. */
export function npmDependency(place: Place, notes: Notes, fail: Fail): Dependency {
  const { key, entry, bundled } = place
  if (key.length > MAX_PATH || key.split("node_modules/").length > MAX_LEVELS) {
    throw fail(key, `its path has ${key.length} characters, or more than ${MAX_LEVELS} levels: npm makes no such path`)
  }
  const name = textOf(entry, "name", place.name, key, fail)
  const version = textOf(entry, "version", "", key, fail)
  const integrity = readIntegrity(entry["integrity"])
  if (integrity.length === 0 && entry["integrity"] !== undefined) {
    notes.malformedHash.push(key)
  }
  const dependency: Dependency = {
    purl: purlOf("npm", name, version),
    ecosystem: "npm",
    name,
    version,
    source: sourceOf(entry["resolved"], name, version, key, fail),
    integrity,
    // devOptional: also reached through production's optional dependencies, so not only through development ones.
    dev: entry["dev"] === true,
    optional: entry["optional"] === true || entry["devOptional"] === true,
    peer: entry["peer"] === true,
    direct: false,
    key,
  }
  if (name !== place.name) dependency.alias = place.name
  if (bundled) dependency.bundled = true
  const claims = claimsOf(entry)
  if (claims !== undefined) dependency.claims = claims
  if (version === "" && dependency.source.kind === "registry") notes.noVersion.push(key)
  return dependency
}

function textOf(entry: JsonObject, field: string, otherwise: string, key: string, fail: Fail): string {
  const value = entry[field] ?? otherwise
  if (typeof value !== "string") throw fail(key, `"${field}" has to be a text`)
  if (value.length > MAX_TEXT) throw fail(key, `"${field}" has ${value.length} characters; no registry admits so many`)
  return value
}

function sourceOf(resolved: unknown, name: string, version: string, key: string, fail: Fail): PackageSource {
  // npm's `omit-lockfile-registry-resolved` leaves registry addresses out, and only those.
  if (resolved === undefined) return DEFAULT_REGISTRY
  if (typeof resolved !== "string") throw fail(key, '"resolved" has to be an address')
  if (resolved.startsWith("https://") && resolved.endsWith(".tgz")) return sourceOfUrl(resolved, name, version)
  if (resolved.startsWith("file:")) return { kind: "file", path: resolved.slice(5) }
  return gitSource(resolved) ?? sourceOfUrl(resolved, name, version)
}

function claimsOf(entry: JsonObject): Dependency["claims"] {
  const license = entry["license"]
  const scripts = entry["hasInstallScript"] === true
  const deprecated = entry["deprecated"] !== undefined && entry["deprecated"] !== false
  if (typeof license !== "string" && !scripts && !deprecated) return undefined
  const claims: NonNullable<Dependency["claims"]> = {}
  if (typeof license === "string") claims.license = license.slice(0, MAX_TEXT)
  if (scripts) claims.installScripts = true
  if (deprecated) claims.deprecated = true
  return claims
}
