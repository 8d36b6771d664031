import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { smallestChange } from "../../src/policy/change.ts"
import { decide } from "../../src/policy/decide.ts"
import { explain } from "../../src/policy/explain.ts"
import { loadLayers, loadPolicy } from "../../src/policy/load.ts"
import type { DecisionEvidence } from "../../src/policy/types.ts"
import { actions, facts, policyData } from "./arbitraries.ts"
import { action, FINE, NOW } from "./support.ts"

const POLICY = `version: 1
# why we are careful
packages:
  deny: { severity: high, age: 3d }
  ask:
    install-scripts: true
  exceptions:
    - { allow: pkg:npm/esbuild, of: script.unapproved, owner: ana, reason: its binary, expires: 2026-12-31 } # soon gone
network:
  - { id: read, allow: api.example, methods: [GET] }
  - id: write
    ask: api.example
    methods: [POST]
`

const explained = (subject: string, evidence: Partial<DecisionEvidence> = {}) =>
  explain(loadPolicy(POLICY, "nanoguard.yaml"), action(subject), { now: NOW, facts: FINE, ...evidence })

describe("explain", () => {
  it("says of every rule why it missed, in the first field that differs", () => {
    expect(explained("DELETE https://api.example/x").rules).toEqual([
      { rule: "network.default (built-in)", effect: "deny", code: "network.host-denied", outcome: "decided" },
      {
        rule: "read (nanoguard.yaml:10:5)",
        effect: "allow",
        code: "network.allowed",
        outcome: "missed",
        differs: { field: "method", wanted: "GET", actual: "DELETE" },
      },
      {
        rule: "write (nanoguard.yaml:11:5)",
        effect: "ask",
        code: "network.approval",
        outcome: "missed",
        differs: { field: "method", wanted: "POST", actual: "DELETE" },
      },
    ])
  })
  it("says what is unknown, what matched and which exceptions were considered", () => {
    const { rules, exceptions } = explained("pkg:npm/left-pad@1.0.0", {
      facts: {
        ...FINE,
        installScripts: ["install"],
        advisories: [{ id: "GHSA-1", aliases: [], kind: "vulnerability", severity: "low", cvss: 3.1, fixed: [] }],
        missing: {},
        published: undefined as never,
      },
    })
    expect(rules).toEqual([
      {
        rule: "packages.ask.install-scripts (nanoguard.yaml:6:5)",
        effect: "ask",
        code: "script.unapproved",
        outcome: "decided",
      },
      { rule: "packages.unknown (built-in)", effect: "ask", code: "evidence.missing", outcome: "matched" },
      {
        rule: "packages.deny.age (nanoguard.yaml:4:27)",
        effect: "deny",
        code: "release.too-new",
        outcome: "unknown",
        differs: { field: "published", wanted: '"3d"', actual: "missing: not-collected" },
      },
      {
        rule: "packages.deny.severity (nanoguard.yaml:4:11)",
        effect: "deny",
        code: "vulnerability.severity",
        outcome: "missed",
        differs: { field: "severity", wanted: '"high"', actual: "GHSA-1 low 3.1" },
      },
    ])
    expect(exceptions).toEqual([
      {
        rule: "packages.exceptions[0] (nanoguard.yaml:8:7)",
        subject: "pkg:npm/esbuild",
        of: "script.unapproved",
        expires: "2026-12-31",
        outcome: "missed",
        differs: { field: "package", wanted: "pkg:npm/esbuild", actual: "pkg:npm/left-pad@1.0.0" },
      },
    ])
  })
  it("shows what an exception lifted", () => {
    const { rules, exceptions, verdict } = explained("pkg:npm/esbuild@1.0.0", {
      facts: { ...FINE, installScripts: ["install"] },
    })
    expect(verdict.effect).toBe("allow")
    expect(exceptions[0]?.outcome).toBe("applied")
    expect(rules.find(({ code }) => code === "script.unapproved")?.outcome).toBe("lifted")
  })
  it("agrees with decide on everything", () => {
    fc.assert(
      fc.property(policyData("r"), actions, facts, (data, subject, known) => {
        const policy = loadPolicy(JSON.stringify(data), "p.yaml")
        const evidence = { now: NOW, facts: known }
        const { verdict, rules } = explain(policy, subject, evidence)
        expect(verdict).toEqual(decide(policy, subject, evidence))
        const decided = rules.filter(({ outcome }) => outcome === "decided")
        expect(decided.map(({ rule, code, effect }) => ({ rule, code, effect }))).toEqual([
          { rule: verdict.rule, code: verdict.code, effect: verdict.effect },
        ])
      }),
      { numRuns: 60 },
    )
  })
})

const change = (policy: string, subject: string, evidence: Partial<DecisionEvidence> = {}) =>
  smallestChange([{ text: policy, file: "nanoguard.yaml" }], action(subject), { now: NOW, facts: FINE, ...evidence })

