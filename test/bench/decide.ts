// Decisions a second with 100 and with 10,000 rules: package and network actions mixed, hits and misses, as a table.
// Run: node test/bench/decide.ts
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { Action, DecisionEvidence, PackageFacts } from "../../src/policy/types.ts"

const now = Date.UTC(2026, 10, 21)
const facts: PackageFacts = {
  exists: true,
  published: now - 40 * 86_400_000,
  lastRelease: now - 40 * 86_400_000,
  license: "MIT",
  installScripts: [],
  deprecated: false,
  yanked: false,
  provenance: "signed",
  provenanceBefore: "signed",
  publisherChanged: false,
  integrity: "match",
  advisories: [],
  lookalike: null,
  score: 80,
}

/** A policy of `count` rules: half on packages by name, half on hosts, and every usual condition. */
export function policyText(count: number): string {
  const half = count / 2
  const lines = [
    "version: 1",
    "packages:",
    "  deny: { malware: true, severity: high, age: 3d, licenses: [AGPL-3.0-only], score: 40, sources: [git, url], provenance: no-downgrade }",
    "  ask: { install-scripts: true, licenses: [unknown] }",
    "  rules:",
  ]
  for (let index = 0; index < half; index++) {
    const kind = index % 10
    if (kind === 0) lines.push(`    - { id: p${index}, ask: "pkg:npm/@scope${index}/*" }`)
    else if (kind === 1) lines.push(`    - { id: p${index}, allow: pkg:pypi/name-${index} }`)
    else lines.push(`    - { id: p${index}, deny: pkg:npm/name-${index}, versions: ">=1.0.0 <2.0.0" }`)
  }
  lines.push("network:")
  for (let index = 0; index < half; index++) {
    const kind = index % 10
    if (kind === 0) lines.push(`  - { id: n${index}, allow: "**.deep${index}.example" }`)
    else if (kind === 1) lines.push(`  - { id: n${index}, deny: "*.flat${index}.example" }`)
    else if (kind === 2)
      lines.push(`  - { id: n${index}, ask: host${index}.example, methods: [POST, PUT], paths: [/repos/*/merges] }`)
    else lines.push(`  - { id: n${index}, allow: host${index}.example, methods: [GET] }`)
  }
  return lines.join("\n")
}

/** A thousand pairs of an action and what is known about it, spread over the rules. */
export function workload(count: number): [Action, DecisionEvidence][] {
  const half = count / 2
  const source = { kind: "registry", origin: "default" } as const
  return Array.from({ length: 1000 }, (_, position): [Action, DecisionEvidence] => {
    const index = (position * 7919) % half
    switch (position % 6) {
      case 0:
        return [
          {
            kind: "package",
            purl: `pkg:npm/name-${index}@1.5.0`,
            ecosystem: "npm",
            name: `name-${index}`,
            version: "1.5.0",
            source,
          },
          { now, facts },
        ]
      case 1:
        return [
          {
            kind: "package",
            purl: `pkg:npm/other-${index}@3.0.0`,
            ecosystem: "npm",
            name: `other-${index}`,
            version: "3.0.0",
            source,
          },
          { now, facts },
        ]
      case 2:
        return [
          {
            kind: "package",
            purl: `pkg:pypi/name-${index}@2.0`,
            ecosystem: "pypi",
            name: `name-${index}`,
            version: "2.0",
            source,
          },
          { now, facts },
        ]
      case 3:
        return [
          {
            kind: "network",
            method: "GET",
            scheme: "https",
            host: `host${index}.example`,
            port: 443,
            path: "/v1/items",
          },
          { now },
        ]
      case 4:
        return [
          {
            kind: "network",
            method: "POST",
            scheme: "https",
            host: `a.b.deep${index - (index % 10)}.example`,
            port: 443,
            path: "/v1",
          },
          { now },
        ]
      default:
        return [
          {
            kind: "network",
            method: "POST",
            scheme: "https",
            host: `unknown${position}.example`,
            port: 443,
            path: "/",
          },
          { now },
        ]
    }
  })
}

if (import.meta.main) {
  process.stdout.write(`Node ${process.version}\n\nrules    load        decisions/s   wanted\n`)
  for (const [count, wanted] of [
    [100, 1_000_000],
    [10_000, 300_000],
  ] as const) {
    const started = performance.now()
    const policy = loadPolicy(policyText(count), "nanoguard.yaml")
    const loaded = performance.now() - started
    const actions = workload(count)
    let best = 0
    for (let round = 0; round < 8; round++) {
      const start = performance.now()
      for (let repeat = 0; repeat < 300; repeat++) {
        for (const [action, evidence] of actions) decide(policy, action, evidence)
      }
      best = Math.max(best, (300 * actions.length) / ((performance.now() - start) / 1000))
    }
    process.stdout.write(
      `${String(count).padEnd(8)} ${`${loaded.toFixed(0)} ms`.padEnd(11)} ${Math.round(best).toLocaleString("en").padEnd(13)} ${wanted.toLocaleString("en")}\n`,
    )
  }
}
