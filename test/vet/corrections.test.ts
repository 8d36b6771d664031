// The way out, from a tree on disk to the command in the row: offline, online, and never one that the policy would refuse.
import { describe, expect, it } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { findPolicy } from "../../src/vet/policy.ts"
import { testContext } from "../context.ts"
import { startRegistry } from "../registry.ts"
import { policyOf, vetTree } from "./support.ts"

const below = (fixed: string, severity: "high" | "critical" = "high") => ({
  id: "GHSA-aaaa-bbbb-cccc",
  kind: "vulnerability" as const,
  severity,
  ranges: [{ introduced: "0", fixed }],
})

describe("the project's own dependency", () => {
  const tree = { packages: { "http-lib": "1.6.0" }, advisories: { "http-lib": [below("1.6.8")] } }

  it("offline: the version that mends the advisory", async () => {
    const { report } = await vetTree({
      ...tree,
      policy: policyOf("deny: { severity: high }"),
      options: { offline: true },
    })
    expect(report.rows[0]?.verdict.correction).toEqual({
      action: "upgrade",
      target: "pkg:npm/http-lib@1.6.8",
      command: "npm install http-lib@1.6.8",
    })
    expect(report.rows[0]?.verdict.evidence).toContainEqual(
      expect.objectContaining({ kind: "correction", against: "advisories only", effect: "allow" }),
    )
  })

  it("online: the nearest version that every rule allows, which the same policy then allows", async () => {
    const policy = policyOf("deny: { severity: high, deprecated: true }\nask: { age: 3d, install-scripts: true }")
    const prepare: Parameters<typeof vetTree>[0]["prepare"] = ({ npm }) =>
      npm("http-lib", {
        "1.6.0": { age: 300 },
        "1.6.8": { age: 200, deprecated: "x" },
        "1.6.9": { age: 150, scripts: { install: "x" } },
        "1.7.0-rc.1": { age: 120 },
        "1.7.0": { age: 100 },
        "1.7.1": { age: 1 },
      })
    const { report } = await vetTree({ ...tree, policy, prepare })
    expect(report.rows[0]?.verdict.correction).toEqual({
      action: "upgrade",
      target: "pkg:npm/http-lib@1.7.0",
      command: "npm install http-lib@1.7.0",
    })
    const after = await vetTree({ ...tree, policy, prepare, packages: { "http-lib": "1.7.0" } })
    expect(after.found).toEqual({})
  })

  it("nothing allowed: without it", async () => {
    const { report } = await vetTree({
      ...tree,
      policy: policyOf("deny: { severity: high }"),
      advisories: { "http-lib": [below("9.0.0")] },
      prepare: ({ npm }) => npm("http-lib", { "1.6.0": {}, "1.7.0": {} }),
    })
    expect(report.rows[0]?.verdict.correction).toMatchObject({ action: "remove", command: "npm uninstall http-lib" })
  })
})

describe("a dependency of a dependency", () => {
  const packages = (range: string) => ({
    parent: { version: "1.0.0", dependencies: { child: range } },
    child: { version: "1.0.0" },
  })
  const vet = (range: string, prepare: Parameters<typeof vetTree>[0]["prepare"]) =>
    vetTree({
      policy: policyOf("deny: { severity: high, deprecated: true }"),
      packages: packages(range),
      advisories: { child: [below("1.0.5")] },
      ...(prepare && { prepare }),
    })

  it("moves inside its parent's range", async () => {
    const { report } = await vet("^1.0.0", ({ npm }) => {
      npm("parent", { "1.0.0": { dependencies: { child: "^1.0.0" } } })
      npm("child", { "1.0.0": { age: 300 }, "1.0.5": {} })
    })
    expect(report.rows.map(({ verdict }) => verdict.correction?.target)).toEqual(["pkg:npm/child@1.0.5"])
    expect(report.rows[0]?.paths).toEqual([
      ["project", "child@1.0.0"],
      ["project", "parent@1.0.0", "child@1.0.0"],
    ])
  })
})

