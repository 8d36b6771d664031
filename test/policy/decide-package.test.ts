import { describe, expect, it, test } from "vitest"
import type { Advisory, PackageAction, PackageFacts } from "../../src/policy/types.ts"
import { action, answer, ask, DAY, FINE, NOW } from "./support.ts"

const P = "pkg:npm/left-pad@1.3.0"
const advisory = (fields: Partial<Advisory>): Advisory => ({
  id: "GHSA-aaaa-bbbb-cccc",
  aliases: [],
  kind: "vulnerability",
  fixed: [],
  ...fields,
})
const one = (fields: Partial<Advisory>): PackageFacts => ({ ...FINE, advisories: [advisory(fields)] })

describe("conditions", () => {
  const table: [condition: string, facts: Partial<PackageFacts>, expected: string][] = [
    ["malware: true", { advisories: [advisory({ kind: "malware" })] }, "malware.known"],
    ["severity: high", { advisories: [advisory({ severity: "high" })] }, "vulnerability.severity"],
    ["severity: high", { advisories: [advisory({ severity: "critical" })] }, "vulnerability.severity"],
    ["severity: high", { advisories: [advisory({ severity: "medium" })] }, "fine"],
    ["severity: high", { advisories: [advisory({})] }, "vulnerability.severity"],
    ["severity: critical", { advisories: [advisory({})] }, "fine"],
    ["cvss: 9.0", { advisories: [advisory({ cvss: 9 })] }, "vulnerability.cvss"],
    ["cvss: 9.0", { advisories: [advisory({ cvss: 8.9 })] }, "fine"],
    // Without a score the highest that its severity can mean counts; a severity that nobody stated is high.
    ["cvss: 9.0", { advisories: [advisory({})] }, "fine"],
    ["cvss: 7.0", { advisories: [advisory({})] }, "vulnerability.cvss"],
    ["cvss: 9.0", { advisories: [advisory({ severity: "critical" })] }, "vulnerability.cvss"],
    ["cvss: 8.0", { advisories: [advisory({ severity: "high" })] }, "vulnerability.cvss"],
    ["cvss: 7.0", { advisories: [advisory({ severity: "medium" })] }, "fine"],
    ["cvss: 9.0", { advisories: [advisory({ severity: "critical", cvss: 8.9 })] }, "fine"],
    ["age: 3d", { published: NOW - 2 * DAY }, "release.too-new"],
    ["age: 3d", { published: NOW - 3 * DAY }, "fine"],
    ["age: 3d", { published: NOW + DAY }, "release.too-new"],
    ["age: 3d", { published: Number.NaN }, "release.too-new"],
    ["unmaintained: 2y", { lastRelease: NOW - 731 * DAY }, "release.unmaintained"],
    ["unmaintained: 2y", { lastRelease: NOW - 730 * DAY }, "fine"],
    ["deprecated: true", { deprecated: true }, "release.deprecated"],
    ["deprecated: true", { deprecated: false }, "fine"],
    ["yanked: true", { yanked: true }, "release.yanked"],
    ["licenses: [AGPL-3.0-only]", { license: "AGPL-3.0-only" }, "license.denied"],
    ["licenses: [AGPL-3.0-only]", { license: "" }, "fine"],
    ["licenses: [unknown]", { license: "" }, "license.unknown"],
    ["licenses: [unknown]", { license: "SEE LICENSE IN LICENSE.md" }, "license.unknown"],
    ["licenses-except: [MIT, ISC]", { license: "ISC" }, "fine"],
    ["licenses-except: [MIT, ISC]", { license: "Apache-2.0" }, "license.denied"],
    ["licenses-except: [MIT, ISC]", { license: "" }, "license.unknown"],
    ["licenses-except: [MIT, unknown]", { license: "" }, "fine"],
    ["install-scripts: true", { installScripts: ["postinstall"] }, "script.unapproved"],
    ["install-scripts: true", { installScripts: [] }, "fine"],
    ["integrity: missing", { integrity: "none" }, "integrity.missing"],
    ["integrity: missing", { integrity: "match" }, "fine"],
    ["provenance: required", { provenance: "signed" }, "provenance.missing"],
    ["provenance: required", { provenance: "attested" }, "fine"],
    ["provenance: no-downgrade", { provenance: "signed", provenanceBefore: "attested" }, "provenance.downgrade"],
    ["provenance: no-downgrade", { provenance: "attested", provenanceBefore: "verified" }, "fine"],
    ["provenance: no-downgrade", { provenance: "none", provenanceBefore: "signed" }, "provenance.downgrade"],
    ["publisher-changed: true", { publisherChanged: true }, "publisher.changed"],
    ["lookalikes: true", { lookalike: { of: "left-pad", how: "edit" } }, "name.lookalike"],
    ["lookalikes: true", { lookalike: null }, "fine"],
    ["nonexistent: true", { exists: false }, "name.unknown"],
    ["score: 40", { score: 39 }, "trust.score"],
    ["score: 40", { score: 40 }, "fine"],
  ]
  for (const effect of ["deny", "ask"] as const) {
    test.each(table)(`${effect}: { %s } on %j gives %s`, (condition, facts, expected) => {
      const found = answer(`packages: { ${effect}: { ${condition} } }`, P, { facts: { ...FINE, ...facts } })
      const wanted = expected === "malware.known" ? "deny malware.known" : `${effect} ${expected}`
      expect(found).toBe(expected === "fine" ? "allow policy.default" : wanted)
    })
  }

  const from = (source: PackageAction["source"]): PackageAction => ({ ...(action(P) as PackageAction), source })
  const registries = "registries: [{ upstream: https://registry.example/npm/ }]"
  test.each<[PackageAction["source"], string]>([
    [{ kind: "git", url: "https://git.example/x.git" }, "deny source.unverified"],
    [{ kind: "url", url: "https://files.example/x.tgz" }, "deny source.unverified"],
    [{ kind: "file", path: "../x" }, "deny source.unverified"],
    [{ kind: "registry", origin: "https://evil.example" }, "deny source.unverified"],
    [{ kind: "registry", origin: "https://registry.example/npmx" }, "deny source.unverified"],
    [{ kind: "registry", origin: "https://registry.example/npm" }, "allow policy.default"],
    [{ kind: "registry", origin: "HTTPS://REGISTRY.example:443/npm/left-pad" }, "allow policy.default"],
    [{ kind: "registry", origin: "default" }, "allow policy.default"],
    [{ kind: "workspace", path: "packages/x" }, "allow policy.default"],
  ])("sources: %j gives %s", (source, expected) => {
    expect(
      answer(`packages: { deny: { sources: [git, url, file, other-registry] }, ${registries} }`, from(source)),
    ).toBe(expected)
  })

  test.each<[string, PackageAction["source"], string]>([
    ["pkg:npm/%40acme/tool@1.0.0", { kind: "registry", origin: "default" }, "deny source.unverified"],
    [
      "pkg:npm/%40acme/tool@1.0.0",
      { kind: "registry", origin: "https://registry.example/acme" },
      "allow policy.default",
    ],
    ["pkg:npm/%40acme/tool@1.0.0", { kind: "git", url: "https://git.example/x" }, "deny source.unverified"],
    ["pkg:npm/%40acme/tool@1.0.0", { kind: "workspace", path: "packages/tool" }, "allow policy.default"],
    ["pkg:npm/%40acme-evil/tool@1.0.0", { kind: "registry", origin: "default" }, "allow policy.default"],
  ])("a pinned scope: %s from %j gives %s", (purl, source, expected) => {
    const policy = 'packages: { registries: [{ scope: "@acme/*", upstream: https://registry.example/acme }] }'
    const facts: PackageFacts = { ...FINE, integrity: "none" }
    expect(answer(policy, { ...(action(purl) as PackageAction), source }, { facts })).toBe(expected)
  })

  test("a pinned scope without an address: the upstream's own hash is as good, a hash nobody compared is not", () => {
    const policy = 'packages: { registries: [{ scope: "@acme/*", upstream: https://registry.example/acme }] }'
    const tool = action("pkg:npm/%40acme/tool@1.0.0") as PackageAction
    const unstated = { ...tool, source: { kind: "registry" as const, origin: "default" } }
    const elsewhere = { ...tool, source: { kind: "registry" as const, origin: "https://other.example" } }
    expect(answer(policy, unstated, { facts: { ...FINE, integrity: "match" } })).toBe("allow policy.default")
    expect(answer(policy, unstated, { facts: { ...FINE, integrity: "present" } })).toBe("deny source.unverified")
    expect(answer(policy, elsewhere, { facts: { ...FINE, integrity: "match" } })).toBe("deny source.unverified")
  })
})

