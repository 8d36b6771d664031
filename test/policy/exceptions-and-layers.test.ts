import { describe, expect, it, test } from "vitest"
import { decide } from "../../src/policy/decide.ts"
import { loadLayers, loadPolicy } from "../../src/policy/load.ts"
import type { DecisionEvidence, PackageAction } from "../../src/policy/types.ts"
import { action, answer, ask, FINE, NOW } from "./support.ts"

const exception = (fields: string) =>
  `{ ${fields}, owner: ana@acme.example, reason: builds its own binary, expires: 2026-11-21 }`
const scripts = { ...FINE, installScripts: ["install"] }

describe("exceptions", () => {
  const policy = `packages: { deny: { install-scripts: true }, exceptions: [${exception('allow: pkg:npm/esbuild, versions: ">=0.25 <0.26", of: script.unapproved')}] }`

  it("lift one code for one subject and say so", () => {
    expect(ask(policy, "pkg:npm/esbuild@0.25.3", { facts: scripts })).toMatchObject({
      effect: "allow",
      code: "policy.default",
      excepted: [
        {
          rule: "packages.exceptions[0] (nanoguard.yaml:2:59)",
          code: "script.unapproved",
          owner: "ana@acme.example",
          expires: "2026-11-21",
        },
      ],
    })
  })
  test.each([
    ["pkg:npm/esbuild@0.26.0", "deny script.unapproved"],
    ["pkg:npm/esbuild@0.25.3-beta", "deny script.unapproved"],
    ["pkg:npm/esbuild@junk", "deny script.unapproved"],
    ["pkg:npm/esbuild-wasm@0.25.3", "deny script.unapproved"],
  ])("do not reach %s", (purl, expected) => {
    expect(answer(policy, purl, { facts: scripts })).toBe(expected)
  })
  it("hold through their last day and not a millisecond longer", () => {
    const end = Date.UTC(2026, 10, 22)
    expect(answer(policy, "pkg:npm/esbuild@0.25.3", { facts: scripts, now: end - 1 })).toBe("allow policy.default")
    expect(answer(policy, "pkg:npm/esbuild@0.25.3", { facts: scripts, now: end })).toBe("deny script.unapproved")
    expect(answer(policy, "pkg:npm/esbuild@0.25.3", { facts: scripts, now: Number.NaN })).toBe("deny script.unapproved")
  })
  it("leave every other finding in place", () => {
    const facts = { ...scripts, deprecated: true }
    expect(
      answer(
        policy.replace("install-scripts: true", "install-scripts: true, deprecated: true"),
        "pkg:npm/esbuild@0.25.3",
        { facts },
      ),
    ).toBe("deny release.deprecated")
  })
  it("accept that a fact is missing where they accept the finding", () => {
    const { installScripts: _, ...facts } = FINE
    expect(answer(policy, "pkg:npm/esbuild@0.25.3", { facts })).toBe("allow policy.default")
    expect(answer(policy, "pkg:npm/other@0.25.3", { facts })).toBe("ask evidence.missing")
  })

  describe("of advisories", () => {
    const listed = `packages: { deny: { severity: high, cvss: 9 }, exceptions: [${exception("allow: pkg:npm/x, of: vulnerability.severity, advisories: [GHSA-1, CVE-2026-2]")}] }`
    const known = (...ids: string[]): Partial<DecisionEvidence> => ({
      facts: {
        ...FINE,
        advisories: ids.map((id) => ({
          id,
          aliases: id === "GHSA-2" ? ["CVE-2026-2"] : [],
          kind: "vulnerability" as const,
          severity: "high" as const,
          fixed: [],
        })),
      },
    })
    test.each([
      [["GHSA-1"], "allow policy.default"],
      [["GHSA-1", "GHSA-2"], "allow policy.default"],
      [["GHSA-1", "GHSA-3"], "deny vulnerability.severity"],
    ])("%j", (ids, expected) => {
      expect(answer(listed, "pkg:npm/x@1.0.0", known(...ids))).toBe(expected)
    })
    it("lift no malware of the same id", () => {
      const facts = {
        ...FINE,
        advisories: [{ id: "GHSA-1", aliases: [], kind: "malware" as const, severity: "high" as const, fixed: [] }],
      }
      expect(answer(listed, "pkg:npm/x@1.0.0", { facts })).toBe("deny malware.known")
    })
  })
})

