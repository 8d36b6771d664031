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
  resolve: Resolve
}

const MODULES = "node_modules/"

/** An error about the entry at `key`. */
export type Fail = (key: string, message: string) => Error

const WANTED_BY_PACKAGES = ["optionalDependencies", "dependencies", "peerDependencies", "requires"]
const WANTED_BY_ROOTS = [...WANTED_BY_PACKAGES, "devDependencies"]

/** Visits names and ranges that an entry wants, each name once; a package's development dependencies are never installed. */
export function visitWanted(entry: JsonObject, isRoot: boolean, visit: (name: string, range: string) => void): void {
  const before: JsonObject[] = []
  for (const field of isRoot ? WANTED_BY_ROOTS : WANTED_BY_PACKAGES) {
    const wanted = entry[field]
    if (!isObject(wanted)) continue
    for (const name in wanted) {
      const range = wanted[name]
      if (typeof range !== "string") continue // version 1 nests packages under "dependencies"
      if (!before.some((other) => Object.hasOwn(other, name) && typeof other[name] === "string")) visit(name, range)
    }
    before.push(wanted)
  }
}

/** Finds what `require(name)` finds from a path: the nearest node_modules upwards, links followed; undefined where there is none. */
export type Resolve = (from: string, name: string) => string | undefined

/** Indexes a tree by directory, so that one question costs one short look-up for each level upwards, whatever the paths are. */
export function resolver({ entries, links }: Pick<NpmTree, "entries" | "links">): Resolve {
  const modules = new Map<string, Map<string, string>>() // directory -> name -> path
  const add = (path: string, target: string) => {
    const at = path.lastIndexOf(MODULES)
    if (at < 0 || (at > 0 && path[at - 1] !== "/")) return
    const directory = path.slice(0, Math.max(0, at - 1))
    let names = modules.get(directory)
    if (names === undefined) {
      names = new Map()
      modules.set(directory, names)
    }
    names.set(path.slice(at + MODULES.length), target)
  }
  for (const path of entries.keys()) add(path, path)
  for (const [path, target] of links) add(path, entries.has(target) ? target : path)
  let last: { from: string; levels: Map<string, string>[] } | undefined
  return (from, name) => {
    if (last?.from !== from) last = { from, levels: levelsAbove(from, modules) }
    for (const names of last.levels) {
      const path = names.get(name)
      if (path !== undefined) return path
    }
    return undefined
  }
}

function levelsAbove(from: string, modules: ReadonlyMap<string, Map<string, string>>): Map<string, string>[] {
  const levels: Map<string, string>[] = []
  for (let directory: string | undefined = from; directory !== undefined; directory = parentOf(directory)) {
    const names = modules.get(directory)
    if (names !== undefined) levels.push(names)
  }
  return levels
}

/** The next directory upwards that may hold a node_modules; the root is "". */
function parentOf(path: string): string | undefined {
  if (path === "" || path === "..") return undefined
  const modules = path.lastIndexOf(MODULES)
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
    visitWanted(entry, roots.has(from), (name, range) => {
      const to = tree.resolve(from, name)
      if (to !== undefined) edges.push({ from, to, range })
    })
  }
  return edges
}

/** Paths that the manifests of the roots name. */
export function directPaths({ entries, roots, resolve }: Pick<NpmTree, "entries" | "roots" | "resolve">): Set<string> {
  const direct = new Set<string>()
  for (const { key } of roots) {
    visitWanted(entries.get(key) ?? {}, true, (name) => {
      const path = resolve(key, name)
      if (path !== undefined) direct.add(path)
    })
  }
  return direct
}

/**
 * Takes the word "for development only" back where production reaches a package all the same: npm does not go by it when it
 * leaves development out. What an optional peer is wanted by does not bring it in.
 */
export function markProduction({ dependencies, entries, roots, resolve }: NpmTree): void {
  const development = new Map(dependencies.filter(({ dev }) => dev).map((one) => [one.key, one]))
  if (development.size === 0) return
  const open = [...roots.map(({ key }) => key), ...dependencies.filter(({ dev }) => !dev).map(({ key }) => key)]
  for (let from = open.pop(); from !== undefined && development.size > 0; from = open.pop()) {
    const entry = entries.get(from) ?? {}
    const peers = entry["peerDependenciesMeta"]
    for (const field of WANTED_BY_PACKAGES) {
      const wanted = entry[field]
      if (!isObject(wanted)) continue
      for (const name in wanted) {
        if (field === "peerDependencies" && isObject(peers) && Object.hasOwn(peers, name)) continue
        const to = resolve(from, name) ?? ""
        const dependency = development.get(to)
        if (dependency === undefined) continue
        dependency.dev = false
        development.delete(to)
        open.push(to)
      }
    }
  }
}
