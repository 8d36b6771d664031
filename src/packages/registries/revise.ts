// Adds what only single versions were asked for to a document.
import type { PackageDocument, ReleaseInfo } from "../types.ts"

/** The document with each wanted version that it has revised, one after the other; undefined leaves one as it is. */
export async function reviseReleases(
  document: PackageDocument,
  versions: readonly string[],
  revise: (release: ReleaseInfo) => Promise<ReleaseInfo | undefined>,
): Promise<PackageDocument> {
  const releases = new Map(document.releases)
  for (const version of new Set(versions)) {
    const release = releases.get(version)
    const revised = release && (await revise(release))
    if (revised !== undefined) releases.set(version, revised)
  }
  return { ...document, releases }
}
