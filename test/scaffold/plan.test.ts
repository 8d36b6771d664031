// What init writes, for every combination of answers, worked out in a repository on disk and without writing.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { load } from "js-yaml"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { processContext } from "../../src/context.ts"
import { EXIT } from "../../src/errors.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { runPolicyTests } from "../../src/policy/testing.ts"
import { buildPlan } from "../../src/scaffold/build-plan.ts"
import { detectFacts } from "../../src/scaffold/detect.ts"
import { findRoot, readListing } from "../../src/scaffold/listing.ts"
import { defaultAnswers, readFlags } from "../../src/scaffold/options.ts"
import { type Answers, PRESETS } from "../../src/scaffold/types.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nanoguard-plan-"))
  mkdirSync(join(root, ".git"))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const ctx = { ...processContext(), env: { PATH: "" }, now: () => Date.UTC(2026, 10, 21) }
const put = (path: string, text: string) => {
  mkdirSync(join(root, path, ".."), { recursive: true })
  writeFileSync(join(root, path), text)
}
const ANSWERS: Answers = { preset: "team", ci: "none", agents: [], instructions: false, native: false }

async function plan(answers: Partial<Answers>, force = false) {
  const facts = detectFacts(readListing(ctx, root, true))
  const made = await buildPlan(ctx, root, facts, { ...ANSWERS, ...answers }, force)
  return { ...made, facts, actions: Object.fromEntries(made.files.map((file) => [file.path, file.action])) }
}
const textOf = async (path: string, answers: Partial<Answers>) =>
  (await plan(answers)).files.find((file) => file.path === path)!.after

describe("the policy", () => {
  it.each(PRESETS)("%s loads, whichever agents there are", async (preset) => {
    for (const agents of [[], ["claude", "codex", "gemini", "nanoclaw"]] as Answers["agents"][]) {
      const text = await textOf("nanoguard.yaml", { preset, agents })
      expect(loadPolicy(text, "nanoguard.yaml").mode).toBe("enforce")
      // Where the schema is differs from machine to machine: no path of one of them is committed.
      expect(text).toContain("nanoguard.schema.json below `npm root --global`")
      expect(text).not.toContain("$schema=")
      const effect = preset === "solo" ? "ask" : "deny"
      const unknown = { default: effect, offline: "allow", unsupported: "allow", advisories: effect }
      expect(load(text)).toMatchObject({ packages: { unknown } })
    }
  })

  it("lets the chosen agents reach their models, and nobody else's", async () => {
    const hosts = (
      load(await textOf("nanoguard.yaml", { agents: ["claude", "gemini"] })) as { network: { allow: string }[] }
    ).network
    expect(hosts.map((rule) => rule.allow)).toEqual(["api.anthropic.com", "generativelanguage.googleapis.com"])
    expect(load(await textOf("nanoguard.yaml", {}))).toHaveProperty("network", [])
  })

  it("stays what it is where it exists, and its tests are left out", async () => {
    put("nanoguard.yaml", "version: 1\n")
    const kept = await plan({})
    expect(kept.actions).toEqual({ "nanoguard.yaml": "keep" })
    expect(kept.notes.join()).toContain("is yours and stays")
    expect((await plan({}, true)).actions).toEqual({ "nanoguard.yaml": "replace", "nanoguard.test.yaml": "create" })
  })
})

