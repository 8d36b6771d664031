// What every reader needs to put a Lockfile together: entries with unique keys, bounded edges, and what follows from both.
import type { Ecosystem, PackageSource } from "../../policy/types.ts"
import { purlOf } from "../purl.ts"
import type { Dependency, Edge, Lockfile } from "../types.ts"
import { lockfileError } from "./failure.ts"

/** Far beyond any real tree; a file that fans out further (every package wants every version of every other) is refused. */
const MAX_EDGES = 1_000_000

interface NewEntry {
  ecosystem: Ecosystem
  name: string
  version: string
  source: PackageSource
  integrity?: readonly string[]
  dev?: boolean
  optional?: boolean
  direct?: boolean
}

/** An entry under a key that `taken` does not have yet (`name@version`, then `name@version#2`); adds the key to it. */
export function createEntry(entry: NewEntry, taken: Set<string>): Dependency {
  const { ecosystem, name, version, source } = entry
  return {
    purl: purlOf(ecosystem, name, version),
    ecosystem,
    name,
    version,
    source,
    integrity: entry.integrity ?? [],
    dev: entry.dev ?? false,
    optional: entry.optional ?? false,
    peer: false,
    direct: entry.direct ?? false,
    key: uniqueKey(version === "" ? name : `${name}@${version}`, taken),
  }
}

/** `wanted`, or `wanted#2` and so on where it is taken; adds the result to `taken`. */
export function uniqueKey(wanted: string, taken: Set<string>): string {
  let key = wanted
  // Many equal names must not cost a search from 2 on each: the set's size is a number that no suffix has had yet.
  if (taken.has(key)) key = taken.has(`${wanted}#2`) ? `${wanted}#${taken.size + 1}` : `${wanted}#2`
  while (taken.has(key)) key += "'"
  taken.add(key)
  return key
}

/** Collects edges once each, and refuses a file with more of them than any tree has. */
export function createEdges(file: string): { list: Edge[]; add: (from: string, to: string, range: string) => void } {
  const list: Edge[] = []
  const seen = new Set<string>()
  const add = (from: string, to: string, range: string): void => {
    const id = `${from}\n${to}`
    if (seen.has(id)) return
    seen.add(id)
    if (seen.size > MAX_EDGES) {
      throw lockfileError(`more than ${MAX_EDGES} dependencies between its packages`, { file, line: 1 })
    }
    list.push({ from, to, range })
  }
  return { list, add }
}

/** Entries by name, for formats whose edges name packages without their versions. */
export function groupByName(entries: readonly Dependency[]): Map<string, Dependency[]> {
  const groups = new Map<string, Dependency[]>()
  for (const entry of entries) {
    const group = groups.get(entry.name)
    if (group === undefined) groups.set(entry.name, [entry])
    else group.push(entry)
  }
  return groups
}

/** Every key that can be reached from `starts`, these included. */
export function reachFrom(starts: Iterable<string>, edges: readonly Edge[]): Set<string> {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) {
    const list = next.get(from)
    if (list === undefined) next.set(from, [to])
    else list.push(to)
  }
  const reached = new Set(starts)
  for (const key of reached) for (const to of next.get(key) ?? []) reached.add(to)
  return reached
}

/** Marks as direct whatever a root wants. */
export function markDirect(lockfile: Pick<Lockfile, "dependencies" | "edges" | "roots">): void {
  const roots = new Set(lockfile.roots.map((root) => root.key))
  const direct = new Set(lockfile.edges.filter((edge) => roots.has(edge.from)).map((edge) => edge.to))
  for (const dependency of lockfile.dependencies) if (direct.has(dependency.key)) dependency.direct = true
}

/** "1 package", "2 packages": counts in warnings. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
