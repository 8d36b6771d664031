// What is not known: why, counted on every run, and never read as fine.
import { describe, expect, it } from "vitest"
import { openDefaultAdvisories } from "../../src/packages/advisories/index.ts"
import { readLockfile } from "../../src/packages/lockfiles/index.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { renderText } from "../../src/render/text.ts"
import { collectEvidence } from "../../src/vet/evidence.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { type Fault, startRegistry } from "../registry.ts"
import { npmLock } from "../trees.ts"
import { policyOf, vetTree } from "./support.ts"

const DENY = "deny: { deprecated: true }"

describe("an answer that is none", () => {
  it.each<[Fault, string]>([
    ["error", "unreachable"],
    ["html", "invalid"],
    ["lies", "invalid"],
    ["empty", "invalid"],
    ["redirect", "invalid"],
    ["huge-length", "invalid"],
    ["endless", "invalid"],
  ])("%s: missing as %s, one question for one person", async (fault, reason) => {
    const { found, missing, report } = await vetTree({
      policy: policyOf(DENY),
      packages: { bad: "1.0.0", good: "1.0.0" },
      prepare: ({ npm, fail }) => {
        npm("good", { "1.0.0": {} })
        npm("bad", { "1.0.0": {} })
        fail("bad", fault)
      },
    })
    expect(found).toEqual({ "bad@1.0.0": "ask evidence.missing" })
    expect(missing).toEqual({ [`deprecated ${reason}`]: 1 })
    expect(report.missing[0]?.examples).toEqual(["pkg:npm/bad@1.0.0"])
    expect(report.counts).toMatchObject({ allow: 1, ask: 1 })
  })

  it("slow: a registry that says nothing is given up on", async () => {
    const registry = await startRegistry()
    registry.fail("*", "silent")
    const cwd = temporaryDirectory({ "package-lock.json": npmLock({ a: "1.0.0" }, registry.base) })
    const ctx = testContext(cwd, { env: emptyHome(registry.env) })
    const { dependencies } = await readLockfile(cwd, "package-lock.json")
    const policy = loadPolicy(policyOf(DENY), "nanoguard.yaml")
    const advisories = openDefaultAdvisories(ctx)
    const limits = { headers: 50, body: 50, total: 100, retries: 0 }
    const evidence = await collectEvidence(ctx, policy, advisories, dependencies, { offline: false, limits })
    expect(evidence.factsFor(dependencies[0]!)).toMatchObject({ absent: "unreachable" })
    await evidence.close()
    advisories.close()
  })

  it("a registry that cannot be reached at all", async () => {
    const { found, missing } = await vetTree({
      policy: policyOf(DENY),
      packages: { a: { version: "1.0.0", resolved: undefined } },
      env: { npm_config_registry: "http://127.0.0.1:9" },
    })
    expect(found).toEqual({ "a@1.0.0": "ask evidence.missing" })
    expect(missing).toEqual({ "deprecated unreachable": 1 })
  })
})

describe("packages.unknown", () => {
  const vetWith = (unknown: string, options = {}) =>
    vetTree({
      policy: policyOf(`deny: { deprecated: true, age: 3d }${unknown && `\nunknown: ${unknown}`}`),
      packages: { bad: "1.0.0" },
      prepare: ({ fail }) => fail("bad", "html"),
      options,
    })

  it.each([
    ["", "ask evidence.missing"],
    ["ask", "ask evidence.missing"],
    ["deny", "deny evidence.missing"],
    ["{ default: deny }", "deny evidence.missing"],
    ["{ default: allow, deprecated: deny }", "deny evidence.missing"],
    ["{ default: deny, invalid: ask }", "ask evidence.missing"],
    ["{ default: deny, offline: allow }", "deny evidence.missing"],
  ])("%j gives %s", async (unknown, expected) => {
    expect((await vetWith(unknown)).found).toEqual({ "bad@1.0.0": expected })
  })

  it("allow lets it through, counted and shown as not checked", async () => {
    const { report, found, missing } = await vetWith("allow")
    expect(found).toEqual({})
    expect(report.counts).toMatchObject({ packages: 1, allow: 1 })
    expect(missing).toEqual({ "deprecated invalid": 1, "published invalid": 1 })
    const text = renderText(report)
    expect(text).toContain("Not checked")
    expect(text).toMatch(/deprecated +invalid +1 package/)
    expect(text).not.toMatch(/everything (was )?checked|all fine/i)
  })

  it("offline: allow holds for --offline and for nothing that was asked", async () => {
    const { found, missing, registry } = await vetWith("{ default: deny, offline: allow }", { offline: true })
    expect(found).toEqual({})
    expect(missing).toEqual({ "deprecated offline": 1, "published offline": 1 })
    expect(registry.requests).toEqual([])
  })
})

describe("only what a rule needs is asked for, and only that can be missing", () => {
  it("a policy about advisories and names asks nobody", async () => {
    const { registry, missing } = await vetTree({
      policy: policyOf("deny: { lookalikes: true }"),
      packages: { a: "1.0.0" },
    })
    expect(registry.requests).toEqual([])
    expect(missing).toEqual({})
  })

  it("one request for one name, whatever versions and lockfiles it is in", async () => {
    const lock = (version: string) => npmLock({ a: version }, "$REGISTRY")
    const { registry, report } = await vetTree({
      policy: policyOf(DENY),
      files: {
        "x/package-lock.json": lock("1.0.0"),
        "y/package-lock.json": lock("2.0.0"),
        "z/package-lock.json": lock("1.0.0"),
      },
      prepare: ({ npm }) => npm("a", { "1.0.0": {}, "2.0.0": {} }),
    })
    expect(registry.requests).toEqual(["/a"])
    expect(report.counts).toMatchObject({ packages: 3, allow: 3 })
  })

  it("what an ecosystem's registry never states is unsupported", async () => {
    const { missing, found } = await vetTree({
      policy: policyOf("deny: { publisher-changed: true }"),
      files: { "requirements.txt": "good==1.0\n" },
      prepare: ({ pypi }) => pypi("good", { "1.0": {} }),
    })
    expect(missing).toEqual({ "publisherChanged unsupported": 1 })
    expect(found).toEqual({ "good@1.0": "ask evidence.missing" })
  })

  it("a requirement that pins no version is not known to be harmless", async () => {
    const { found } = await vetTree({
      policy: policyOf("deny: { severity: low }"),
      files: { "requirements.txt": "good>=1\n" },
      prepare: ({ pypi }) => pypi("good", { "1.0": {} }),
    })
    expect(found).toEqual({ good: "ask evidence.missing" })
  })

  it("packages of an ecosystem without evidence are missing, not fine", async () => {
    const component = { type: "library", name: "thing", version: "1.0", purl: "pkg:gem/thing@1.0" }
    const { found, report } = await vetTree({
      policy: policyOf(DENY),
      files: { "bom.json": JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", components: [component] }) },
    })
    expect(found).toEqual({ "thing@1.0": "ask evidence.missing" })
    expect(report.counts.packages).toBe(1)
  })
})
