// Way b of a correction: another version of what brings a package in, so that an allowed version of it comes instead.
import { candidateVersions, type Judge, judgeVersion } from "./candidates.ts"
import { pathsTo } from "./graph.ts"
import { dependencyAt, suitsAll, wishesFor } from "./ranges.ts"
import type { Dependency, Lockfile, PackageDocument } from "./types.ts"
import { compareVersions, maxSatisfying, satisfies } from "./versions.ts"

/** Packages between the project and the one in question that are followed; longer ways get an override. */
const MAX_CHAIN = 8
/** Ways that are followed for each version of a parent. */
const MAX_WAYS = 12
/** Versions of one parent that are tried. */
const MAX_VERSIONS = 60

/**
 * The parent nearest to the package for which some upgrade (or downgrade, by `direction`), inside its own parents' ranges
 * unless the project names it, makes a resolver take an allowed version (or none at all), with the smallest such step. Only
 * parents that every way to the package goes through come into question: on another way the old version would stay.
 */
export function findParentUpgrade(
  judge: Judge,
  lockfile: Lockfile,
  dependency: Dependency,
  direction: "up" | "down" = "up",
): { parent: Dependency; to: string } | undefined {
  // Offline nothing is known of what a newer parent would want.
  if (judge.document(dependency.name) === undefined) return undefined
  const ways = waysTo(lockfile, dependency)
  for (const parent of commonParents(ways)) {
    const below = ways.map((way) => way.slice(way.indexOf(parent) + 1))
    const wishes = wishesFor(lockfile, parent, judge.document).filter((wish) => wish.parent !== undefined)
    const steps = candidateVersions(judge, parent.name, parent.version)
      .filter((version) => compareVersions(judge.ecosystem, version, parent.version) > 0 === (direction === "up"))
      .filter((version) => suitsAll(judge.ecosystem, version, wishes))
      .slice(0, MAX_VERSIONS)
    for (const version of steps) {
      if (!below.every((way) => bringsAllowed(judge, parent.name, version, way))) continue
      if (judgeVersion(judge, parent.name, version) === "allow") return { parent, to: version }
    }
  }
  return undefined
}

/** Every way from the project's own dependencies down to this one; none where there are too many or too long ones. */
function waysTo(lockfile: Lockfile, dependency: Dependency): Dependency[][] {
  const { paths, more } = pathsTo(lockfile, dependency.key, MAX_WAYS, 0)
  if (more !== 0) return []
  const ways = paths.map((path) => path.slice(1).map((key) => dependencyAt(lockfile, key)))
  const whole = ways.every((way) => way.length <= MAX_CHAIN && !way.includes(undefined))
  return whole ? (ways as Dependency[][]) : []
}

/** Packages above the last one that are on every way, nearest to it first. */
function commonParents(ways: readonly Dependency[][]): Dependency[] {
  const [first, ...others] = ways
  if (first === undefined) return []
  return first
    .slice(0, -1)
    .filter((parent) => others.every((way) => way.includes(parent)))
    .reverse()
}

/**
 * Follows what a package manager would take from `name@version` down the chain, and asks whether all of it is allowed.
 * What is locked stays locked while it still suits.
 */
function bringsAllowed(judge: Judge, name: string, version: string, below: readonly Dependency[]): boolean {
  let document: PackageDocument | undefined = judge.document(name)
  let at = version
  for (const [index, locked] of below.entries()) {
    const requires = document?.releases.get(at)?.requires
    if (requires === undefined) return false
    if (!Object.hasOwn(requires, locked.name)) return true
    const range = requires[locked.name]!
    document = judge.document(locked.name)
    if (document === undefined) return false
    const stays = !judge.fresh && satisfies(judge.ecosystem, locked.version, range)
    if (stays && index === below.length - 1) return false
    const taken = stays ? locked.version : maxSatisfying(judge.ecosystem, document.releases.keys(), range)
    if (taken === undefined || (!stays && judgeVersion(judge, locked.name, taken) !== "allow")) return false
    at = taken
  }
  return true
}
