// One document of a pnpm-lock.yaml: importers (the project's directories) and packages, with what each wants.
import { posix } from "node:path"
import type { Dependency } from "../types.ts"
import { quote } from "./failure.ts"
import type { KindEdge } from "./flags.ts"
import { isObject, type JsonObject } from "./json.ts"
import { rangesIn } from "./manifest.ts"
import { newNotes, warningsOf } from "./notes.ts"
import { directoryOf, type Fail, readPackage, textOf } from "./pnpmEntry.ts"
import { keysOfReference, type PnpmFamily } from "./pnpmKeys.ts"

export interface PnpmDocument {
  dependencies: Dependency[]
  edges: KindEdge[]
  roots: { key: string; name: string }[]
  warnings: string[]
}

const IMPORTER_FIELDS: readonly [string, KindEdge["kind"]][] = [
  ["dependencies", "prod"],
  ["devDependencies", "dev"],
  ["optionalDependencies", "optional"],
  ["configDependencies", "prod"],
  ["packageManagerDependencies", "prod"],
]

/**
 * Reads a document. `prefix` keeps the keys of pnpm's own document apart from the project's. A reference to a package that is
 * not there means that the file was cut off or edited, and throws: what is missing would be installed without being vetted.
 */
export function readPnpmDocument(document: JsonObject, family: PnpmFamily, prefix: string, fail: Fail): PnpmDocument {
  const packages = mappingOf(document, "packages", fail)
  const snapshots = family === 9 ? mappingOf(document, "snapshots", fail) : packages
  const importers = importersOf(document, family, fail)
  const known = new Map<string, Dependency>()
  const notes = newNotes()
  const warnings: string[] = []
  if (document["packages"] === undefined)
    warnings.push("it locks no packages: the project has none, or the file is cut off")
  for (const key in packages) known.set(key, readPackage(key, packages[key], family, prefix, notes, fail))
  const edges: KindEdge[] = []
  const local = new Map<string, Dependency>() // directories outside the workspace, by path
  const roots = Object.keys(importers).map((path) => ({
    key: importerKey(prefix, path),
    name: prefix === "" ? path : "pnpm itself",
  }))

  /** Follows a reference from `from` and notes the edge. */
  const follow = (place: Place, name: string, reference: string, range: string, kind: KindEdge["kind"]) => {
    if (reference.startsWith("link:")) {
      const path = posix.normalize(posix.join(place.directory, reference.slice(5)))
      if (Object.hasOwn(importers, path))
        return edges.push({ from: place.from, to: importerKey(prefix, path), range, kind })
      const dependency = local.get(path) ?? directoryOf(path, name, prefix)
      local.set(path, dependency)
      if (place.direct) dependency.direct = true
      return edges.push({ from: place.from, to: dependency.key, range, kind })
    }
    const candidates = keysOfReference(name, reference, family)
    const target = candidates
      .map((key) => (family === 9 && Object.hasOwn(snapshots, key) ? packageOf(key, known) : key))
      .find((key) => known.has(key))
    const dependency = known.get(target ?? "")
    if (dependency === undefined) {
      // Optional packages of other platforms may be left out of what is written.
      if (kind === "optional") return undefined
      throw fail(
        place.section,
        place.key,
        `it wants ${quote(`${name}@${reference}`)}, which is not in the file: the file is cut off or was edited`,
      )
    }
    if (dependency.name !== name) dependency.alias ??= name
    if (place.direct) dependency.direct = true
    return edges.push({ from: place.from, to: dependency.key, range, kind })
  }

  for (const path in importers) {
    const importer = importers[path]
    if (!isObject(importer)) throw fail("importers", path, "an importer has to be a mapping")
    const place = { from: importerKey(prefix, path), section: "importers", key: path, directory: path, direct: true }
    const specifiers = rangesIn(importer, "specifiers")
    for (const [field, kind] of IMPORTER_FIELDS) {
      if (importer[field] === "")
        throw fail("importers", path, `${quote(field)} is empty: the file is cut off or was edited`)
      for (const [name, value] of Object.entries(isObject(importer[field]) ? importer[field] : {})) {
        const reference = isObject(value) ? value["version"] : value
        const range = isObject(value) ? value["specifier"] : specifiers.get(name)
        if (typeof reference !== "string") throw fail("importers", path, `${quote(name)} has no version`)
        follow(place, name, reference, rangeOf(document, name, typeof range === "string" ? range : ""), kind)
      }
    }
  }
  const seen = new Set<string>()
  for (const key in snapshots) {
    const snapshot = snapshots[key] === "" ? {} : snapshots[key]
    const dependency = known.get(family === 9 ? packageOf(key, known) : key)
    if (dependency === undefined || !isObject(snapshot))
      throw fail("snapshots", key, "a snapshot of no package: the file is cut off or was edited")
    seen.add(dependency.key)
    const place = { from: dependency.key, section: "snapshots", key, directory: ".", direct: false }
    const peers = rangesIn(isObject(packages[key]) ? (packages[key] as JsonObject) : undefined, "peerDependencies")
    for (const [field, kind] of [
      ["dependencies", "prod"],
      ["optionalDependencies", "optional"],
    ] as const) {
      for (const [name, reference] of rangesIn(snapshot, field))
        follow(place, name, reference, peers.get(name) ?? "", kind)
    }
  }
  for (const [key, dependency] of known) {
    if (!seen.has(dependency.key)) throw fail("packages", key, "it has no snapshot: the file is cut off or was edited")
  }
  return {
    dependencies: [...known.values(), ...local.values()],
    edges,
    roots,
    warnings: [...warnings, ...warningsOf(notes)],
  }
}