describe("rules by name", () => {
  const policy = `
packages:
  rules:
    - { id: range, deny: pkg:npm/event-stream, versions: ">=3.3.6 <4", reason: compromised, instead: pkg:npm/highland@2.13.5 }
    - { id: exact, deny: pkg:npm/ua-parser-js@0.7.29 }
    - { id: scope, ask: "pkg:npm/@acme/*" }
    - { id: python, deny: pkg:pypi/Foo_Bar, versions: ">=2,<3" }
    - { id: go, deny: pkg:golang/example.com/Mod, versions: "<1.2.0" }
    - { id: crate, deny: pkg:cargo/some_crate }
`
  test.each([
    ["pkg:npm/event-stream@3.3.6", "deny package.denied"],
    ["pkg:npm/event-stream@3.3.5", "allow policy.default"],
    ["pkg:npm/event-stream@4.0.0", "allow policy.default"],
    ["pkg:npm/event-stream@3.5.0-beta.1", "deny package.denied"],
    ["pkg:npm/event-stream@not-a-version", "deny package.denied"],
    ["pkg:npm/event-stream", "deny package.denied"],
    ["pkg:npm/ua-parser-js@0.7.29", "deny package.denied"],
    ["pkg:npm/ua-parser-js@0.7.30", "allow policy.default"],
    ["pkg:npm/%40acme/x@1.0.0", "ask package.approval"],
    ["pkg:npm/%40acme-x/x@1.0.0", "allow policy.default"],
    ["pkg:pypi/foo-bar@2.5", "deny package.denied"],
    ["pkg:pypi/foo.bar@2.5rc1", "deny package.denied"],
    ["pkg:pypi/foo-bar@3.0", "allow policy.default"],
    ["pkg:golang/example.com/mod@v1.1.9", "deny package.denied"],
    ["pkg:golang/example.com/mod@v0.0.0-20240101000000-abcdefabcdef", "deny package.denied"],
    ["pkg:golang/example.com/mod@v1.2.0", "allow policy.default"],
    ["pkg:cargo/some-crate@1.0.0", "deny package.denied"],
  ])("%s gives %s", (purl, expected) => {
    expect(answer(policy, purl)).toBe(expected)
  })

  it("says why and what instead", () => {
    const verdict = ask(policy, "pkg:npm/event-stream@3.3.6")
    expect(verdict).toMatchObject({
      rule: "range (nanoguard.yaml:5:7)",
      subject: "pkg:npm/event-stream@3.3.6",
      reason: "A rule of the policy denies this package: compromised",
      correction: { action: "replace", target: "pkg:npm/highland@2.13.5" },
    })
  })

  it("lets an allow open a closed default, for prereleases only where the range names them", () => {
    const closed = 'default: deny\npackages: { rules: [{ id: a, allow: pkg:npm/x, versions: "^1.0.0" }] }'
    expect(answer(closed, "pkg:npm/x@1.5.0")).toBe("allow package.allowed")
    expect(answer(closed, "pkg:npm/x@1.5.0-rc.1")).toBe("deny policy.default")
    expect(answer(closed, "pkg:npm/y@1.5.0")).toBe("deny policy.default")
    expect(answer(closed, "pkg:npm/x@junk")).toBe("deny policy.default")
  })
})

