// Synthetic advisories, the same for the same seed: as many as OSV has, with the shapes that OSV has.

import { hashName } from "../../src/packages/advisories/format.ts"
import { mergePackage } from "../../src/packages/advisories/merge.ts"
import type { Finding } from "../../src/packages/advisories/normalize.ts"
import { normalizeOsv } from "../../src/packages/advisories/osv.ts"
import type { IndexInfo } from "../../src/packages/advisories/types.ts"
import { writeIndex } from "../../src/packages/advisories/write.ts"
import type { Ecosystem } from "../../src/policy/types.ts"

/** Mulberry32: small, seeded, good enough to make data with. Returns numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface SyntheticOptions {
  /** OSV records in all. */
  records: number
  /** Names of real or made-up packages: some of them get advisories, the rest of the records other names. */
  names: readonly string[]
  /** How many of the names get advisories; by default one in ten, as in real npm trees. */
  share?: number
  /** An OSV ecosystem name. */
  ecosystem?: string
  seed?: number
}

const SYLLABLES = ["ka", "lo", "mi", "ra", "to", "net", "js", "ui", "core", "pack", "lib", "io", "dev", "api", "max"]
const VECTORS = [
  "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
  "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
  "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N",
]

/** OSV records. Nine in ten are malware of one package and one version, as in OSV's npm export; the rest have ranges. */
export function* syntheticAdvisories(options: SyntheticOptions): Generator<Record<string, unknown>> {
  const { records, names, share = 0.1, ecosystem = "npm", seed = 1 } = options
  const random = seededRandom(seed)
  const int = (below: number) => Math.floor(random() * below)
  const version = () => `${int(9)}.${int(30)}.${int(30)}`
  const madeUp = (i: number) =>
    `${Array.from({ length: 2 + int(3) }, () => SYLLABLES[int(SYLLABLES.length)]).join("-")}-${i.toString(36)}`
  const vulnerable = names.filter(() => random() < share)
  for (let i = 0; i < records; i++) {
    const known = i < vulnerable.length * 2 ? vulnerable[i % vulnerable.length] : undefined
    const modified = `${2019 + int(7)}-0${1 + int(9)}-1${int(9)}T00:00:00Z`
    const details = "x".repeat(100 + int(400))
    const subject = { ecosystem, name: known ?? madeUp(i) }
    if (known === undefined && random() < 0.9) {
      const affected = [{ package: subject, versions: [version()], ranges: [] as unknown[] }]
      if (random() < 0.5) affected[0]!.ranges = [{ type: "SEMVER", events: [{ introduced: "0" }] }]
      yield { id: `MAL-2025-${i + 1}`, modified, details, affected }
    } else {
      const events = [
        { introduced: "0" },
        { fixed: `0.${int(3)}.${int(9)}` },
        { introduced: "1.0.0" },
        { fixed: "1.0.1" },
      ]
      yield {
        id: `GHSA-${i.toString(36).padStart(4, "2")}-synt-etic`,
        aliases: [`CVE-2025-${100000 + i}`],
        modified,
        details,
        severity: [{ type: "CVSS_V3", score: VECTORS[int(VECTORS.length)] }],
        affected: [{ package: subject, ranges: [{ type: "SEMVER", events }] }],
        database_specific: { severity: "MODERATE" },
      }
    }
  }
}

/** Writes an index of synthetic advisories, complete for its ecosystem; about 4 s for 250,000 records. */
export function writeSyntheticIndex(file: string, options: SyntheticOptions): IndexInfo {
  const byPackage = new Map<string, Finding[]>()
  let ecosystem: Ecosystem = "npm"
  for (const record of syntheticAdvisories(options)) {
    for (const finding of normalizeOsv(record).findings ?? []) {
      ecosystem = finding.ecosystem
      const list = byPackage.get(finding.name)
      if (list) list.push(finding)
      else byPackage.set(finding.name, [finding])
    }
  }
  const packages = [...byPackage.values()].map((findings) => ({
    hash: hashName(findings[0]!.ecosystem, findings[0]!.name),
    record: mergePackage(findings),
  }))
  return writeIndex(
    file,
    packages.sort((a, b) => a.hash - b.hash),
    {
      kind: "imported",
      created: "2026-01-01T00:00:00.000Z",
      asOf: "2025-12-31",
      newest: { [ecosystem]: "2025-12-31" },
      completeness: { [ecosystem]: "complete" },
      sources: [{ name: "synthetic", records: options.records, ecosystems: [ecosystem] }],
      unreadable: 0,
    },
  )
}
