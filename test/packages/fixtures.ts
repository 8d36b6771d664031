// Dependencies and registry documents for the tests of the evidence: small, literal, with one clock.

import type { AdvisoryLookup } from "../../src/packages/facts.ts"
import type { Dependency, PackageDocument, ReleaseInfo } from "../../src/packages/types.ts"
import type { Advisory } from "../../src/policy/types.ts"

export const NOW = Date.UTC(2026, 10, 1)
export const DAY = 86_400_000

/** A package of the default npm registry, with one hash; `fields` replace what the test is about. */
export function dependencyOf(name: string, version: string, fields: Partial<Dependency> = {}): Dependency {
  const ecosystem = fields.ecosystem ?? "npm"
  return {
    purl: `pkg:${ecosystem}/${name}@${version}`,
    ecosystem,
    name,
    version,
    source: { kind: "registry", origin: "default" },
    integrity: ["sha512-aaaa"],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key: `node_modules/${name}`,
    ...fields,
  }
}

/** A registry's document; releases are given oldest first and are published 100 days apart, the last 100 days ago. */
export function documentOf(
  name: string,
  releases: (Partial<ReleaseInfo> & { version: string })[],
  fields: Partial<PackageDocument> = {},
): PackageDocument {
  const dated = releases.map((release, index): ReleaseInfo => {
    const published = NOW - (releases.length - index) * 100 * DAY
    return {
      published,
      license: "MIT",
      installScripts: [],
      deprecated: false,
      provenance: "signed",
      publisher: "ana",
      ...release,
    }
  })
  return {
    ecosystem: "npm",
    name,
    releases: new Map(dated.map((release) => [release.version, release])),
    tags: { latest: dated.at(-1)!.version },
    maintainers: ["ana", "ben"],
    fetchedAt: NOW,
    ...fields,
  }
}

/** Advisories by `name@version`; covers npm and PyPI only. */
export function advisoriesOf(byVersion: Record<string, Advisory[]> = {}): AdvisoryLookup {
  const map = new Map(Object.entries(byVersion))
  return {
    affecting: (_, name, version) => map.get(`${name}@${version}`) ?? [],
    covers: (ecosystem) => ecosystem === "npm" || ecosystem === "pypi",
  }
}

export const HIGH: Advisory = { id: "GHSA-1", aliases: [], kind: "vulnerability", severity: "high", fixed: ["1.2.0"] }
export const MALWARE: Advisory = { id: "MAL-1", aliases: [], kind: "malware", fixed: [] }
