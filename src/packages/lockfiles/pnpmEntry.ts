// One entry of a pnpm-lock.yaml as a dependency.
import { purlOf } from "../purl.ts"
import type { Dependency } from "../types.ts"
import { isObject, type JsonObject } from "./json.ts"
import type { Notes } from "./notes.ts"
import { assertNamed } from "./npmNames.ts"
import { type PnpmFamily, parsePnpmKey } from "./pnpmKeys.ts"
import { pnpmIntegrity, pnpmSource } from "./pnpmSource.ts"

/** An error about a key of a section. */
export type Fail = (section: string, key: string, message: string) => Error

const MAX_KEY = 4096

/** Reads an entry of "packages". A malformed hash counts as none and is noted; a resolution that says nothing throws. */
export function readPackage(
  key: string,
  entry: unknown,
  family: PnpmFamily,
  prefix: string,
  notes: Notes,
  fail: Fail,
): Dependency {
  if (!isObject(entry)) throw fail("packages", key, "a package has to be a mapping")
  if (key.length > MAX_KEY) throw fail("packages", key, `a key of ${key.length} characters`)
  const parsed = parsePnpmKey(key, family)
  // The fields of the entry go before the key, as in pnpm: they are what it downloads by.
  const name = (family === 9 ? undefined : textOf(entry, "name")) ?? parsed.name
  if (name === undefined) throw fail("packages", key, "a package without a name: the file is cut off or was edited")
  const version = textOf(entry, "version") ?? parsed.version ?? ""
  const resolution = entry["resolution"]
  const source = isObject(resolution) ? pnpmSource(resolution, { name, version, registry: parsed.registry }) : undefined
  if (!isObject(resolution) || source === undefined)
    throw fail("packages", key, '"resolution" does not say where it comes from')
  const integrity = pnpmIntegrity(resolution)
  if (integrity.length === 0 && resolution["integrity"] !== undefined) {
    notes.malformedHash.push(key)
  }
  const dependency: Dependency = {
    purl: purlOf("npm", name, version),
    ecosystem: "npm",
    name,
    version,
    source,
    integrity,
    dev: entry["dev"] === "true",
    optional: entry["optional"] === "true",
    peer: false,
    direct: false,
    key: prefix + key,
  }
  assertNamed(dependency, (message) => fail("packages", key, message))
  if (entry["requiresBuild"] === "true" || entry["deprecated"] !== undefined) {
    dependency.claims = {
      ...(entry["requiresBuild"] === "true" && { installScripts: true }),
      ...(entry["deprecated"] !== undefined && { deprecated: true }),
    }
  }
  return dependency
}

/** A directory outside the workspace that an importer links to; pnpm writes no entry for it. */
export function directoryOf(path: string, name: string, prefix: string): Dependency {
  return {
    purl: purlOf("npm", name),
    ecosystem: "npm",
    name,
    version: "",
    source: { kind: "file", path },
    integrity: [],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key: `${prefix}link:${path}`,
  }
}

/** A field that holds a text; "" is what YAML has for an empty one. */
export function textOf(entry: JsonObject, field: string): string | undefined {
  const value = entry[field]
  return typeof value === "string" && value !== "" ? value : undefined
}
