// The nested "dependencies" of lockfile version 1 (npm 5 and 6), brought into the paths of versions 2 and 3.
import type { Dependency, ReadSibling } from "../types.ts"
import { isObject, type JsonObject } from "./json.ts"
import { nameOf, readManifest } from "./manifest.ts"
import { newNotes } from "./notes.ts"
import { npmDependency } from "./npmEntry.ts"
import { assertPlain } from "./npmNames.ts"
import { directPaths, type Fail, type NpmTree, resolver, visitWanted } from "./npmTree.ts"

/**
 * Reads a version 1 tree. It does not say what the project itself wants: package.json beside it does; where there is none,
 * packages that nobody in the tree wants count as direct.
 */
export async function readLegacyTree(
  lock: JsonObject,
  path: string,
  readSibling: ReadSibling,
  fail: Fail,
): Promise<NpmTree> {
  const manifest = await readManifest(path, readSibling)
  const entries = new Map<string, JsonObject>([["", manifest ?? {}]])
  const roots = [{ key: "", name: nameOf(manifest, nameOf(lock, "")) }]
  const dependencies: Dependency[] = []
  const notes = newNotes()
  const walk = (wanted: unknown, parent: string) => {
    if (wanted === undefined) return
    if (!isObject(wanted)) throw fail(parent, '"dependencies" has to be an object')
    for (const name in wanted) {
      const key = parent === "" ? `node_modules/${name}` : `${parent}/node_modules/${name}`
      const entry = wanted[name]
      if (!isObject(entry)) throw fail(key, "an entry has to be an object")
      if (name === "") throw fail(key, "an entry has no name")
      entries.set(key, entry)
      const bundled = entry["bundled"] === true && parent !== "" && typeof entry["resolved"] !== "string"
      const dependency = npmDependency({ key, name, entry: modernise(entry), bundled }, notes, fail)
      assertPlain(key, dependency, fail)
      dependencies.push(dependency)
      walk(entry["dependencies"], key)
    }
  }
  walk(lock["dependencies"], "")
  const links = new Map<string, string>()
  const tree: NpmTree = { dependencies, roots, notes, entries, links, resolve: resolver({ entries, links }) }
  const direct = manifest === undefined ? unwantedPaths(tree) : directPaths(tree)
  for (const dependency of dependencies) dependency.direct = direct.has(dependency.key)
  return tree
}

/** Every address in the nested "dependencies" that a version 2 file keeps for npm 6. */
export function legacyAddresses(wanted: unknown): string[] {
  const addresses: string[] = []
  const walk = (level: unknown) => {
    if (!isObject(level)) return
    for (const entry of Object.values(level)) {
      if (!isObject(entry)) continue
      const { resolved, version, dependencies } = entry
      if (typeof resolved === "string") addresses.push(resolved)
      else if (typeof version === "string" && /^(git|https?):|^git\+/.test(version)) addresses.push(version)
      walk(dependencies)
    }
  }
  walk(wanted)
  return addresses
}

/** In version 1 "version" may be an address or an alias; later versions say the same in "resolved" and "name". */
function modernise(entry: JsonObject): JsonObject {
  const { version, resolved, ...rest } = entry
  const address = typeof resolved === "string" ? { resolved } : {} // npm 3 wrote `false`
  if (typeof version !== "string") return { ...rest, ...address, version }
  const alias = /^npm:(@?[^@]+)@(.*)$/s.exec(version)
  if (alias) return { ...rest, ...address, name: alias[1], version: alias[2] }
  if (/^(file|git|https?|ssh|github|gitlab|bitbucket|gist)[:+]/.test(version)) return { ...rest, resolved: version }
  return { ...rest, ...address, version }
}

function unwantedPaths(tree: NpmTree): Set<string> {
  const wanted = new Set<string>()
  for (const entry of tree.entries.values()) visitWanted(entry, false, (name) => wanted.add(name))
  const top = tree.dependencies.filter((dependency) => !dependency.key.includes("/node_modules/"))
  return new Set(top.filter((dependency) => !wanted.has(dependency.alias ?? dependency.name)).map((item) => item.key))
}
