// yarn.lock of yarn 2 and later: YAML, one entry for each resolution, keyed by the descriptors (`name@npm:range`) that lead to it.
import type { Dependency, Edge, Lockfile, ReadSibling } from "../types.ts"
import { lineCounter, lockfileError, quote } from "./failure.ts"
import { classify, type KindEdge, MAX_EDGES, tooManyEdges } from "./flags.ts"
import { isObject, type JsonObject } from "./json.ts"
import { rangesIn, readManifest } from "./manifest.ts"
import { parseYaml, yamlKeys } from "./yaml.ts"
import { type BerryEntry, berryDependency, safeDecode, splitLocator } from "./yarnBerryEntry.ts"

const WRITE_AGAIN = "let yarn write it again: `yarn install --mode=update-lockfile`"
/** Versions of `__metadata`: 4 (yarn 2) to 10 (4.18). */
const OLDEST = 4
const NEWEST = 10

/** Reads a berry lockfile; package.json of each workspace tells development dependencies from others. */
export async function parseBerryLock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const lineOf = lineIndex(text)
  const fail = (key: string, message: string) => lockfileError(message, { file: path, line: lineOf(key) }, WRITE_AGAIN)
  const documents = parseYaml(text, path)
  const lock = documents[0]
  if (documents.length !== 1 || !isObject(lock)) throw fail("", "a lockfile has to be one mapping")
  const version = versionOf(lock, fail)
  const entries = entriesOf(lock, fail)
  const workspaces = entries.filter((entry) => splitLocator(entry.resolution)?.range.startsWith("workspace:"))
  if (workspaces.length === 0)
    throw fail("", "it has no workspace, not even the project: the file is cut off or was edited")
  const isRoot = new Set(workspaces.map((entry) => entry.key))
  const roots = workspaces.map(({ key, resolution }) => ({ key, name: splitLocator(resolution)!.name }))
  const dependencies = entries.filter((entry) => !isRoot.has(entry.key)).map((entry) => berryDependency(entry, fail))
  const edges: KindEdge[] = []
  const find = finder(entries)
  let absent = 0
  for (const entry of entries) {
    const development = isRoot.has(entry.key) ? await developmentNames(entry, path, readSibling) : undefined
    const optional = isObject(entry.fields["dependenciesMeta"]) ? entry.fields["dependenciesMeta"] : {}
    for (const [name, range] of rangesIn(entry.fields, "dependencies")) {
      const meta = Object.hasOwn(optional, name) ? optional[name] : undefined
      const kind = development?.has(name) ? "dev" : isObject(meta) && meta["optional"] === "true" ? "optional" : "prod"
      const targets = find(name, range, entry.resolution)
      if (targets.length === 0) absent++
      if (edges.length + targets.length > MAX_EDGES) throw tooManyEdges(path)
      for (const to of targets) edges.push({ from: entry.key, to, range: range.replace(/^npm:/, ""), kind })
    }
  }
  if (absent > 0) throw fail("", `${absent} wanted packages are not in the file: the file is cut off or was edited`)
  classify(dependencies, edges, roots)
  markDirect(dependencies, edges, isRoot)
  return {
    path,
    format: "yarn.lock",
    formatVersion: `berry-${version}`,
    dependencies,
    edges,
    roots,
    warnings: [],
    lineOf,
  }
}

function versionOf(lock: JsonObject, fail: Fail): number {
  const metadata = lock["__metadata"]
  const stated = isObject(metadata) ? metadata["version"] : undefined
  const version = typeof stated === "string" && /^\d{1,4}$/.test(stated) ? Number(stated) : 0
  if (version >= OLDEST && version <= NEWEST) return version
  const message = version === 0 ? '"__metadata" has no version' : `version ${version} of the format is not known`
  throw fail("__metadata", `${message}; nanoguard reads ${OLDEST} to ${NEWEST}`)
}

type Fail = (key: string, message: string) => Error

function entriesOf(lock: JsonObject, fail: Fail): BerryEntry[] {
  const entries: BerryEntry[] = []
  const seen = new Set<string>()
  for (const key in lock) {
    if (key === "__metadata") continue
    const fields = lock[key]
    const resolution = isObject(fields) ? fields["resolution"] : undefined
    if (!isObject(fields) || typeof resolution !== "string")
      throw fail(key, "an entry has no resolution: the file is cut off or was edited")
    const descriptors = key.split(",").map((part) => part.trim())
    for (const descriptor of descriptors) {
      if (seen.has(descriptor))
        throw fail(key, `${quote(descriptor)} stands twice; readers differ in which of the two they take`)
      seen.add(descriptor)
    }
    entries.push({ key, descriptors, resolution, fields })
  }
  return entries
}

/** Finds the entries that a dependency leads to: by its descriptor, else (package.json's `resolutions` replace ranges) by name. */
function finder(entries: readonly BerryEntry[]): (name: string, range: string, parent: string) => string[] {
  const byDescriptor = new Map<string, string>()
  const byName = new Map<string, string[]>()
  const patched = new Map<string, string[]>() // descriptor -> entries that patch what it leads to
  for (const { key, descriptors } of entries) {
    for (const descriptor of descriptors) {
      byDescriptor.set(descriptor, key)
      const { name, range } = splitLocator(descriptor) ?? { name: descriptor, range: "" }
      append(byName, name, key)
      const inner = /^patch:([^#]+)#/.exec(range)?.[1]
      if (inner !== undefined) append(patched, safeDecode(inner), key)
    }
  }
  return (name, range, parent) => {
    for (const spelling of [range, `npm:${range}`, `${range}::locator=${encodeURIComponent(parent.toWellFormed())}`]) {
      const key = byDescriptor.get(`${name}@${spelling}`)
      if (key !== undefined) return [key, ...(patched.get(`${name}@${spelling}`) ?? [])]
    }
    return [...new Set(byName.get(name) ?? [])]
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else known.push(value)
}

/** yarn writes a workspace's development dependencies among the others; only its manifest tells them apart. */
async function developmentNames(entry: BerryEntry, path: string, readSibling: ReadSibling): Promise<Set<string>> {
  const directory = splitLocator(entry.resolution)!.range.slice("workspace:".length)
  const manifest = await readManifest(path, readSibling, directory)
  const names = new Set(rangesIn(manifest, "devDependencies").keys())
  for (const field of ["dependencies", "optionalDependencies"])
    for (const name of rangesIn(manifest, field).keys()) names.delete(name)
  return names
}

function markDirect(dependencies: readonly Dependency[], edges: readonly Edge[], roots: ReadonlySet<string>): void {
  const direct = new Set(edges.filter((edge) => roots.has(edge.from)).map((edge) => edge.to))
  for (const dependency of dependencies) dependency.direct = direct.has(dependency.key)
}

/** Lines of entries, found on the first question. */
function lineIndex(text: string): (key: string) => number {
  let offsets: Map<string, number> | undefined
  const lineAt = lineCounter(text)
  return (key) => {
    if (offsets === undefined) {
      const found = new Map<string, number>()
      yamlKeys(text, (name, offset, trail) => {
        if (trail.length === 0) found.set(name, offset)
      })
      offsets = found
    }
    return lineAt(offsets.get(key) ?? 0)
  }
}
