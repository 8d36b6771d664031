// Way b of a correction: a newer version of what brings a package in, so that an allowed version of it comes instead.
import { candidateVersions, type Judge, judgeVersion } from "./candidates.ts"
import { parentsOf, pathsTo } from "./graph.ts"
import { dependencyAt, suitsAll, wishesFor } from "./ranges.ts"
import type { Dependency, Lockfile, PackageDocument } from "./types.ts"
import { compareVersions, maxSatisfying, satisfies } from "./versions.ts"

/** Packages between the project and the one in question that are followed; longer chains get an override. */
const MAX_CHAIN = 6
/** Versions of one parent that are tried. */
const MAX_VERSIONS = 60

/**
 * The parent nearest to the package for which some upgrade, inside its own parents' ranges unless the project names it,
 * makes a resolver take an allowed version (or none at all), with the smallest such upgrade. Only chains without a side
 * entrance are followed: a second parent on the way would keep the old version.
 */
export function findParentUpgrade(
  judge: Judge,
  lockfile: Lockfile,
  dependency: Dependency,
): { parent: Dependency; to: string } | undefined {
  const chain = chainTo(lockfile, dependency)
  if (chain === undefined) return undefined
  for (let index = chain.length - 2; index >= 0; index--) {
    const parent = chain[index]!
    const below = chain.slice(index + 1)
    const wishes = wishesFor(lockfile, parent, judge.document).filter((wish) => wish.parent !== undefined)
    const upgrades = candidateVersions(judge, parent.name, parent.version)
      .filter((version) => compareVersions(judge.ecosystem, version, parent.version) > 0)
      .filter((version) => suitsAll(judge.ecosystem, version, wishes))
      .slice(0, MAX_VERSIONS)
    for (const version of upgrades) {
      if (!bringsAllowed(judge, parent.name, version, below)) continue
      if (judgeVersion(judge, parent.name, version) === "allow") return { parent, to: version }
    }
  }
  return undefined
}

/** Entries from the project's own dependency down to this one, where there is only that one way. */
function chainTo(lockfile: Lockfile, dependency: Dependency): Dependency[] | undefined {
  const { paths, more } = pathsTo(lockfile, dependency.key, 2)
  if (paths.length !== 1 || more !== 0) return undefined
  const chain = paths[0]!.slice(1).map((key) => dependencyAt(lockfile, key))
  if (chain.length < 2 || chain.length > MAX_CHAIN || chain.includes(undefined)) return undefined
  const links = chain as Dependency[]
  const single = links.slice(1).every((link) => parentsOf(lockfile, link.key).length === 1)
  return single ? links : undefined
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
    const stays = satisfies(judge.ecosystem, locked.version, range)
    if (stays && index === below.length - 1) return false
    const taken = stays ? locked.version : maxSatisfying(judge.ecosystem, document.releases.keys(), range)
    if (taken === undefined || (!stays && judgeVersion(judge, locked.name, taken) !== "allow")) return false
    at = taken
  }
  return true
}