/** Where a reference stands. */
interface Place {
  from: string
  section: string
  key: string
  directory: string
  direct: boolean
}

/** Importers by path; a project without a workspace has its one importer at the top in versions 5 and 6. */
function importersOf(document: JsonObject, family: PnpmFamily, fail: Fail): JsonObject {
  if (document["importers"] !== undefined) return mappingOf(document, "importers", fail)
  const cutOff = (what: string) => fail("", "lockfileVersion", `it has no ${what}: the file is cut off or was edited`)
  if (family === 9) throw cutOff('"importers"')
  const specifiers = rangesIn(document, "specifiers").size
  if (specifiers > 0 && !IMPORTER_FIELDS.some(([field]) => document[field] !== undefined))
    throw cutOff('"dependencies"')
  return { ".": document }
}

/** What a specifier asks for; `catalog:` is looked up in the catalogs that the lockfile repeats. */
function rangeOf(document: JsonObject, name: string, specifier: string): string {
  if (!specifier.startsWith("catalog:")) return specifier
  const catalogs = document["catalogs"]
  const catalog = isObject(catalogs) ? catalogs[specifier.slice(8) || "default"] : undefined
  const entry = isObject(catalog) && Object.hasOwn(catalog, name) ? catalog[name] : undefined
  return isObject(entry) ? (textOf(entry, "specifier") ?? specifier) : specifier
}

/** The package of a snapshot: its key without peers; a path may contain brackets of its own, so the longest known one counts. */
function packageOf(key: string, known: ReadonlyMap<string, Dependency>): string {
  if (known.has(key)) return key
  for (let open = key.lastIndexOf("("); open > 0; open = key.lastIndexOf("(", open - 1)) {
    if (known.has(key.slice(0, open))) return key.slice(0, open)
  }
  return key
}

function importerKey(prefix: string, path: string): string {
  return `${prefix}importer:${path}`
}

function mappingOf(document: JsonObject, section: string, fail: Fail): JsonObject {
  const value = document[section]
  if (value === undefined) return {}
  if (!isObject(value)) throw fail("", section, `"${section}" has to be a mapping`)
  return value
}
