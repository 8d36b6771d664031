// Builds the snapshot of advisories that ships with the package: data/advisories/*.ndjson.gz -> advisories.idx.
import { chmodSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { importAdvisories } from "../src/packages/advisories/import.ts"
import { readPath } from "../src/packages/advisories/input/path.ts"
import { SNAPSHOT_NAME } from "../src/packages/advisories/snapshot.ts"
import type { IndexInfo } from "../src/packages/advisories/types.ts"

const DATA = join(import.meta.dirname, "../data/advisories")

/** The day on which data/advisories/ was put together. Not the clock: the same data gives the same bytes. */
const COLLECTED = Date.parse("2026-11-20")

/** Writes the index into `directory`, which exists. A record that cannot be read fails the build. */
export async function buildSnapshot(directory: string): Promise<IndexInfo> {
  const file = join(directory, SNAPSHOT_NAME)
  const names = readdirSync(DATA).filter((name) => name.endsWith(".ndjson.gz"))
  const sources = names.sort().map((name) => ({ name, read: () => readPath(join(DATA, name)) }))
  const { info, invalid } = await importAdvisories(file, sources, {
    kind: "snapshot",
    now: COLLECTED,
    completeness: "partial",
  })
  if (invalid.count > 0) throw new Error(`data/advisories: ${JSON.stringify(invalid.examples)}`)
  chmodSync(file, 0o644)
  return info
}
