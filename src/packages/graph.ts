// Questions about who wants whom, answered on a lockfile's edges.
import type { Edge, Lockfile } from "./types.ts"

interface Graph {
  /** The edges that lead to a key, in the order of the file. */
  parents: ReadonlyMap<string, readonly Edge[]>
  /** The keys above a key, each once and the last one first, as far as paths have gone through it. */
  above: Map<string, readonly string[]>
  /** Edges from the nearest root; a key that no root reaches is absent. */
  distance: ReadonlyMap<string, number>
}

const graphs = new WeakMap<Lockfile, Graph>()

/** How many partial paths one question may look at: hostile graphs have more paths than there is time. */
const MAX_STEPS = 20_000
/** How many paths beyond those asked for are counted. */
const MAX_MORE = 100

/**
 * Ways from a root to `key`, each a list of keys from root to `key` without a repetition, shortest first, at most `limit` of
 * them. `more` is how many others there are, -1 where there are more than `maxMore`, or too many to count.
 */
export function pathsTo(
  lockfile: Lockfile,
  key: string,
  limit: number,
  maxMore = MAX_MORE,
): { paths: string[][]; more: number } {
  const graph = graphOf(lockfile)
  const { distance } = graph
  const paths: string[][] = []
  let more = 0
  let steps = 0
  // Partial paths, nearest node first, in buckets by the length of the shortest whole path they can become. Distances are
  // exact, so whole paths leave the buckets in order of length; within one, the latest partial path goes on first, so that
  // the first whole ones need no more steps than they are long.
  const buckets: Step[][] = []
  const offer = (step: Step) => {
    const rest = distance.get(step.key)
    if (rest === undefined) return
    const length = step.length + rest
    buckets[length] ??= []
    buckets[length].push(step)
  }
  offer({ key, length: 0, next: undefined })
  for (let length = 0; length < buckets.length; length++) {
    const bucket = buckets[length] ?? []
    for (let step = bucket.pop(); step !== undefined; step = bucket.pop()) {
      if (++steps > MAX_STEPS) return { paths, more: -1 }
      if (distance.get(step.key) === 0) {
        if (paths.length < limit) paths.push(keysOf(step))
        else if (++more > maxMore) return { paths, more: -1 }
        continue
      }
      for (const parent of keysAbove(graph, step.key)) {
        if (!contains(step, parent)) offer({ key: parent, length: step.length + 1, next: step })
      }
    }
    delete buckets[length]
  }
  return { paths, more }
}

/** Who wants `key`, and within which range; roots included. */
export function parentsOf(lockfile: Lockfile, key: string): readonly { key: string; range: string }[] {
  return (graphOf(lockfile).parents.get(key) ?? []).map(({ from, range }) => ({ key: from, range }))
}

/** Every key that can be reached from `starts` along `edges`, the starts included. */
export function reachableFrom(edges: Iterable<Edge>, starts: Iterable<string>): Set<string> {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) {
    const known = next.get(from)
    if (known === undefined) next.set(from, [to])
    else known.push(to)
  }
  const reached = new Set(starts)
  for (const key of reached) for (const to of next.get(key) ?? []) reached.add(to)
  return reached
}

/** One node of a partial path, linked towards the package that was asked for. */
interface Step {
  key: string
  length: number
  next: Step | undefined
}

function keysOf(first: Step): string[] {
  const keys: string[] = []
  for (let step: Step | undefined = first; step !== undefined; step = step.next) keys.push(step.key)
  return keys
}

function contains(first: Step, key: string): boolean {
  for (let step: Step | undefined = first; step !== undefined; step = step.next) if (step.key === key) return true
  return false
}

function keysAbove({ parents, above }: Graph, key: string): readonly string[] {
  let keys = above.get(key)
  if (keys === undefined) {
    keys = [...new Set(parents.get(key)?.map(({ from }) => from))].reverse()
    above.set(key, keys)
  }
  return keys
}

function graphOf(lockfile: Lockfile): Graph {
  const known = graphs.get(lockfile)
  if (known !== undefined) return known
  const parents = new Map<string, Edge[]>()
  const children = new Map<string, Edge[]>()
  for (const edge of lockfile.edges) {
    const above = parents.get(edge.to)
    if (above === undefined) parents.set(edge.to, [edge])
    else above.push(edge)
    const below = children.get(edge.from)
    if (below === undefined) children.set(edge.from, [edge])
    else below.push(edge)
  }
  const distance = new Map(lockfile.roots.map((root) => [root.key, 0]))
  for (const [key, far] of distance) {
    for (const { to } of children.get(key) ?? []) if (!distance.has(to)) distance.set(to, far + 1)
  }
  const graph = { parents, above: new Map(), distance }
  graphs.set(lockfile, graph)
  return graph
}

/** Every key from which `key` can be reached, itself left out. */
export function ancestorsOf(lockfile: Lockfile, key: string): Set<string> {
  const { parents } = graphOf(lockfile)
  const found = new Set<string>()
  const open = [key]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { from } of parents.get(next) ?? []) {
      if (found.has(from) || from === key) continue
      found.add(from)
      open.push(from)
    }
  }
  return found
}
