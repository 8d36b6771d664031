// Addresses of files in Python lockfiles. An installer fetches these, whatever index the entry names, so they are vetted too.
import type { Dependency } from "../types.ts"
import { countOf } from "./entries.ts"
import { webAddress } from "./origins.ts"

/** An entry from an index and the addresses of its files. */
export interface Artifacts {
  entry: Dependency
  urls: readonly string[]
}

/**
 * Turns entries whose files lie elsewhere than their index keeps its files into entries from a URL. Which host that is no
 * lockfile says: the index's own is one, and else the host of most of the files from the same index. Where every address was
 * changed alike nothing stands out; the hash against the registry's own tells then.
 */
export function checkArtifacts(
  artifacts: readonly Artifacts[],
  indexOf: (entry: Dependency) => URL | undefined,
  warnings: string[],
): void {
  const groups = new Map<string, Artifacts[]>()
  for (const artifact of artifacts) {
    if (artifact.entry.source.kind !== "registry" || artifact.urls.length === 0) continue
    const group = groups.get(artifact.entry.source.origin)
    if (group === undefined) groups.set(artifact.entry.source.origin, [artifact])
    else group.push(artifact)
  }
  let strange = 0
  for (const group of groups.values()) {
    const index = indexOf(group[0]!.entry)?.origin
    const usual = commonOrigin(group, index)
    for (const { entry, urls } of group) {
      const stray = urls.find((url) => {
        const origin = webAddress(url)?.origin
        return origin === undefined || (origin !== usual && origin !== index)
      })
      if (stray === undefined) continue
      entry.source = { kind: "url", url: webAddress(stray)?.href ?? "" }
      strange++
    }
  }
  if (strange > 0)
    warnings.push(`${countOf(strange, "package")} with files from another host than the others of the same index`)
}

/** The origin of most files other than the index itself, over https; undefined where two are equally frequent. */
function commonOrigin(group: readonly Artifacts[], index: string | undefined): string | undefined {
  const counts = new Map<string, number>()
  for (const { urls } of group) {
    for (const origin of new Set(urls.map((url) => webAddress(url)?.origin))) {
      if (origin === undefined || origin === index || (index?.startsWith("https:") && !origin.startsWith("https:")))
        continue
      counts.set(origin, (counts.get(origin) ?? 0) + 1)
    }
  }
  const [first, second] = [...counts].sort((a, b) => b[1] - a[1])
  return first !== undefined && first[1] !== second?.[1] ? first[0] : undefined
}
