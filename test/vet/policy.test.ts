// Which policy a run is held to: layers from files and the environment, and what must not pass for a policy.
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { findPolicy, findPolicyDirectory } from "../../src/vet/policy.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { policyOf, vetTree } from "./support.ts"

async function failure(cwd: string, options = {}): Promise<Partial<NanoguardError>> {
  const error = await findPolicy(testContext(cwd), options).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(NanoguardError)
  const { exit, message, where, hint } = error as NanoguardError
  return { exit, message, ...(where && { where }), ...(hint !== undefined && { hint }) }
}

describe("findPolicy", () => {
  it("takes the nearest file upwards, up to the top of the repository", async () => {
    const root = temporaryDirectory({
      "nanoguard.yaml": "version: 1\n",
      "repo/.git/HEAD": "",
      "repo/a/nanoguard.yaml": "version: 1\n",
      "repo/a/b/c/x.txt": "",
      "repo/d/x.txt": "",
    })
    expect(await findPolicy(testContext(join(root, "repo/a/b/c")))).toMatchObject({
      source: "file",
      path: "../../nanoguard.yaml",
    })
    expect(await findPolicy(testContext(join(root, "repo/d")))).toMatchObject({ source: "built-in", path: "built-in" })
  })

  it("the built-in one refuses what the shipped preset refuses", async () => {
    const { policy } = await findPolicy(testContext(temporaryDirectory()))
    const said = policy.packages.conditions.map(({ effect, key, value }) => `${effect} ${key} ${JSON.stringify(value)}`)
    expect(said).toEqual(
      expect.arrayContaining(["deny malware true", 'deny severity "critical"', "deny nonexistent true"]),
    )
    expect(policy.mode).toBe("enforce")
  })

  it.each([
    ["an unknown key", "version: 1\npackages:\n  deny:\n    licences: [MIT]\n", { line: 4, column: 5 }],
    ["no version", "packages: {}\n", { line: 1, column: 1 }],
    ["another version", "version: 2\n", { line: 1, column: 10 }],
    ["a tab", "version: 1\n\tpackages: {}\n", { line: 2, column: 1 }],
    ["nothing", "", { line: 1, column: 1 }],
    ["a duplicate key", "version: 1\nmode: enforce\nmode: observe\n", { line: 3, column: 1 }],
  ])("%s is an error with its place", async (_, text, place) => {
    expect(await failure(temporaryDirectory({ "nanoguard.yaml": text }))).toMatchObject({
      exit: EXIT.configuration,
      where: { file: "nanoguard.yaml", ...place },
    })
  })

  it("a directory, or bytes that are no text, in the place of the policy are errors", async () => {
    expect(await failure(temporaryDirectory({ "nanoguard.yaml/x": "" }))).toMatchObject({ exit: EXIT.configuration })
    const cwd = temporaryDirectory({ "nanoguard.yaml": "version: 1\n" })
    expect(await failure(cwd, { file: "not-there.yaml" })).toMatchObject({
      exit: EXIT.configuration,
      message: "the policy is not there",
      where: { file: "not-there.yaml" },
    })
  })

  it("nanoguard.yml is not passed over in silence", async () => {
    const cwd = temporaryDirectory({ "nanoguard.yml": "version: 1\n", "a/x.txt": "" })
    expect(await failure(join(cwd, "a"))).toEqual({
      exit: EXIT.configuration,
      message: "nanoguard.yml is not read",
      where: { file: "../nanoguard.yml" },
      hint: "rename it to nanoguard.yaml",
    })
  })
})

