// A packument of 5,000 versions, parsed, decided, presented and rendered by the gate, against JSON.parse and JSON.stringify of it.
// Run: node test/bench/packument.ts [versions]
import { decideListing } from "../../src/gateway/front/decide-listing.ts"
import { presentVersions } from "../../src/gateway/present.ts"
import { npmProtocol } from "../../src/gateway/protocols/npm/index.ts"
import { affectedBy } from "../../src/packages/advisories/affects.ts"
import type { PackageRecord } from "../../src/packages/advisories/types.ts"
import { type AdvisoryLookup, factsOf } from "../../src/packages/facts.ts"
import { purlOf } from "../../src/packages/purl.ts"
import type { Dependency } from "../../src/packages/types.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { PackageAction } from "../../src/policy/types.ts"

const NAME = "bench-package"
const NOW = Date.UTC(2026, 10, 21)
const POLICY = `version: 1
packages:
  deny: { malware: true, severity: high, age: 3d, licenses: [AGPL-3.0-only], provenance: no-downgrade }
  ask: { install-scripts: true, licenses: [unknown] }
`
const ROUNDS = 15

/** A full document as large, for each version, as those of packages that publish often: about 2 KB a version. */
export function makePackument(count: number): Buffer {
  const versions: Record<string, unknown> = {}
  const time: Record<string, string> = { created: "2015-01-01T00:00:00.000Z", modified: "2026-11-20T00:00:00.000Z" }
  const person = { name: "maintainer", email: "maintainer@registry.example" }
  for (let index = 0; index < count; index++) {
    const version = `${Math.floor(index / 500)}.${Math.floor(index / 10) % 50}.${index % 10}`
    time[version] = new Date(NOW - (count - index) * 8 * 3_600_000).toISOString()
    versions[version] = {
      name: NAME,
      version,
      description: "A package that publishes as often as some do, described at the usual length",
      keywords: ["bench", "packument", "registry", "versions"],
      author: person,
      license: "MIT",
      _id: `${NAME}@${version}`,
      maintainers: [person, person],
      homepage: "https://registry.example/bench-package#readme",
      bugs: { url: "https://registry.example/bench-package/issues" },
      repository: { type: "git", url: "git+https://registry.example/bench-package.git" },
      dependencies: Object.fromEntries(
        Array.from({ length: 8 }, (_, n) => [`dependency-${n}`, `^${n}.${index % 7}.0`]),
      ),
      devDependencies: Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`tool-${n}`, `~${n}.1.${index % 5}`])),
      scripts: { test: "node --test", build: "node build.js" },
      engines: { node: ">=18" },
      exports: { ".": { import: "./index.mjs", require: "./index.cjs" } },
      gitHead: index.toString(16).padStart(40, "0"),
      _nodeVersion: "22.0.0",
      _npmVersion: "11.0.0",
      _npmUser: person,
      dist: {
        shasum: index.toString(16).padStart(40, "a"),
        tarball: `https://registry.example/${NAME}/-/${NAME}-${version}.tgz`,
        integrity: `sha512-${Buffer.alloc(64, version).toString("base64")}`,
        fileCount: 40,
        unpackedSize: 123_456,
        signatures: [{ keyid: `SHA256:${"k".repeat(43)}`, sig: "s".repeat(96) }],
      },
    }
  }
  const latest = Object.keys(versions).at(-1)
  return Buffer.from(JSON.stringify({ _id: NAME, _rev: "1-a", name: NAME, "dist-tags": { latest }, versions, time }))
}

/** Twenty advisories, as packages with a long history have: together they apply to half of all versions. */
const record: PackageRecord = {
  ecosystem: "npm",
  name: NAME,
  advisories: Array.from({ length: 20 }, (_, index) => ({
    id: `CVE-2026-${1000 + index}`,
    kind: "vulnerability",
    severity: "high",
    ranges: [{ introduced: `${index >> 2}.${(index % 4) * 12}.0`, fixed: `${index >> 2}.${(index % 4) * 12 + 12}.0` }],
  })),
}
const advisories: AdvisoryLookup = {
  affecting: (_ecosystem, _name, version) => affectedBy(record, version),
  covers: () => true,
}

const dependencyOf = (version: string): Dependency => ({
  purl: purlOf("npm", NAME, version),
  ecosystem: "npm",
  name: NAME,
  version,
  source: { kind: "registry", origin: "default" },
  integrity: [],
  dev: false,
  optional: false,
  peer: false,
  direct: false,
  key: version,
})

const actionFor = (version: string): PackageAction => ({
  kind: "package",
  purl: purlOf("npm", NAME, version),
  ecosystem: "npm",
  name: NAME,
  version,
  source: { kind: "registry", origin: "default" },
})

if (import.meta.main) {
  const body = makePackument(Number(process.argv[2] ?? 5000))
  const policy = loadPolicy(POLICY, "nanoguard.yaml")
  const spent = new Map<string, number[]>()
  const timed = <T>(step: string, run: () => T): T => {
    const start = performance.now()
    const result = run()
    spent.set(step, [...(spent.get(step) ?? []), performance.now() - start])
    return result
  }
  for (let round = 0; round < ROUNDS; round++) {
    timed("JSON.parse + JSON.stringify", () => JSON.stringify(JSON.parse(body.toString())))
    for (const form of ["full", "abbreviated"]) {
      timed(`gate, ${form}`, () => {
        const document = timed("  parse", () => npmProtocol.parse(body, NAME, `https://registry.example/${NAME}`))
        const known = timed("  facts of the document", () => npmProtocol.facts!(document, NOW))
        const versions = npmProtocol.versions(document)
        const facts = timed("  facts of versions", () => {
          const result = { ok: true as const, document: known }
          return new Map(versions.map((version) => [version, factsOf(dependencyOf(version), result, advisories, NOW)]))
        })
        const refused = timed("  decisions", () => {
          const factsFor = (version: string) => facts.get(version)!
          return decideListing({
            policy,
            now: NOW,
            ecosystem: "npm",
            versions,
            actionFor,
            factsFor,
            grantsFor: () => [],
          })
        })
        const tags = npmProtocol.tags(document)
        const presented = timed("  presentation", () =>
          presentVersions({ ecosystem: "npm", client: "pnpm", versions, refused, tags }),
        )
        timed(`  render, ${form}`, () =>
          npmProtocol
            .render(
              document,
              { kind: "listing", name: NAME, form },
              {
                ...presented,
                base: "http://127.0.0.1:4873/npm",
                client: "pnpm",
                blockedPath: (name, version, file) =>
                  `/-/blocked/vulnerability.severity/use-9.9.9/${name}/${version}/${file}`,
              },
            )
            .body.toString(),
        )
      })
    }
  }
  const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!
  const base = median(spent.get("JSON.parse + JSON.stringify")!)
  process.stdout.write(
    `Node ${process.version}, ${(body.length / 1e6).toFixed(1)} MB, medians of ${ROUNDS} rounds (wanted: at most 3 x)\n`,
  )
  for (const [step, values] of spent) {
    const time = median(values)
    process.stdout.write(
      `${step.padEnd(30)} ${time.toFixed(1).padStart(8)} ms ${(time / base).toFixed(2).padStart(6)} x\n`,
    )
  }
}