describe("CI", () => {
  it("has the least permissions, pins every action, and takes no text of a pull request into a script", async () => {
    const text = await textOf(".github/workflows/nanoguard.yml", { ci: "github" })
    const workflow = load(text) as { permissions: unknown; jobs: { vet: { steps: { uses?: string; run?: string }[] } } }
    expect(workflow.permissions).toEqual({ contents: "read" })
    const { steps } = workflow.jobs.vet
    for (const { uses, run } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/)
      expect(run ?? "").not.toContain("${{")
    }
    const install = steps.findIndex(({ run }) => run?.includes("npm install"))
    const checkout = steps.findIndex(({ uses }) => uses?.startsWith("actions/checkout"))
    expect(install).toBeGreaterThanOrEqual(0)
    expect(install).toBeLessThan(checkout)
    expect(text).not.toContain("pull_request_target")
  })

  it.each(["github", "gitlab"] as const)("runs policy tests on %s only where there are some", async (ci) => {
    const path = ci === "github" ? ".github/workflows/nanoguard.yml" : ".gitlab/nanoguard.yml"
    expect(await textOf(path, { ci })).toContain("nanoguard policy test\n")
    put("nanoguard.yaml", "version: 1\n")
    const without = await textOf(path, { ci })
    expect(without).not.toContain("policy test")
    expect(without).toMatch(/policy check\n\s+- /)
    put("nanoguard.test.yaml", "cases: []\n")
    expect(await textOf(path, { ci })).toContain("nanoguard policy test\n")
  })

  it("includes GitLab's job, or says how", async () => {
    expect((await plan({ ci: "gitlab" })).actions).toMatchObject({
      ".gitlab/nanoguard.yml": "create",
      ".gitlab-ci.yml": "create",
    })
    put(".gitlab-ci.yml", "stages: [build]\nbuild:\n  script: !reference [a, b]\n")
    expect(await textOf(".gitlab-ci.yml", { ci: "gitlab" })).toBe(
      "stages: [build]\nbuild:\n  script: !reference [a, b]\ninclude:\n  - local: .gitlab/nanoguard.yml\n",
    )
    put(".gitlab-ci.yml", "include:\n  - local: other.yml\n")
    const file = (await plan({ ci: "gitlab" })).files.find(({ path }) => path === ".gitlab-ci.yml")!
    expect(file.action).toBe("conflict")
    expect(file.reason).toContain(".gitlab/nanoguard.yml")
    const job = load(await textOf(".gitlab/nanoguard.yml", { ci: "gitlab" }))
    expect(job).toHaveProperty("nanoguard.stage", ".pre")
  })
})

describe("agents", () => {
  it("merges their settings and leaves a person's alone", async () => {
    put(".claude/settings.json", '{ "permissions": { "deny": ["Read(.env)"], "defaultMode": "plan" } }')
    put(".codex/config.toml", 'model = "x"\nsandbox_mode = "read-only"\n')
    const claude = JSON.parse(await textOf(".claude/settings.json", { agents: ["claude"] }))
    expect(claude.permissions.defaultMode).toBe("plan")
    expect(claude.permissions.deny.slice(0, 2)).toEqual(["Read(.env)", "Edit(/nanoguard.yaml)"])
    expect(await textOf(".codex/config.toml", { agents: ["codex"] })).toBe(
      'model = "x"\nsandbox_mode = "read-only"\n\n[sandbox_workspace_write]\nnetwork_access = false\n',
    )
  })

  it("tells them once, where one file points to another", async () => {
    put("AGENTS.md", "# App\n")
    put("CLAUDE.md", "@AGENTS.md\n")
    symlinkSync("AGENTS.md", join(root, "GEMINI.md"))
    const { actions } = await plan({ agents: ["claude", "codex", "gemini"], instructions: true })
    expect(actions["AGENTS.md"]).toBe("merge")
    expect(actions).not.toHaveProperty(["CLAUDE.md"])
    expect(actions).not.toHaveProperty(["GEMINI.md"])
    expect((await plan({ agents: ["claude"], instructions: false })).actions).not.toHaveProperty(["AGENTS.md"])
  })

  it("refuses the whole plan where a settings directory is a link", async () => {
    symlinkSync(tmpdir(), join(root, ".claude"))
    await expect(plan({ agents: ["claude"] })).rejects.toMatchObject({ exit: EXIT.configuration })
  })
})

