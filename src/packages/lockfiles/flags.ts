// Development, optional and peer flags for the formats that do not write them down.
import { reachableFrom } from "../graph.ts"
import type { Dependency, Edge } from "../types.ts"
import { lockfileError } from "./failure.ts"

/** More than any tree has; ranges that `resolutions` replace lead to every entry of a name, so a file can ask for the square of its size. */
export const MAX_EDGES = 1_000_000

/** An edge and the field of the manifest that it stands in. */
export interface KindEdge extends Edge {
  kind: "prod" | "dev" | "optional" | "peer"
}

/**
 * Sets `dev`, `optional` and `peer` by what reaches a package: dev where only roots' development edges do; optional and peer
 * where nothing does without an edge of that kind (for what production reaches, production's edges are the ones that count).
 */
export function classify(
  dependencies: readonly Dependency[],
  edges: readonly KindEdge[],
  roots: readonly { key: string }[],
): void {
  const starts = roots.map((root) => root.key)
  const reach = (...without: KindEdge["kind"][]) =>
    reachableFrom(
      edges.filter((edge) => !without.includes(edge.kind)),
      starts,
    )
  const all = reach()
  const production = reach("dev")
  const required = reach("optional")
  const requiredInProduction = reach("dev", "optional")
  const withoutPeers = reach("peer")
  const productionWithoutPeers = reach("dev", "peer")
  for (const dependency of dependencies) {
    const { key } = dependency
    if (!all.has(key)) continue // nothing leads there: nothing is known, and production is the cautious answer
    dependency.dev = !production.has(key)
    dependency.optional = !(dependency.dev ? required : requiredInProduction).has(key)
    dependency.peer = !(dependency.dev ? withoutPeers : productionWithoutPeers).has(key)
  }
}

/** The error for a file that asks for more than `MAX_EDGES`. */
export function tooManyEdges(file: string): Error {
  return lockfileError(
    `more than ${MAX_EDGES} edges between packages`,
    { file, line: 1 },
    "no project has so many: check what is in it",
  )
}