describe("registries other than the default", () => {
  it("candidates come from the registry that the lockfile has the package from", async () => {
    const mirror = await startRegistry()
    mirror.npm("lib", { "1.0.0": { age: 200, deprecated: "x" }, "1.0.1": {} })
    const { report, registry } = await vetTree({
      policy: policyOf(`deny: { deprecated: true }\nregistries:\n  - { upstream: "${mirror.base}" }`),
      packages: { lib: { version: "1.0.0", resolved: `${mirror.base}/lib/-/lib-1.0.0.tgz` } },
      prepare: ({ npm }) => npm("lib", { "1.0.0": {}, "6.6.6": {} }),
    })
    expect(report.rows[0]?.verdict.correction).toMatchObject({ target: "pkg:npm/lib@1.0.1" })
    expect(registry.requests).toEqual([])
  })

  it("a package from git is never replaced by its namesake on the public registry", async () => {
    const { report } = await vetTree({
      policy: policyOf("deny: { sources: [git] }"),
      packages: {
        lib: {
          version: "1.0.0",
          resolved: "git+ssh://git@git.registry.example/a/lib.git#0123456789012345678901234567890123456789",
        },
      },
      prepare: ({ npm }) => npm("lib", { "1.0.0": {} }),
    })
    expect(report.rows[0]?.verdict.correction).toMatchObject({ action: "remove" })
  })
})

describe("what is asked about", () => {
  it("gets the smallest exception, which then lets it in", async () => {
    const policy = policyOf("ask: { install-scripts: true }")
    const prepare: Parameters<typeof vetTree>[0]["prepare"] = ({ npm }) =>
      npm("scripted", { "1.0.0": { scripts: { install: "x" } } })
    const { report } = await vetTree({ policy, packages: { scripted: "1.0.0" }, prepare })
    expect(report.rows[0]?.verdict.correction).toEqual({
      action: "request-approval",
      target: "pkg:npm/scripted@1.0.0",
    })
    const line = report.rows[0]!.exception!.replace("YOUR-ADDRESS", "ana@acme.example").replace(
      "WHY-IT-IS-FINE",
      "reviewed",
    )
    const after = await vetTree({
      policy: `${policy}  exceptions:\n    ${line}\n`,
      packages: { scripted: "1.0.0" },
      prepare,
    })
    expect(after.found).toEqual({})
    expect(after.report.counts.excepted).toBe(1)
  })

  it("no correction where only evidence is missing", async () => {
    const { report } = await vetTree({
      policy: policyOf("deny: { deprecated: true }"),
      packages: { a: "1.0.0" },
      prepare: ({ fail }) => fail("a", "error"),
    })
    expect(report.rows[0]?.verdict.code).toBe("evidence.missing")
    expect(report.rows[0]?.verdict.correction).toBeUndefined()
  })
})

describe("look-alikes and rules that name another package", () => {
  it("the package that was meant, if it is allowed", async () => {
    const { report } = await vetTree({
      policy: policyOf("deny: { lookalikes: true, deprecated: true }"),
      packages: { minimtach: "1.0.0" },
      prepare: ({ npm }) => {
        npm("minimtach", { "1.0.0": {} })
        npm("minimatch", { "9.0.0": {}, "9.0.1": { deprecated: "x" } })
      },
    })
    expect(report.rows[0]?.verdict.correction).toEqual({
      action: "replace",
      target: "pkg:npm/minimatch@9.0.0",
      command: "npm uninstall minimtach && npm install minimatch@9.0.0",
    })
  })

  it("what the rule says to use instead", async () => {
    const { report } = await vetTree({
      policy: policyOf(
        "deny: { deprecated: true }\nrules:\n  - { id: no-bad, deny: pkg:npm/bad, instead: pkg:npm/good }",
      ),
      packages: { bad: "1.0.0" },
      prepare: ({ npm }) => {
        npm("bad", { "1.0.0": {} })
        npm("good", { "2.0.0": {} })
      },
    })
    expect(report.rows[0]?.verdict.correction).toMatchObject({ action: "replace", target: "pkg:npm/good@2.0.0" })
  })
})