describe("a policy that is a link", () => {
  it("may lead to another file of the repository", () => {
    const root = temporaryDirectory({ ".git/HEAD": "", "policies/strict.yaml": "version: 1\n", "a/x.txt": "" })
    symlinkSync("../policies/strict.yaml", join(root, "a/nanoguard.yaml"))
    expect(findPolicyDirectory(join(root, "a"))).toBe(join(root, "a"))
  })

  it.each([
    ["out of the repository", "../outside.yaml"],
    ["nowhere", "gone.yaml"],
  ])("that leads %s is an error, and nothing of its target is read or shown", async (_, target) => {
    const root = temporaryDirectory({ "outside.yaml": "secret: hunter2\n", "repo/.git/HEAD": "" })
    symlinkSync(target, join(root, "repo/nanoguard.yaml"))
    const error = await failure(join(root, "repo"))
    expect(error).toMatchObject({
      exit: EXIT.configuration,
      message: "the policy is a link that leads nowhere or out of the repository",
      where: { file: "nanoguard.yaml" },
    })
    expect(JSON.stringify(error)).not.toContain("hunter2")
  })
})

describe("layers", () => {
  const files = {
    "org.yaml": policyOf("deny: { install-scripts: true }"),
    "nanoguard.yaml": policyOf(
      "ask: { deprecated: true }\nexceptions:\n  - { allow: pkg:npm/a, of: release.deprecated, owner: ana@acme.example, reason: known, expires: 2026-12-31 }",
    ),
    "nanoguard.local.yaml": policyOf("deny: { deprecated: true }"),
  }
  const vet = (env: Record<string, string>) =>
    vetTree({
      policy: "",
      files,
      packages: { a: "1.0.0", b: "1.0.0", c: "1.0.0" },
      prepare: ({ npm }) => {
        for (const name of ["a", "b"]) npm(name, { "1.0.0": { deprecated: "x" } })
        npm("c", { "1.0.0": { scripts: { install: "x" } } })
      },
      env,
    })

  it("a lower layer tightens, and exceptions above it reach it; the organisation's comes from NANOGUARD_ORG_POLICY", async () => {
    expect((await vet({ NANOGUARD_ORG_POLICY: "org.yaml" })).found).toEqual({
      "b@1.0.0": "deny release.deprecated",
      "c@1.0.0": "deny script.unapproved",
    })
  })

  it("without the variable there is no organisation, and CI leaves the local layer out", async () => {
    expect((await vet({ CI: "true" })).found).toEqual({ "b@1.0.0": "ask release.deprecated" })
  })

  it("an organisation's policy that is not there is an error, never an empty layer", async () => {
    const ctx = testContext(temporaryDirectory(files), { env: emptyHome({ NANOGUARD_ORG_POLICY: "gone.yaml" }) })
    await expect(findPolicy(ctx)).rejects.toMatchObject({
      exit: EXIT.configuration,
      message: "the organisation's policy is not there",
    })
  })

  it("an organisation alone does not replace the built-in policy, and observe needs every layer", async () => {
    const cwd = temporaryDirectory({ "org.yaml": "version: 1\nmode: observe\n" })
    const org = { NANOGUARD_ORG_POLICY: "org.yaml" }
    const { policy, source } = await findPolicy(testContext(cwd, { env: emptyHome(org) }))
    expect(source).toBe("built-in")
    expect(policy.mode).toBe("enforce")
    expect(policy.packages.conditions.length).toBeGreaterThan(5)
  })

  it("the local layer stays below the built-in policy, whose denies it may not lift", async () => {
    const cwd = temporaryDirectory({ "org.yaml": "version: 1\n", "nanoguard.local.yaml": "version: 1\n" })
    const { policy } = await findPolicy(testContext(cwd, { env: emptyHome({ NANOGUARD_ORG_POLICY: "org.yaml" }) }))
    expect(policy.files).toEqual(["org:nanoguard.yaml", "built-in", "nanoguard.local.yaml"])
  })

  it("a named file stands for the repository's and the local one", async () => {
    const cwd = temporaryDirectory(files)
    const { policy, source, path } = await findPolicy(testContext(cwd), { file: "org.yaml" })
    expect({ source, path }).toEqual({ source: "file", path: "org.yaml" })
    expect(policy.packages.conditions.map(({ key }) => key)).toEqual(["install-scripts"])
  })
})
