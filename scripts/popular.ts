// Indexes the lists of well-known names (data/popular) into the bundle's folder.
import { readFileSync, writeFileSync } from "node:fs"
import { buildNameIndex, encodeNameIndex } from "../src/packages/nameIndex.ts"

/** Writes one index an ecosystem into `directory`; src/packages/popular.ts reads them there. */
export function buildPopular(directory: string): void {
  for (const ecosystem of ["npm", "pypi", "cargo", "golang"] as const) {
    const list = readFileSync(`data/popular/${ecosystem}.txt`)
    writeFileSync(`${directory}/popular-${ecosystem}.idx`, encodeNameIndex(buildNameIndex(ecosystem, list)))
  }
}
