// Who wants a package, by what a run was served: a refusal about a dependency of a dependency must move the right one.
import { plainRange } from "../packages/ranges.ts"
import type { PackageDocument, ReleaseInfo } from "../packages/types.ts"
import { compareVersions, isPrerelease, satisfies } from "../packages/versions.ts"
import type { Parent } from "./refused-graph.ts"

/** Packages of one run that are looked at, and parents of one package that are told. */
const MAX_SERVED = 5_000
const MAX_PARENTS = 20

/**
 * `documents` are those of the packages that the run asked for, with `requires`. Of each the version counts that the run took. Before it
 * took any, it is the newest one that wants the package in a range with this version: an unlikely parent where the newest of all does not.
 */
export function servedParents(
  documents: Iterable<PackageDocument>,
  taken: (name: string) => string | undefined,
): (name: string, version: string) => readonly Parent[] {
  const served = [...documents].slice(0, MAX_SERVED)
  return (name, version) => {
    const parents: Parent[] = []
    for (const document of served) {
      const parent = document.name === name ? undefined : parentIn(document, taken(document.name), name, version)
      if (parent !== undefined) parents.push(parent)
      if (parents.length >= MAX_PARENTS) break
    }
    return parents
  }
}

function parentIn(
  { ecosystem, name: parent, releases }: PackageDocument,
  taken: string | undefined,
  name: string,
  version: string,
): Parent | undefined {
  const wishOf = ({ requires }: ReleaseInfo) =>
    requires !== undefined && Object.hasOwn(requires, name) ? requires[name] : undefined
  const admits = (range: string) => satisfies(ecosystem, version, plainRange(range))
  const own = taken === undefined ? undefined : releases.get(taken)
  if (own !== undefined) {
    const range = wishOf(own)
    return range !== undefined && admits(range) ? { name: parent, version: own.version, range } : undefined
  }
  let best: Parent | undefined
  let newest: string | undefined
  for (const release of releases.values()) {
    if (release.yanked || release.deprecated || isPrerelease(ecosystem, release.version)) continue
    const isNewer = (other: string | undefined) =>
      other === undefined || compareVersions(ecosystem, release.version, other) > 0
    if (isNewer(newest)) newest = release.version
    const range = wishOf(release)
    if (range !== undefined && isNewer(best?.version) && admits(range)) {
      best = { name: parent, version: release.version, range }
    }
  }
  return best !== undefined && best.version !== newest ? { ...best, unlikely: true } : best
}