describe("Python", () => {
  it("the nearest release that is neither yanked nor built on installation", async () => {
    const { report } = await vetTree({
      policy: policyOf("deny: { yanked: true }\nask: { install-scripts: true }"),
      files: { "requirements.txt": "lib==1.0\n" },
      prepare: ({ pypi }) =>
        pypi("lib", { "1.0": { yanked: true, age: 200 }, "1.1": { sdist: true, age: 150 }, "1.2": {} }),
    })
    expect(report.rows[0]?.verdict.correction).toMatchObject({ action: "upgrade", target: "pkg:pypi/lib@1.2" })
  })

  it("what a registry tells version by version is asked for of the candidates too, a bounded number of times", async () => {
    const versions = Array.from({ length: 60 }, (_, i) => [`1.${i}`, { age: 300 - i, license: "MIT" }] as const)
    const { report, registry } = await vetTree({
      policy: policyOf("deny: { yanked: true, licenses: [GPL-3.0-only] }"),
      files: { "requirements.txt": "lib==1.0\n" },
      prepare: ({ pypi }) =>
        pypi("lib", {
          ...Object.fromEntries(versions),
          "1.0": { yanked: true, age: 301, license: "MIT" },
          "1.1": { age: 300, license: "GPL-3.0-only" },
        }),
    })
    expect(report.rows[0]?.verdict.correction).toMatchObject({ action: "upgrade", target: "pkg:pypi/lib@1.2" })
    expect(registry.requests.filter((path) => path.endsWith(".metadata")).length).toBeLessThan(12)
  })
})

describe("names and versions that are no words of a shell", () => {
  it.each([
    ["$(touch pwned)", "1.0.0"],
    ["a;reboot", "1.0.0"],
    ["-g", "1.0.0"],
    ["a b", "1.0.0"],
    ["a\u202eb", "1.0.0"],
    ["good", "1.0.0; reboot"],
    ["good", "$(reboot)"],
    ["good", "1.0.0\nreboot"],
  ])("%j at %j: the reader refuses the file, or the row has no command", async (name, version) => {
    const vetted = await vetTree({
      policy: "version: 1\ndefault: deny\n",
      packages: { [name]: { version } },
      options: { offline: true },
    }).catch((error: unknown) => error)
    if (vetted instanceof NanoguardError) return expect(vetted.exit).toBe(EXIT.nothingChecked)
    const { report } = vetted as Awaited<ReturnType<typeof vetTree>>
    expect(report.counts.deny).toBe(1)
    const { correction } = report.rows[0]!.verdict
    expect(correction?.action).toBe("remove")
    expect(correction?.command).toBe(name === "good" ? "npm uninstall good" : undefined)
    expect(JSON.stringify(report.rows[0]?.verdict)).not.toContain("\u202e")
  })
})

it("what a correction recommends is allowed by the policy in force, whatever it says", async () => {
  const conditions = [
    "deprecated: true",
    "age: 30d",
    "install-scripts: true",
    "publisher-changed: true",
    "licenses: [GPL-3.0-only]",
  ]
  for (let mask = 1; mask < 1 << conditions.length; mask += 3) {
    const policy = policyOf(
      `deny: { severity: high, ${conditions.filter((_, bit) => mask & (1 << bit)).join(", ") || "malware: true"} }`,
    )
    const { report, cwd, ctx } = await vetTree({
      policy,
      packages: { lib: "1.0.0" },
      advisories: { lib: [below("1.1.0")] },
      prepare: ({ npm }) =>
        npm("lib", {
          "1.0.0": { age: 400 },
          "1.1.0": { age: 300, deprecated: "x" },
          "1.2.0": { age: 200, scripts: { install: "x" } },
          "1.3.0": { age: 150, publisher: "eve" },
          "1.4.0": { age: 100, license: "GPL-3.0-only" },
          "1.5.0": { age: 10 },
        }),
    })
    const target = report.rows[0]?.verdict.correction
    const loaded = (await findPolicy(testContext(cwd, { env: ctx.env as Record<string, string> }))).policy
    expect(loaded.hash).toBe(loadPolicy(policy, "nanoguard.yaml").hash)
    if (target?.action === "remove") continue
    const version = target!.target!.split("@").at(-1)!
    const moved = await vetTree({
      policy,
      packages: { lib: version },
      advisories: { lib: [below("1.1.0")] },
      prepare: ({ npm }) => npm("lib", { "1.0.0": { age: 400 }, [version]: releaseFor(version) }),
    })
    expect({ mask, version, found: moved.found }).toEqual({ mask, version, found: {} })
  }
})

function releaseFor(version: string) {
  const releases: Record<string, object> = {
    "1.1.0": { age: 300, deprecated: "x" },
    "1.2.0": { age: 200, scripts: { install: "x" } },
    "1.3.0": { age: 150, publisher: "eve" },
    "1.4.0": { age: 100, license: "GPL-3.0-only" },
    "1.5.0": { age: 10 },
  }
  return releases[version]!
}