describe("the smallest change", () => {
  test.each<[string, string, string, Partial<DecisionEvidence>, { line: number; removed: string[]; added: string[] }]>([
    [
      "adds a rule to a block list",
      POLICY,
      "GET https://new.example/",
      {},
      { line: 14, removed: [], added: ["  - { id: allow-new-example, allow: new.example, methods: [GET] }"] },
    ],
    [
      "changes one word of the rule that decided",
      POLICY,
      "POST https://api.example/",
      {},
      { line: 12, removed: ["    ask: api.example"], added: ["    allow: api.example"] },
    ],
    [
      "turns an allow round as well",
      POLICY,
      "GET https://api.example/",
      {},
      {
        line: 10,
        removed: ["  - { id: read, allow: api.example, methods: [GET] }"],
        added: ["  - { id: read, deny: api.example, methods: [GET] }"],
      },
    ],
    [
      "adds an exception after those that are there",
      POLICY,
      "pkg:npm/sharp@0.33.0",
      { facts: { ...FINE, installScripts: ["install"] } },
      {
        line: 9,
        removed: [],
        added: [
          '    - { allow: pkg:npm/sharp, versions: "=0.33.0", of: script.unapproved, owner: "you@example.com", reason: why it is acceptable, expires: 2026-12-21 }',
        ],
      },
    ],
    [
      "names the advisories it accepts",
      "version: 1\npackages: { deny: { severity: high } }\n",
      "pkg:pypi/django@4.2",
      {
        facts: {
          ...FINE,
          advisories: [{ id: "PYSEC-1", aliases: [], kind: "vulnerability", severity: "high", fixed: [] }],
        },
      },
      {
        line: 2,
        removed: ["packages: { deny: { severity: high } }"],
        added: [
          'packages: { deny: { severity: high }, exceptions: [ { allow: pkg:pypi/django, versions: "==4.2", of: vulnerability.severity, advisories: [PYSEC-1], owner: "you@example.com", reason: why it is acceptable, expires: 2026-12-21 } ] }',
        ],
      },
    ],
    [
      "opens a section",
      "version: 1",
      "mcp:github/push",
      {},
      { line: 2, removed: [], added: ["mcp:", "  - { id: deny-github, deny: github/push }"] },
    ],
    [
      "fills an empty list",
      "version: 1\nnetwork:\n  []\n",
      "GET https://x.example:8443/",
      {},
      {
        line: 3,
        removed: ["  []"],
        added: ["  [ { id: allow-x-example, allow: x.example, methods: [GET], ports: [8443] } ]"],
      },
    ],
  ])("%s", (_, policy, subject, evidence, expected) => {
    const found = change(policy, subject, evidence)
    expect(found && { line: found.line, removed: found.removed, added: found.added }).toEqual(expected)
  })

  it("adds one exception for each finding", () => {
    const found = change("version: 1\npackages:\n  deny: { deprecated: true, yanked: true }\n", "pkg:npm/x@1.0.0", {
      facts: { ...FINE, deprecated: true, yanked: true },
    })
    expect(found?.added).toHaveLength(3)
    expect(found?.verdict.effect).toBe("allow")
  })

  test.each<[string, string, Partial<DecisionEvidence>]>([
    ["a floor", "GET https://10.0.0.1/", {}],
    [
      "malware",
      "pkg:npm/x@1.0.0",
      { facts: { ...FINE, advisories: [{ id: "M", aliases: [], kind: "malware", fixed: [] }] } },
    ],
    ["a kill", "GET https://api.example/", { killed: true }],
  ])("is not there for %s", (_, subject, evidence) => {
    expect(change(POLICY, subject, evidence)).toBeUndefined()
  })
  it("is not there for a deny of the organisation", () => {
    const texts = [
      { text: "version: 1\npackages: { rules: [{ id: a, deny: pkg:npm/x }] }", file: "org:nanoguard.yaml" },
      { text: "version: 1", file: "nanoguard.yaml" },
    ]
    expect(smallestChange(texts, action("pkg:npm/x@1.0.0"), { now: NOW, facts: FINE })).toBeUndefined()
  })

  it("does what it says on any policy, and touches nothing else", () => {
    let proposed = 0
    fc.assert(
      fc.property(policyData("r"), actions, facts, (data, subject, known) => {
        const text = JSON.stringify(data, null, 2)
        const evidence = { now: NOW, facts: known }
        const found = smallestChange([{ text, file: "nanoguard.yaml" }], subject, evidence)
        if (!found) return
        proposed++
        const lines = text.split("\n")
        lines.splice(found.line - 1, found.removed.length, ...found.added)
        const before = decide(loadPolicy(text, "nanoguard.yaml"), subject, evidence)
        const after = decide(loadLayers([{ text: lines.join("\n"), file: "nanoguard.yaml" }]), subject, evidence)
        expect(after.effect).toBe(before.effect === "allow" ? "deny" : "allow")
        expect(after).toEqual(found.verdict)
      }),
      { numRuns: 50 },
    )
    expect(proposed).toBeGreaterThan(10)
  })
})

describe("the smallest change of a rule that opens something", () => {
  it.each(["addresses: [10.0.0.1]", "inspect: false"])("%s: a deny beside it", (more) => {
    const text = `version: 1\nnetwork:\n  - { id: db, allow: db.example.com, ${more} }\n`
    const texts = [{ text, file: "nanoguard.yaml" }]
    const change = smallestChange(texts, action("GET https://db.example.com/"), { now: NOW, counters: {} })
    expect(change).toMatchObject({ removed: [], verdict: { effect: "deny", code: "network.host-denied" } })
    expect(change?.added.join()).toContain("deny: db.example.com")
  })
})
