// The snapshot that ships with nanoguard (scripts/advisories.ts builds it): where its index is.
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const SNAPSHOT_NAME = "advisories.idx"

/**
 * The path of the snapshot's index: beside the bundle or one directory up from its chunks; from the sources, in dist/.
 * Undefined where it was not built or not installed.
 */
export function findSnapshot(moduleUrl: string = import.meta.url): string | undefined {
  const places = moduleUrl.endsWith(".ts") ? [`../../../dist/${SNAPSHOT_NAME}`] : [SNAPSHOT_NAME, `../${SNAPSHOT_NAME}`]
  return places.map((place) => fileURLToPath(new URL(place, moduleUrl))).find((path) => existsSync(path))
}