describe("layers", () => {
  const layered = (texts: string[], subject: string, evidence: Partial<DecisionEvidence> = {}) => {
    const policy = loadLayers(
      texts.map((text, index) => ({
        text: `version: 1\n${text}`,
        file: ["org:nanoguard.yaml", "nanoguard.yaml", "nanoguard.local.yaml"][index] ?? "",
      })),
    )
    return decide(policy, action(subject), { now: NOW, facts: FINE, ...evidence })
  }
  const answerOf = (texts: string[], subject: string, evidence: Partial<DecisionEvidence> = {}) => {
    const { effect, code, mode } = layered(texts, subject, evidence)
    return `${effect} ${code} ${mode}`
  }
  const lift = (of: string, purl = "pkg:npm/x") =>
    `packages: { exceptions: [${exception(`allow: ${purl}, of: ${of}`)}] }`

  test.each<[string, string[], string, Partial<DecisionEvidence>, string]>([
    [
      "a deny from above stands",
      ["packages: { rules: [{ id: a, deny: pkg:npm/x }] }", "packages: { rules: [{ id: b, allow: pkg:npm/x }] }"],
      "pkg:npm/x@1.0.0",
      {},
      "deny package.denied enforce",
    ],
    [
      "and no exception below lifts it",
      ["packages: { deny: { install-scripts: true } }", lift("script.unapproved")],
      "pkg:npm/x@1.0.0",
      { facts: scripts },
      "deny script.unapproved enforce",
    ],
    [
      "but an exception of its own layer does",
      [
        `packages: { deny: { install-scripts: true }, exceptions: [${exception("allow: pkg:npm/x, of: script.unapproved")}] }`,
        "",
      ],
      "pkg:npm/x@1.0.0",
      { facts: scripts },
      "allow policy.default enforce",
    ],
    [
      "an exception below lifts what asks above",
      ["packages: { ask: { install-scripts: true } }", lift("script.unapproved")],
      "pkg:npm/x@1.0.0",
      { facts: scripts },
      "allow policy.default enforce",
    ],
    [
      "an exception above lifts a deny below",
      [lift("script.unapproved"), "packages: { deny: { install-scripts: true } }"],
      "pkg:npm/x@1.0.0",
      { facts: scripts },
      "allow policy.default enforce",
    ],
    [
      "a default from above closes what it does not name",
      [
        "default: deny\npackages: { rules: [{ id: a, allow: pkg:npm/x }] }",
        "packages: { rules: [{ id: b, allow: pkg:npm/y }] }",
      ],
      "pkg:npm/y@1.0.0",
      {},
      "deny policy.default enforce",
    ],
    [
      "and opens what it names",
      ["default: deny\npackages: { rules: [{ id: a, allow: pkg:npm/x }] }", "default: allow"],
      "pkg:npm/x@1.0.0",
      {},
      "allow package.allowed enforce",
    ],
    ["a default below can close", ["", "default: deny"], "pkg:npm/x@1.0.0", {}, "deny policy.default enforce"],
    [
      "observe below enforce has no effect",
      ["packages: { rules: [{ id: a, deny: pkg:npm/x }] }", "mode: observe"],
      "pkg:npm/x@1.0.0",
      {},
      "deny package.denied enforce",
    ],
    [
      "observe everywhere observes",
      ["mode: observe\npackages: { rules: [{ id: a, deny: pkg:npm/x }] }", "mode: observe"],
      "pkg:npm/x@1.0.0",
      {},
      "deny package.denied observe",
    ],
    [
      "missing evidence: the strictest word counts",
      ["packages: { deny: { age: 3d }, unknown: deny }", "packages: { unknown: allow }"],
      "pkg:npm/x@1.0.0",
      { facts: { absent: "offline" } },
      "deny evidence.missing enforce",
    ],
    [
      "silence above means ask",
      ["packages: { deny: { age: 3d } }", "packages: { unknown: allow }"],
      "pkg:npm/x@1.0.0",
      { facts: { absent: "offline" } },
      "ask evidence.missing enforce",
    ],
    [
      "the network is opened by any layer",
      ["network: [{ id: a, allow: x.example }]", "network: [{ id: b, allow: y.example }]"],
      "GET https://y.example/",
      {},
      "allow network.allowed enforce",
    ],
    [
      "unless a layer above denies",
      ['network: [{ id: a, deny: "**.example" }]', "network: [{ id: b, allow: y.example }]"],
      "GET https://y.example/",
      {},
      "deny network.host-denied enforce",
    ],
    [
      "an unknown severity counts as the gravest that a layer says",
      ["packages: { deny: { severity: critical }, unknown-severity: critical }", "packages: { unknown-severity: low }"],
      "pkg:npm/x@1.0.0",
      { facts: { ...FINE, advisories: [{ id: "A", aliases: [], kind: "vulnerability", fixed: [] }] } },
      "deny vulnerability.severity enforce",
    ],
  ])("%s", (_, texts, subject, evidence, expected) => {
    expect(answerOf(texts, subject, evidence)).toBe(expected)
  })

  it("accept registries for their own rules and those below, never for a rule above", () => {
    const refuse = "packages: { deny: { sources: [other-registry] } }"
    const listed = "packages: { registries: [{ upstream: https://registry.example/npm }] }"
    const both =
      "packages: { deny: { sources: [other-registry] }, registries: [{ upstream: https://registry.example/npm }] }"
    const subject = {
      ...(action("pkg:npm/x@1.0.0") as PackageAction),
      source: { kind: "registry" as const, origin: "https://registry.example/npm" },
    }
    const effectOf = (above: string, below: string) => {
      const texts = [
        { text: `version: 1\n${above}`, file: "org:nanoguard.yaml" },
        { text: `version: 1\n${below}`, file: "nanoguard.yaml" },
      ]
      const verdict = decide(loadLayers(texts), subject, { now: NOW, facts: FINE })
      return `${verdict.effect} ${verdict.code} ${verdict.rule.split("(")[1]?.split(":")[0]}`
    }
    expect(effectOf(refuse, listed)).toBe("deny source.unverified org")
    expect(effectOf(refuse, both)).toBe("deny source.unverified org")
    expect(effectOf(listed, refuse)).toBe("allow policy.default built-in)")
    expect(effectOf("default: allow", both)).toBe("allow policy.default org")
  })

  it("name the file of the deciding rule", () => {
    expect(layered(["packages: { rules: [{ id: a, deny: pkg:npm/x }] }", ""], "pkg:npm/x@1.0.0").rule).toBe(
      "a (org:nanoguard.yaml:2:21)",
    )
  })
  it("refuse two rules of one id, wherever they are", () => {
    const text = "version: 1\nnetwork: [{ id: a, allow: x.example }]"
    expect(() => loadPolicy(text, "nanoguard.yaml", { above: [{ text, file: "org:nanoguard.yaml" }] })).toThrow(
      "the id a is already used at org:nanoguard.yaml:2:17",
    )
  })
})

describe("observe", () => {
  const facts = { ...FINE, deprecated: true }
  it("says what would have happened", () => {
    expect(ask("mode: observe\npackages: { deny: { deprecated: true } }", "pkg:npm/x@1.0.0", { facts })).toMatchObject({
      effect: "deny",
      code: "release.deprecated",
      mode: "observe",
    })
    expect(ask("mode: observe", "GET https://x.example/")).toMatchObject({
      effect: "deny",
      code: "network.host-denied",
      mode: "observe",
    })
  })
  it("of one rule neither stops nor hides what another enforces", () => {
    const policy =
      'network: [{ id: a, allow: x.example }, { id: b, ask: x.example, methods: [POST] }, { id: c, deny: "**.example", mode: observe }]'
    expect(ask(policy, "GET https://x.example/")).toMatchObject({
      effect: "deny",
      mode: "observe",
      rule: "c (nanoguard.yaml:2:84)",
    })
    expect(ask(policy, "POST https://x.example/")).toMatchObject({
      effect: "ask",
      mode: "enforce",
      also: [{ effect: "deny" }],
    })
    expect(ask(policy, "GET https://y.example/")).toMatchObject({
      effect: "deny",
      mode: "enforce",
      rule: "network.default (built-in)",
    })
  })
})
