// The shape that both kinds of npm lockfile are brought into, and how a name is found in it.
import type { Dependency, Edge } from "../types.ts"
import { isObject, type JsonObject } from "./json.ts"
import type { Notes } from "./notes.ts"

/** A node_modules tree by path (`node_modules/a/node_modules/b`), as npm itself lays it out. */
export interface NpmTree {
  dependencies: Dependency[]
  roots: { key: string; name: string }[]
  notes: Notes
  /** Entries by path, with what they want; roots and local directories included. */
  entries: ReadonlyMap<string, JsonObject>
  /** Path of a link -> path of what it leads to. */
  links: ReadonlyMap<string, string>
}

/** An error about the entry at `key`. */
export type Fail = (key: string, message: string) => Error

const WANTED_BY_PACKAGES = ["optionalDependencies", "dependencies", "peerDependencies", "requires"]
const WANTED_BY_ROOTS = [...WANTED_BY_PACKAGES, "devDependencies"]

/** Names and ranges that an entry wants, each name once; a package's development dependencies are never installed. */
export function* wantedBy(entry: JsonObject, isRoot: boolean): Generator<[name: string, range: string]> {
  let seen: Set<string> | undefined
  for (const field of isRoot ? WANTED_BY_ROOTS : WANTED_BY_PACKAGES) {
    const wanted = entry[field]
    if (!isObject(wanted)) continue
    for (const name in wanted) {
      const range = wanted[name]
      if (typeof range !== "string" || seen?.has(name)) continue // version 1 nests packages under "dependencies"
      seen ??= new Set()
      seen.add(name)
      yield [name, range]
    }
  }
}

/** The path of what `require(name)` finds from the package at `from`: the nearest node_modules upwards, links followed. */
export function resolveFrom(tree: Pick<NpmTree, "entries" | "links">, from: string, name: string): string | undefined {
  for (let directory: string | undefined = from; directory !== undefined; directory = parentOf(directory)) {
    const path = directory === "" ? `node_modules/${name}` : `${directory}/node_modules/${name}`
    const target = tree.links.get(path)
    if (target !== undefined) return tree.entries.has(target) ? target : path
    if (tree.entries.has(path)) return path
  }
  return undefined
}

/** The next directory upwards that may hold a node_modules; the root is "". */
function parentOf(path: string): string | undefined {
  if (path === "" || path === "..") return undefined
  const modules = path.lastIndexOf("node_modules/")
  if (modules === 0) return ""
  if (modules > 0 && path[modules - 1] === "/") return path.slice(0, modules - 1)
  const slash = path.lastIndexOf("/")
  return slash < 0 ? "" : path.slice(0, slash)
}

/** Every edge between entries that are there. What is wanted and absent (optional peers, other platforms) has none. */
export function npmEdges(tree: NpmTree): Edge[] {
  const edges: Edge[] = []
  const roots = new Set(tree.roots.map((root) => root.key))
  for (const [from, entry] of tree.entries) {
    for (const [name, range] of wantedBy(entry, roots.has(from))) {
      const to = resolveFrom(tree, from, name)
      if (to !== undefined) edges.push({ from, to, range })
    }
  }
  return edges
}

/** Paths that the manifests of the roots name. */
export function directPaths(tree: Pick<NpmTree, "entries" | "links" | "roots">): Set<string> {
  const direct = new Set<string>()
  for (const { key } of tree.roots) {
    for (const [name] of wantedBy(tree.entries.get(key) ?? {}, true)) {
      const path = resolveFrom(tree, key, name)
      if (path !== undefined) direct.add(path)
    }
  }
  return direct
}
