// Every condition of the policy, from a lockfile on disk and a registry's answer to a row of the report.
import { describe, expect, it } from "vitest"
import { hashOf } from "../registry.ts"
import { findingsOf, policyOf, vetTree } from "./support.ts"

const vulnerable = (fields: object) => [
  {
    id: "GHSA-aaaa-bbbb-cccc",
    kind: "vulnerability" as const,
    ranges: [{ introduced: "0", fixed: "2.0.0" }],
    ...fields,
  },
]

describe("a condition refuses what it is about and lets the rest pass", () => {
  it.each([
    ["age: 3d", { age: 1 }, "release.too-new"],
    ["unmaintained: 2y", { age: 800 }, "release.unmaintained"],
    ["licenses: [AGPL-3.0-only]", { license: "AGPL-3.0-only" }, "license.denied"],
    ["licenses-except: [MIT]", { license: "ISC" }, "license.denied"],
    ["licenses: [unknown]", { license: null }, "license.unknown"],
    ["install-scripts: true", { scripts: { postinstall: "node x.js" } }, "script.unapproved"],
    ["deprecated: true", { deprecated: "use another" }, "release.deprecated"],
    ["provenance: required", {}, "provenance.missing"],
    ["integrity: missing", {}, "integrity.mismatch"],
  ])("%s", async (condition, release, code) => {
    const { report, found, missing } = await vetTree({
      policy: policyOf(`deny: { ${condition} }`),
      packages: {
        bad: code === "integrity.mismatch" ? { version: "1.0.0", integrity: hashOf("other", "1.0.0") } : "1.0.0",
        good: "1.0.0",
      },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": release })
        npm("good", { "1.0.0": { attested: true } })
      },
    })
    expect(found).toEqual({ "bad@1.0.0": `deny ${code}` })
    expect(missing).toEqual({})
    expect(report.counts).toEqual({ packages: 2, allow: 1, ask: 0, deny: 1, excepted: 0, observed: 0 })
  })

  it("integrity: a lockfile entry without a hash", async () => {
    const { found } = await vetTree({
      policy: policyOf("deny: { integrity: missing }"),
      packages: { bad: { version: "1.0.0", integrity: undefined }, good: "1.0.0" },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": {} })
        npm("good", { "1.0.0": {} })
      },
    })
    expect(found).toEqual({ "bad@1.0.0": "deny integrity.missing" })
  })

  it("a mismatch of hashes is refused without any rule about it, and in an observe policy too", async () => {
    const { found, report } = await vetTree({
      policy: policyOf("deny: { deprecated: true }", "mode: observe\n"),
      packages: { bad: { version: "1.0.0", integrity: hashOf("other", "1.0.0") }, old: "1.0.0" },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": {} })
        npm("old", { "1.0.0": { deprecated: "yes" } })
      },
    })
    expect(found).toEqual({ "bad@1.0.0": "deny integrity.mismatch", "old@1.0.0": "deny release.deprecated" })
    expect(report.counts).toEqual({ packages: 2, allow: 1, ask: 0, deny: 1, excepted: 0, observed: 1 })
    expect(report.rows.map(({ verdict }) => verdict.mode)).toEqual(["enforce", "observe"])
  })

  it("provenance: no-downgrade", async () => {
    const { found } = await vetTree({
      policy: policyOf("deny: { provenance: no-downgrade }"),
      packages: { bad: "2.0.0", good: "1.0.0" },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": { age: 200, attested: true }, "2.0.0": {} })
        npm("good", { "1.0.0": {}, "2.0.0": {} })
      },
    })
    expect(found["bad@2.0.0"]).toBe("deny provenance.downgrade")
  })

  it("publisher-changed", async () => {
    const { found } = await vetTree({
      policy: policyOf("deny: { publisher-changed: true }"),
      packages: { bad: "1.0.1", good: "1.0.1" },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": { age: 200, publisher: "ana" }, "1.0.1": { publisher: "mallory" } })
        npm("good", { "1.0.0": { age: 200 }, "1.0.1": {} })
      },
    })
    expect(found).toEqual({ "bad@1.0.1": "deny publisher.changed" })
  })

  it("nonexistent: a name and a version that the registry does not have", async () => {
    const { found } = await vetTree({
      policy: policyOf("deny: { nonexistent: true }"),
      packages: { "made-up-by-a-model": "1.0.0", good: "9.9.9" },
      prepare: ({ npm }) => npm("good", { "1.0.0": {} }),
    })
    expect(found).toEqual({ "made-up-by-a-model@1.0.0": "deny name.unknown", "good@9.9.9": "deny name.unknown" })
  })

  it("lookalikes, with the name that was meant", async () => {
    const { found, report } = await vetTree({
      policy: policyOf("deny: { lookalikes: true }"),
      packages: { minimtach: "1.0.0", minimatch: "9.0.0" },
    })
    expect(found).toEqual({ "minimtach@1.0.0": "deny name.lookalike" })
    expect(report.rows[0]?.verdict.evidence[0]).toMatchObject({ kind: "lookalike", of: "minimatch" })
  })

  it("score", async () => {
    const { found, report } = await vetTree({
      policy: policyOf("deny: { score: 50 }"),
      packages: { bad: "1.0.0", lodash: "4.17.21" },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": { age: 0.1, license: null, scripts: { install: "x" }, deprecated: "x" } })
        npm("lodash", { "4.17.19": { age: 2000 }, "4.17.20": { age: 1000 }, "4.17.21": { age: 100 } })
      },
    })
    expect(found).toEqual({ "bad@1.0.0": "deny trust.score" })
    // Every point is accounted for.
    const { trust, verdict } = report.rows[0]!
    expect(trust!.factors.reduce((sum, { points }) => sum + points, 0)).toBe(trust!.score)
    expect(trust!.factors.map(({ name }) => name)).toContain("version-age")
    expect(verdict.evidence[0]).toMatchObject({ kind: "score", score: trust!.score })
  })

  it.each([
    ["severity: high", { severity: "high" as const }, "vulnerability.severity"],
    ["severity: high", {}, "vulnerability.severity"],
    ["cvss: 9", { cvss: 9.8 }, "vulnerability.cvss"],
  ])("%s with %j", async (condition, advisory, code) => {
    const { found, report } = await vetTree({
      policy: policyOf(`deny: { ${condition} }`),
      packages: { bad: "1.9.9", mild: "1.0.0", mended: "2.0.0" },
      advisories: {
        bad: vulnerable(advisory),
        mild: vulnerable({ severity: "low", cvss: 2 }),
        mended: vulnerable(advisory),
      },
    })
    expect(found).toEqual({ "bad@1.9.9": `deny ${code}` })
    expect(report.rows[0]?.verdict.evidence[0]).toMatchObject({ id: "GHSA-aaaa-bbbb-cccc", fixed: ["2.0.0"] })
  })

  it("malware is refused with an empty policy, with an exception, and in observe mode", async () => {
    const malware = { bad: [{ id: "MAL-2026-1", kind: "malware" as const, versions: ["1.0.0"] }] }
    const exception = `exceptions:\n  - { allow: pkg:npm/bad, of: vulnerability.severity, owner: ana@acme.example, reason: no, expires: 2027-01-01 }`
    for (const policy of ["version: 1\n", policyOf(exception), policyOf(exception, "mode: observe\n")]) {
      const { found, report } = await vetTree({ policy, packages: { bad: "1.0.0" }, advisories: malware })
      expect(found).toEqual({ "bad@1.0.0": "deny malware.known" })
      expect(report.counts.deny).toBe(1)
    }
  })

  it("yanked releases and source archives of a Python index", async () => {
    const { found } = await vetTree({
      policy: policyOf("deny: { yanked: true }\nask: { install-scripts: true }"),
      files: { "requirements.txt": "bad==1.0\ngood==1.0\nbuilt==1.0\n" },
      prepare: ({ pypi }) => {
        pypi("bad", { "1.0": { yanked: true } })
        pypi("good", { "1.0": {} })
        pypi("built", { "1.0": { sdist: true } })
      },
    })
    expect(found).toEqual({ "bad@1.0": "deny release.yanked", "built@1.0": "ask script.unapproved" })
  })

  it("rules by name and version, deny before ask before allow", async () => {
    const rules = `rules:
  - { id: no-bad, deny: pkg:npm/bad, versions: "<2", reason: it is bad, instead: pkg:npm/good }
  - { id: see, ask: "pkg:npm/@acme/*" }
  - { id: let, allow: pkg:npm/bad }`
    const { found, report } = await vetTree({
      policy: policyOf(rules, "default: deny\n"),
      packages: { bad: "1.0.0", good: "1.0.0", "@acme/x": "1.0.0" },
      prepare: ({ npm }) => npm("good", { "1.0.0": {} }),
    })
    expect(findingsOf(report)).toEqual(found)
    expect(found).toEqual({
      "bad@1.0.0": "deny package.denied",
      "good@1.0.0": "deny policy.default",
      "@acme/x@1.0.0": "ask package.approval",
    })
    expect(report.rows.map(({ verdict }) => verdict.effect)).toEqual(["deny", "deny", "ask"])
  })
})
