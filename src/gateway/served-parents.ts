// Who wants a package, by what a run was served: a refusal about a dependency of a dependency must move the right one.
import type { PackageDocument } from "../packages/types.ts"
import { compareVersions, isPrerelease } from "../packages/versions.ts"
import type { Parent } from "./refused-graph.ts"

/** Packages of one run that are looked at, and parents of one package that are told. */
const MAX_SERVED = 5_000
const MAX_PARENTS = 20

/**
 * `documents` are those of the packages that the run asked for, with `requires`. Of each the version counts that the run took, or, before
 * it took any, the newest one: that is what a resolver most likely goes by.
 */
export function servedParents(
  documents: Iterable<PackageDocument>,
  taken: (name: string) => string | undefined,
): (name: string) => readonly Parent[] {
  const wants = new Map<string, Parent[]>()
  let left = MAX_SERVED
  for (const document of documents) {
    if (left-- <= 0) break
    const version = taken(document.name) ?? newestOf(document)
    const requires = version === undefined ? undefined : document.releases.get(version)?.requires
    if (version === undefined || requires === undefined) continue
    for (const [name, range] of Object.entries(requires)) {
      const known = wants.get(name) ?? []
      wants.set(name, known)
      if (name !== document.name && known.length < MAX_PARENTS) known.push({ name: document.name, version, range })
    }
  }
  return (name) => wants.get(name) ?? []
}

function newestOf({ ecosystem, releases }: PackageDocument): string | undefined {
  let newest: string | undefined
  for (const { version, yanked, deprecated } of releases.values()) {
    if (yanked || deprecated || isPrerelease(ecosystem, version)) continue
    if (newest === undefined || compareVersions(ecosystem, version, newest) > 0) newest = version
  }
  return newest
}
