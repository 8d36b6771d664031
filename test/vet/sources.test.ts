// Where packages come from: entries of every kind, pinned scopes, and who is asked about what.
import { describe, expect, it } from "vitest"
import { renderText } from "../../src/render/text.ts"
import { hashOf, startRegistry } from "../registry.ts"
import { npmLock } from "../trees.ts"
import { policyOf, vetTree } from "./support.ts"

/** The lockfile with a package of the project's own in it. */
function withWorkspace(lock: string, path: string): string {
  const parsed = JSON.parse(lock)
  parsed.packages[""].workspaces = [path]
  parsed.packages[path] = { name: path.split("/").at(-1), version: "1.0.0" }
  return JSON.stringify(parsed)
}

const SOURCES = "deny: { sources: [git, url, file, other-registry] }"

describe("sources", () => {
  const packages = {
    fine: "1.0.0",
    "from-git": {
      version: "1.0.0",
      resolved: "git+ssh://git@git.registry.example/a/b.git#0123456789012345678901234567890123456789",
    },
    "from-url": { version: "1.0.0", resolved: "https://files.registry.example/some/where.tgz" },
    "from-file": { version: "1.0.0", resolved: "file:lib/from-file.tgz" },
    elsewhere: { version: "1.0.0", resolved: "https://other.registry.example/elsewhere/-/elsewhere-1.0.0.tgz" },
    short: { name: "really-this", version: "1.0.0", resolved: "$REGISTRY/really-this/-/really-this-1.0.0.tgz" },
    ours: { resolved: "packages/ours", link: true, version: undefined, integrity: undefined },
  }

  it("are judged entry by entry; what the project itself contains is no package", async () => {
    const { found, report, registry } = await vetTree({
      policy: policyOf(`${SOURCES}\nregistries:\n  - { upstream: "$REGISTRY" }`),
      files: { "package-lock.json": withWorkspace(npmLock(packages, "$REGISTRY"), "packages/ours") },
      prepare: ({ npm }) => {
        for (const name of ["fine", "really-this"]) npm(name, { "1.0.0": {} })
      },
    })
    expect(found).toEqual({
      "from-git@1.0.0": "deny source.unverified",
      "from-url@1.0.0": "deny source.unverified",
      "from-file@1.0.0": "deny source.unverified",
      "elsewhere@1.0.0": "deny source.unverified",
    })
    expect(report.counts).toEqual({ packages: 6, allow: 2, ask: 0, deny: 4, excepted: 0, observed: 0 })
    expect(report.files[0]?.packages).toBe(6)
    expect(registry.requests).toEqual([])
  })

  it("a lockfile that was written behind a gate is denied with the way to write it anew, and no package is to be removed", async () => {
    const gate = "http://127.0.0.1:8471/npm"
    const vetOf = (base: string) =>
      vetTree({
        policy: policyOf(SOURCES),
        files: { "package-lock.json": npmLock({ fine: "1.0.0", other: "1.0.0" }, base) },
        options: { offline: true },
      })
    const { found, report } = await vetOf(gate)
    expect(found).toEqual({ "fine@1.0.0": "deny source.unverified", "other@1.0.0": "deny source.unverified" })
    const command = "npm install --package-lock-only --omit-lockfile-registry-resolved"
    expect(report.rows.map(({ verdict }) => verdict.correction)).toEqual(
      ["fine", "other"].map((name) => ({ action: "replace", target: `pkg:npm/${name}@1.0.0`, command })),
    )
    expect(report.files[0]?.warnings).toEqual([
      `2 packages with the address of a gate (${gate}/), which is good behind it alone; outside of the gate, run: ${command}`,
    ])
    expect(renderText(report)).not.toContain("npm uninstall")
    // Any other registry is what it was.
    const { report: other } = await vetOf("https://registry.example/npm")
    expect(other.files[0]?.warnings).toEqual([])
    expect(other.rows[0]?.verdict.correction?.command).toBe("npm uninstall fine")
  })

  it("an alias is asked about, shown and refused by its real name", async () => {
    const { found, report, registry } = await vetTree({
      policy: policyOf("deny: { deprecated: true }"),
      packages: { short: { ...packages.short, resolved: undefined, integrity: hashOf("really-this", "1.0.0") } },
      prepare: ({ npm }) => npm("really-this", { "1.0.0": { deprecated: "x" } }),
    })
    expect(found).toEqual({ "really-this@1.0.0": "deny release.deprecated" })
    expect(report.rows[0]?.dependency).toMatchObject({ purl: "pkg:npm/really-this@1.0.0", alias: "short" })
    expect(registry.requests).toEqual(["/really-this"])
  })

  it("nobody is asked about what comes from git, an address, a file or a registry that nobody listed", async () => {
    const { fine: _, short: __, ours: ___, ...others } = packages
    const { found, missing, registry } = await vetTree({
      policy: policyOf("deny: { deprecated: true, nonexistent: true, severity: low }\nunknown: deny"),
      packages: others,
    })
    expect(registry.requests).toEqual([])
    expect(registry.audited).toEqual([])
    expect(Object.values(found)).toEqual(Array(4).fill("deny evidence.missing"))
    expect(missing).toMatchObject({ "deprecated unsupported": 4, "exists unsupported": 4 })
  })
})

