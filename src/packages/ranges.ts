// What the parents of a locked package want of it.
import { parentsOf } from "./graph.ts"
import type { Dependency, Lockfile, PackageDocument } from "./types.ts"
import { satisfies } from "./versions.ts"

/** What one parent wants; `range` undefined where neither the lockfile nor the registry states it. */
export interface Wish {
  parent: Dependency | undefined
  range: string | undefined
}

const byKey = new WeakMap<Lockfile, Map<string, Dependency>>()

/** The entry with this key. */
export function dependencyAt(lockfile: Lockfile, key: string): Dependency | undefined {
  let map = byKey.get(lockfile)
  if (map === undefined) {
    map = new Map(lockfile.dependencies.map((dependency) => [dependency.key, dependency]))
    byKey.set(lockfile, map)
  }
  return map.get(key)
}

/** What everybody who wants the entry wants; `parent` is undefined for the project itself and its workspaces. */
export function wishesFor(
  lockfile: Lockfile,
  dependency: Dependency,
  document: (name: string) => PackageDocument | undefined,
): Wish[] {
  const roots = new Set(lockfile.roots.map((root) => root.key))
  return parentsOf(lockfile, dependency.key).map(({ key, range }) => {
    const parent = roots.has(key) ? undefined : dependencyAt(lockfile, key)
    const stated = range === "" && parent !== undefined ? requiredBy(parent, dependency.name, document) : range
    return { parent, range: stated === undefined || stated === "" ? undefined : plainRange(stated) }
  })
}

function requiredBy(
  parent: Dependency,
  name: string,
  document: (name: string) => PackageDocument | undefined,
): string | undefined {
  const requires = document(parent.name)?.releases.get(parent.version)?.requires
  return requires !== undefined && Object.hasOwn(requires, name) ? requires[name] : undefined
}

/** npm's aliases and yarn's protocol say the range after the name: `npm:real@^1` and `npm:^1` are `^1`. */
export function plainRange(range: string): string {
  if (!range.startsWith("npm:")) return range
  const at = range.lastIndexOf("@")
  return at > 4 ? range.slice(at + 1) : range.slice(4)
}

/** Whether a version is in every range; false where one is not known, because then it may leave it. */
export function suitsAll(ecosystem: string, version: string, wishes: readonly Wish[]): boolean {
  return wishes.every(({ range }) => range !== undefined && satisfies(ecosystem, version, range))
}
