// What the readers of Python's lockfiles have in common: names, hashes, and edges that name packages without versions.

import { normalisePythonName } from "../purl.ts"
import type { Dependency, Edge, Lockfile } from "../types.ts"
import { isValidVersion, satisfies } from "../versions.ts"
import { countOf, createEdges, groupByName, markDirect, reachFrom, uniqueKey } from "./entries.ts"
import { quote } from "./failure.ts"
import { sriOfPair } from "./hashes.ts"
import { type Item, textOf, wrong } from "./item.ts"
import { isPythonName } from "./pep508.ts"
import type { PythonProject } from "./pyproject.ts"

/** The normalised name of an entry; throws where no index could have it. */
export function pythonName(item: Item, key = "name"): string {
  const name = textOf(item, key)
  if (!isPythonName(name)) throw wrong(item, `${quote(name)} is not a package name`)
  return normalisePythonName(name)
}

/** The text as a version; throws where it is none by PEP 440. */
export function pythonVersion(item: Item, version: string): string {
  if (!isValidVersion("pypi", version)) throw wrong(item, `${quote(version)} is not a version`)
  return version
}

/**
 * The hashes of all files of an entry as SRI. One file without a readable hash, and the entry has none: an installer that
 * picks this file has nothing to hold it against.
 */
export function integrityOf(hashes: readonly (string | undefined)[]): string[] {
  const sri = hashes.map((hash) => (hash === undefined ? undefined : sriOfPair(hash)))
  return sri.every((hash) => hash !== undefined) ? [...new Set(sri)] : []
}

/** Real lockfiles have a handful of versions of one package; beyond this it is not worth looking which of them is meant. */
const MAX_FORKS = 50

/** Entries with the name whose version the range admits; all of that name where it admits none or is of another syntax. */
export function candidatesFor(named: readonly Dependency[] | undefined, range: string): readonly Dependency[] {
  if (named === undefined || named.length < 2 || named.length > MAX_FORKS || range === "") return named ?? []
  const matching = named.filter((entry) => satisfies("pypi", entry.version, range, { prereleases: true }))
  return matching.length > 0 ? matching : named
}

/** Dependencies of one entry by name, before they are found among the entries. */
export interface Wish {
  from: string
  name: string
  range: string
}

interface Parts {
  path: string
  dependencies: Dependency[]
  wishes: readonly Wish[]
  project: PythonProject | undefined
  taken: Set<string>
  warnings: string[]
}

/**
 * Finds what each wish stands for, and puts the project itself on top. Without a pyproject.toml nobody says what is direct, so
 * every entry that no other one wants counts as direct. `findDev` is for formats that do not say it themselves:
 * for development is then what the project's main and optional dependencies do not reach.
 */
export function linkPython(parts: Parts, findDev: boolean): Pick<Lockfile, "edges" | "roots"> {
  const { path, dependencies, wishes, project, taken, warnings } = parts
  const byName = groupByName(dependencies)
  const edges = createEdges(path)
  let dangling = 0
  for (const { from, name, range } of wishes) {
    const found = candidatesFor(byName.get(name), range)
    if (found.length === 0) dangling++
    for (const to of found) edges.add(from, to.key, range)
  }
  if (dangling > 0) warnings.push(danglingWarning(dangling))
  const root = uniqueKey(".", taken)
  const roots = [{ key: root, name: project?.name || "." }]
  if (project === undefined) addOrphans(dependencies, edges, root)
  else {
    addWanted(project, byName, edges, root)
    if (findDev) markDev(project, byName, dependencies, edges.list)
  }
  markDirect({ dependencies, edges: edges.list, roots })
  return { edges: edges.list, roots }
}

/** A lockfile leaves out what its markers exclude (Windows only, another Python), so this is no error. */
function danglingWarning(count: number): string {
  return `${countOf(count, "dependency link")} to packages that are not in the file were left out`
}

function addOrphans(dependencies: readonly Dependency[], edges: ReturnType<typeof createEdges>, root: string): void {
  const wanted = new Set(edges.list.filter((edge) => edge.from !== edge.to).map((edge) => edge.to))
  for (const { key } of dependencies) if (!wanted.has(key)) edges.add(root, key, "")
  // Packages that want each other in a circle: nobody outside does, so the project must.
  const reached = reachFrom([root], edges.list)
  for (const { key } of dependencies) if (!reached.has(key)) edges.add(root, key, "")
}

function addWanted(
  project: PythonProject,
  byName: ReadonlyMap<string, Dependency[]>,
  edges: ReturnType<typeof createEdges>,
  root: string,
): void {
  for (const wanted of [project.main, project.optional, project.dev]) {
    for (const [name, range] of wanted) {
      for (const to of candidatesFor(byName.get(name), range)) edges.add(root, to.key, range)
    }
  }
}

function markDev(
  project: PythonProject,
  byName: ReadonlyMap<string, Dependency[]>,
  dependencies: readonly Dependency[],
  edges: readonly Edge[],
): void {
  const starts = [...project.main, ...project.optional].flatMap(([name]) => byName.get(name) ?? [])
  const used = reachFrom(
    starts.map((entry) => entry.key),
    edges,
  )
  const devStarts = [...project.dev].flatMap(([name]) => byName.get(name) ?? [])
  const development = reachFrom(
    devStarts.map((entry) => entry.key),
    edges,
  )
  // What neither reaches is not known to be for development only.
  for (const entry of dependencies) entry.dev = development.has(entry.key) && !used.has(entry.key)
}