describe("missing evidence", () => {
  const needs = "deny: { severity: high, age: 3d }"
  test.each([
    ["", "ask evidence.missing"],
    ["unknown: deny", "deny evidence.missing"],
    ["unknown: { default: deny, offline: allow }", "allow evidence.missing"],
    ["unknown: { default: allow, advisories: deny }", "deny evidence.missing"],
    ["unknown: { offline: allow, published: ask }", "ask evidence.missing"],
    ["unknown: { default: deny, published: allow, advisories: allow }", "allow evidence.missing"],
  ])("%s offline gives %s", (unknown, expected) => {
    expect(answer(`packages: { ${needs}${unknown ? `, ${unknown}` : ""} }`, P, { facts: { absent: "offline" } })).toBe(
      expected,
    )
  })

  it("counts only the facts that a rule needs, with their reasons", () => {
    const verdict = ask(`packages: { ${needs} }`, P, {
      facts: { missing: { advisories: "unsupported" }, absent: "offline" },
    })
    expect(verdict.evidence).toEqual([
      { kind: "missing", fact: "advisories", reason: "unsupported" },
      { kind: "missing", fact: "published", reason: "offline" },
    ])
    expect(answer("packages: { deny: { sources: [git] } }", P, { facts: {} })).toBe("allow policy.default")
  })

  it("holds for a decision without any facts", () => {
    expect(answer(`packages: { ${needs} }`, P, { facts: undefined as never })).toBe("ask evidence.missing")
  })

  it("gives way to a finding, and is named beside it", () => {
    const verdict = ask(`packages: { deny: { severity: high, age: 3d }, unknown: deny }`, P, {
      facts: one({ severity: "high" }),
    })
    expect(verdict.code).toBe("vulnerability.severity")
    const both = ask(`packages: { deny: { severity: high, age: 3d }, unknown: deny }`, P, {
      facts: { advisories: [advisory({ severity: "high" })] },
    })
    expect(both.also).toEqual([
      { code: "evidence.missing", effect: "deny", rule: "packages.unknown (nanoguard.yaml:2:57)" },
    ])
  })

  it("does not ask a registry about the project's own workspaces", () => {
    const own = { ...(action(P) as PackageAction), source: { kind: "workspace", path: "packages/x" } as const }
    expect(
      answer("packages: { deny: { severity: high, age: 3d, nonexistent: true } }", own, { facts: { exists: false } }),
    ).toBe("allow policy.default")
  })
})