describe("a pinned scope", () => {
  /** A default registry, where anyone can publish, and the company's own. */
  async function vetPinned(entry: Record<string, unknown>, prepare: { ours?: object; theirs?: object } = {}) {
    const ours = await startRegistry()
    if (prepare.ours) ours.npm("@acme/secret", { "1.0.0": {}, ...prepare.ours })
    const vetted = await vetTree({
      policy: policyOf(`deny: { deprecated: true, nonexistent: true, age: 3d }
registries:
  - { scope: "@acme/*", upstream: ${ours.base}/npm/local }`),
      packages: { "@acme/secret": { version: "1.0.0", ...entry }, public: "1.0.0" },
      prepare: ({ npm }) => {
        npm("public", { "1.0.0": {} })
        if (prepare.theirs) npm("@acme/secret", { "1.0.0": {}, ...prepare.theirs })
      },
    })
    return { ...vetted, ours }
  }

  it("is asked of its upstream alone, and refused from anywhere else", async () => {
    const { found, registry } = await vetPinned({}, { theirs: {} })
    expect(found).toEqual({ "@acme/secret@1.0.0": "deny source.unverified" })
    expect(registry.requests).toEqual(["/public"])
    expect(registry.audited).not.toContain("@acme/secret")
  })

  it.each([
    ["another registry", { resolved: "https://other.registry.example/@acme/secret/-/secret-1.0.0.tgz" }],
    ["git", { resolved: "git+https://git.registry.example/acme/secret.git#0123456789012345678901234567890123456789" }],
    ["an address", { resolved: "https://files.registry.example/secret.tgz" }],
    ["a file", { resolved: "file:secret.tgz" }],
    [
      "a host that begins like the upstream",
      { resolved: "http://127.0.0.1.registry.example/npm/local/@acme/secret/-/secret-1.0.0.tgz" },
    ],
  ])("from %s it is refused", async (_, entry) => {
    const { found, registry } = await vetPinned(entry)
    expect(found["@acme/secret@1.0.0"]).toBe("deny source.unverified")
    expect(registry.requests).toEqual(["/public"])
  })

  it("under an alias it is refused by its real name", async () => {
    const { found, registry } = await vetTree({
      policy: policyOf(`registries:\n  - { scope: "@acme/*", upstream: "https://registry.example/npm/local" }`),
      packages: { harmless: { name: "@acme/secret", version: "1.0.0" } },
    })
    expect(found).toEqual({ "@acme/secret@1.0.0": "deny source.unverified" })
    expect(registry.requests).toEqual([])
  })
})

describe("a package of a pinned scope whose lockfile entry has no address", () => {
  async function vetUnstated(hash: string, options: { offline?: boolean } = {}) {
    const ours = await startRegistry()
    ours.npm("@acme/secret", { "1.0.0": {} })
    const vetted = await vetTree({
      policy: policyOf(`deny: { nonexistent: true }
unknown: { default: ask, offline: allow }
registries:
  - { scope: "@acme/*", upstream: "${ours.base}" }`),
      packages: { "@acme/secret": { version: "1.0.0", resolved: undefined, integrity: hash } },
      prepare: ({ npm }) => npm("@acme/secret", { "1.0.0": { integrity: hashOf("evil", "1.0.0") } }),
      options,
    })
    return { ...vetted, ours }
  }

  it("passes where its hash is the upstream's, which is the only one asked", async () => {
    const { found, registry, ours } = await vetUnstated(hashOf("@acme/secret", "1.0.0"))
    expect(found).toEqual({})
    expect(ours.requests).toEqual(["/@acme/secret"])
    expect(registry.requests).toEqual([])
  })

  it("is refused where its hash is the public registry's, and where nobody can tell", async () => {
    expect((await vetUnstated(hashOf("evil", "1.0.0"))).found).toEqual({
      "@acme/secret@1.0.0": "deny integrity.mismatch",
    })
    const { found } = await vetUnstated(hashOf("@acme/secret", "1.0.0"), { offline: true })
    expect(found).toEqual({ "@acme/secret@1.0.0": "deny source.unverified" })
  })
})

describe("the registry's own advisories", () => {
  const vetAnswered = async (bulk: number) => {
    const { report } = await vetTree({
      policy: policyOf("deny: { severity: high, nonexistent: true }"),
      packages: { fine: "1.0.0" },
      prepare: (registry) => {
        registry.npm("fine", { "1.0.0": {} })
        registry.answers.bulk = bulk
      },
    })
    return report
  }

  it.each([
    [200, "asked", "with those of the npm registry"],
    [500, "unreachable", "those of the npm registry could not be had (unreachable)"],
  ])("answered with %i are told of as %s", async (status, live, text) => {
    const report = await vetAnswered(status)
    expect(report.advisories).toMatchObject({ live, partial: true })
    expect(renderText(report, { columns: 120 }).replaceAll(/\s+/g, " ")).toContain(text)
  })

  it("of a registry without the endpoint are not missed", async () => {
    const report = await vetAnswered(404)
    expect(report.advisories.live).toBe("unsupported")
    expect(renderText(report)).not.toContain("of the npm registry")
  })
})