describe("native settings", () => {
  it("writes those of each manager at the top, and says which are below", async () => {
    put("package.json", '{\n  "name": "app"\n}\n')
    put("bun.lock", "{}")
    put("pnpm-lock.yaml", "")
    put("api/uv.lock", "")
    const { actions, notes } = await plan({ native: true })
    expect(actions).toMatchObject({ "bunfig.toml": "create", "pnpm-workspace.yaml": "create", "package.json": "merge" })
    expect(actions).not.toHaveProperty(["pyproject.toml"])
    expect(notes.join()).toContain("api/uv.lock")
    expect(JSON.parse(await textOf("package.json", { native: true }))).toEqual({ name: "app", trustedDependencies: [] })
  })

  it("follows the policy that is there, and writes none for one that does not load", async () => {
    put("package-lock.json", "{}")
    put("nanoguard.yaml", "version: 1\npackages: { ask: { age: 36h } }\n")
    expect(await textOf(".npmrc", { native: true })).toBe("min-release-age=2\n")
    put("nanoguard.yaml", "version: 2\n")
    const { actions, notes } = await plan({ native: true })
    expect(actions).not.toHaveProperty([".npmrc"])
    expect(notes.join()).toContain("does not load")
  })
})

describe("flags", () => {
  it("turn into answers, in a fixed order", () => {
    expect(
      readFlags({ preset: "solo", ci: "none", agents: "gemini, claude", native: true, instructions: false }),
    ).toEqual({
      preset: "solo",
      ci: "none",
      agents: ["claude", "gemini"],
      native: true,
      instructions: false,
    })
    expect(readFlags({ agents: "none" })).toEqual({ agents: [] })
  })

  it.each([{ preset: "Solo" }, { ci: "" }, { agents: "" }, { agents: "claude,none" }, { preset: "__proto__" }])(
    "refuse %o",
    (options) => {
      expect(() => readFlags(options)).toThrow(expect.objectContaining({ exit: EXIT.usage }))
    },
  )

  it("default to what was found", () => {
    const facts = detectFacts({ paths: [".gitlab-ci.yml", ".claude/"], texts: new Map(), engines: [], git: true })
    expect(defaultAnswers(facts, {})).toEqual({
      preset: "team",
      ci: "gitlab",
      agents: ["claude"],
      instructions: true,
      native: false,
      image: "node:24-bookworm",
    })
    expect(defaultAnswers(facts, { ci: "none", agents: [] })).toMatchObject({ preset: "solo", instructions: false })
  })
})

describe("looking", () => {
  it("finds the top of the repository from below, and skips what is installed", () => {
    put("web/package-lock.json", "{}")
    put("node_modules/a/package-lock.json", "{}")
    expect(findRoot(join(root, "web"))).toEqual({ root, git: true })
    expect(detectFacts(readListing(ctx, root, true)).lockfiles).toEqual(["web/package-lock.json"])
  })

  it("finds engines on absolute entries of PATH only", () => {
    for (const directory of ["bin", "rel"]) put(`${directory}/docker`, "#!/bin/sh\n")
    chmodSync(join(root, "bin/docker"), 0o755)
    chmodSync(join(root, "rel/docker"), 0o755)
    const engines = (path: string) => readListing({ ...ctx, env: { PATH: path } }, root, true).engines
    expect(engines(join(root, "bin"))).toEqual(["docker"])
    expect(engines("rel:.:")).toEqual([])
  })
})

describe("the policy's tests", () => {
  it.each(PRESETS)("%s keeps its promises, offline and with every agent", async (preset) => {
    for (const agents of [[], ["claude", "codex", "gemini"]] as Answers["agents"][]) {
      const policy = loadPolicy(await textOf("nanoguard.yaml", { preset, agents }), "nanoguard.yaml")
      const text = await textOf("nanoguard.test.yaml", { preset, agents })
      const results = runPolicyTests(policy, text, "nanoguard.test.yaml", ctx.now())
      expect(results.filter((result) => !result.passed)).toEqual([])
      expect(results.filter((result) => result.name === "a model answers")).toHaveLength(agents.length)
      expect(results.length).toBeGreaterThan(10)
    }
  })
})