describe("floors", () => {
  test.each([
    "",
    "packages: { deny: { malware: true } }",
    "packages: { ask: { malware: true } }",
    "mode: observe",
    "packages: { rules: [{ id: a, allow: pkg:npm/left-pad }] }",
  ])("known malware is denied under %j", (policy) => {
    const verdict = ask(policy, P, { facts: one({ id: "MAL-2026-1", kind: "malware" }) })
    expect(verdict).toMatchObject({ effect: "deny", code: "malware.known", mode: "enforce" })
    expect(verdict.reason).toBe("This version is reported as malware (MAL-2026-1).")
  })

  it("refuses bytes that are not the registry's", () => {
    expect(ask("mode: observe", P, { facts: { ...FINE, integrity: "mismatch" } })).toMatchObject({
      effect: "deny",
      code: "integrity.mismatch",
      mode: "enforce",
    })
  })

  it("stops everything under a kill", () => {
    expect(ask("", P, { killed: true })).toMatchObject({
      effect: "deny",
      code: "agent.killed",
      rule: "floor.kill (built-in)",
    })
  })
})

describe("verdicts", () => {
  it("name the strictest match and list the others, in deciding order", () => {
    const policy = "packages: { deny: { severity: high, deprecated: true }, ask: { install-scripts: true } }"
    const facts = {
      ...one({ severity: "critical", cvss: 9.8, fixed: ["2.0.0"] }),
      deprecated: true,
      installScripts: ["install"],
    }
    const verdict = ask(policy, P, { facts })
    expect(verdict).toEqual({
      effect: "deny",
      code: "vulnerability.severity",
      rule: "packages.deny.severity (nanoguard.yaml:2:21)",
      subject: P,
      reason: "A known vulnerability of severity critical applies to this version (GHSA-aaaa-bbbb-cccc).",
      evidence: [{ kind: "advisory", id: "GHSA-aaaa-bbbb-cccc", severity: "critical", cvss: 9.8, fixed: ["2.0.0"] }],
      mode: "enforce",
      policyHash: verdict.policyHash,
      also: [
        { code: "release.deprecated", effect: "deny", rule: "packages.deny.deprecated (nanoguard.yaml:2:37)" },
        { code: "script.unapproved", effect: "ask", rule: "packages.ask.install-scripts (nanoguard.yaml:2:64)" },
      ],
    })
    expect(verdict.policyHash).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it("carry nothing that upstream wrote freely", () => {
    const facts = {
      ...FINE,
      installScripts: ["post\u001b[31minstall\nrm -rf"],
      lookalike: { of: "left\u202epad", how: "edit" },
    }
    const text = JSON.stringify(
      ask("packages: { deny: { lookalikes: true }, ask: { install-scripts: true } }", P, { facts }),
    )
    expect(text).toMatch(/^[\x20-\x7e]*$/)
    expect(text).not.toContain("\\u")
  })
})
