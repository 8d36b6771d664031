// Every native setting that init writes, tried with the real package manager against a registry on loopback: a release of
// 2.5 days is left alone by a policy of three days, one of 3.5 days is taken. Managers come from npm and PyPI, into a
// temporary directory.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { execa } from "execa"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type NativePolicy, planNative } from "../../src/scaffold/native.ts"
import { planFile } from "../../src/scaffold/plan.ts"
import type { FoundManager } from "../../src/scaffold/types.ts"
import { CASES } from "./native/cases.ts"
import { fromNpm, fromPyPI, runManager } from "./native/managers.ts"
import { type StubRegistry, startRegistry } from "./native/registry.ts"

const POLICY: NativePolicy = {
  age: 3 * 86_400,
  scripts: true,
  approved: ["approved"],
  deniedSources: ["git", "url"],
  noDowngrade: true,
}
const MARK = `node -e "require('fs').writeFileSync('RAN', '')"`

let registry: StubRegistry
let scratch: string

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "nanoguard-native-"))
  registry = await startRegistry({
    aging: [
      { version: "1.0.0", days: 3.5 },
      { version: "1.1.0", days: 2.5 },
    ],
    unapproved: [{ version: "1.0.0", days: 100, postinstall: MARK }],
    downgraded: [
      { version: "1.0.0", days: 100, provenance: true },
      { version: "1.0.1", days: 90 },
    ],
    exotic: [{ version: "1.0.0", days: 100, dependencies: { approved: "{url}/files/approved/approved-1.0.0.tgz" } }],
    approved: [{ version: "1.0.0", days: 100, postinstall: MARK }],
  })
})

afterAll(async () => {
  await registry.close()
  rmSync(scratch, { recursive: true, force: true })
})

/** A project of its own with the settings that init would write, or none. */
async function createProject(files: Record<string, string>, manager: FoundManager | null, policy = POLICY) {
  const directory = mkdtempSync(join(scratch, "project-"))
  const contents = new Map(Object.entries(files))
  for (const edit of manager ? planNative(policy, [manager], false).edits : []) {
    const planned = await planFile({ ...edit, reason: "" }, contents.get(edit.path) ?? null)
    expect(planned.action, planned.reason).toMatch(/create|merge/)
    contents.set(edit.path, planned.after)
  }
  for (const [path, text] of contents) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}

const run = (directory: string, file: string, args: string[]) =>
  runManager(registry.url, scratch, directory, file, args)

const dependsOn = (...names: string[]) =>
  JSON.stringify({
    name: "project",
    version: "1.0.0",
    private: true,
    dependencies: Object.fromEntries(names.map((name) => [name, "^1.0.0"])),
  })

const installed = (directory: string, name: string): string =>
  JSON.parse(readFileSync(join(directory, "node_modules", name, "package.json"), "utf8")).version
const ran = (directory: string, name: string) => existsSync(join(directory, "node_modules", name, "RAN"))

describe.each(CASES)("$label", ({ spec, bin, manager, extra = {}, settings, install = ["install"] }) => {
  it("takes the newest release without the settings, and one that is three days old with them", async (ctx) => {
    const tool = fromNpm(ctx, scratch, spec, bin)
    const files = { ...extra, "package.json": dependsOn("aging") }
    // yarn and pnpm 11+ wait for a day of their own accord; both are less than the 2.5 days of the newer release.
    const open = await createProject(files, null)
    const before = await run(open, tool, install)
    expect(installed(open, "aging"), before.all).toBe("1.1.0")
    const guarded = await createProject(files, manager)
    const after = await run(guarded, tool, install)
    expect(installed(guarded, "aging"), after.all).toBe("1.0.0")
  })

  it("refuses an exact version that is too young", async (ctx) => {
    const tool = fromNpm(ctx, scratch, spec, bin)
    const files = { ...extra, "package.json": dependsOn("aging").replace("^1.0.0", "1.1.0") }
    const guarded = await createProject(files, manager)
    const result = await run(guarded, tool, install)
    expect(result.exitCode, result.all).not.toBe(0)
    expect(existsSync(join(guarded, "node_modules", "aging"))).toBe(false)
  })

  it("runs the scripts of approved packages only", async (ctx) => {
    const tool = fromNpm(ctx, scratch, spec, bin)
    const approved = await createProject({ ...extra, "package.json": dependsOn("approved") }, manager)
    const result = await run(approved, tool, install)
    expect(ran(approved, "approved"), result.all).toBe(true)
    const both = await createProject({ ...extra, "package.json": dependsOn("approved", "unapproved") }, manager)
    const refused = await run(both, tool, install)
    expect(ran(both, "unapproved"), refused.all).toBe(false)
  })

  it("knows the settings by name", async (ctx) => {
    const tool = fromNpm(ctx, scratch, spec, bin)
    const directory = await createProject({ ...extra, "package.json": dependsOn("aging") }, manager)
    for (const [args, value] of settings) {
      const result = await run(directory, tool, args)
      expect(result.stdout.trim(), `${args.join(" ")}\n${result.all}`).toBe(value)
    }
  })
})

describe.each(CASES.filter(({ bin }) => bin === "npm"))("sources in $label", ({ spec, bin, manager }) => {
  it("refuses git and other hosts", async (ctx) => {
    const tool = fromNpm(ctx, scratch, spec, bin)
    const source = mkdtempSync(join(scratch, "git-"))
    writeFileSync(join(source, "package.json"), '{"name":"fromgit","version":"1.0.0"}')
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.example", ...args], {
        cwd: source,
        stdio: "pipe",
      })
    git("init", "-q")
    git("add", "package.json")
    git("commit", "-qm", "one")
    const remote = `${registry.url.replace("127.0.0.1", "localhost")}/files/approved/approved-1.0.0.tgz`
    for (const dependencies of [{ fromgit: `git+file://${source}` }, { approved: remote }]) {
      const files = { "package.json": JSON.stringify({ name: "p", version: "1.0.0", dependencies }) }
      const open = await createProject({ ...files, ".npmrc": "allow-git=all\nallow-remote=all\n" }, null)
      const before = await run(open, tool, ["install"])
      expect(before.exitCode, before.all).toBe(0)
      const guarded = await createProject(files, manager)
      const after = await run(guarded, tool, ["install"])
      expect(after.exitCode, after.all).not.toBe(0)
      expect(after.all).toMatch(/EALLOW(GIT|REMOTE)/)
    }
  })
})

describe.each(CASES.filter(({ bin }) => bin === "pnpm"))("trust in $label", ({ spec, bin, manager }) => {
  it.for([
    ["downgraded", "1.0.1", /TRUST_DOWNGRADE|trust downgrade/],
    ["exotic", "1.0.0", /EXOTIC/],
  ] as const)("refuses what is %s", async ([name, version, code], ctx) => {
    const tool = fromNpm(ctx, scratch, spec, bin)
    const files = { "package.json": dependsOn(name).replace("^1.0.0", version) }
    // pnpm 11 and later block exotic dependencies of dependencies by themselves.
    const open = await createProject({ ...files, "pnpm-workspace.yaml": "blockExoticSubdeps: false\n" }, null)
    const before = await run(open, tool, ["install"])
    expect(installed(open, name), before.all).toBe(version)
    const guarded = await createProject(files, manager)
    const after = await run(guarded, tool, ["install"])
    expect(after.exitCode, after.all).not.toBe(0)
    expect(after.all).toMatch(code)
  })
})

describe("uv", () => {
  const project = `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.8"\ndependencies = ["aging>=1"]\n`
  const locked = (directory: string) =>
    /name = "aging"\nversion = "([^"]+)"/.exec(readFileSync(join(directory, "uv.lock"), "utf8"))?.[1]

  it("locks the newest release without the setting, and one that is three days old with it", async (ctx) => {
    const uv = fromPyPI(ctx, scratch, "uv==0.13.8", "uv")
    const open = await createProject({ "pyproject.toml": project }, null)
    const before = await run(open, uv, ["lock"])
    expect(locked(open), before.all).toBe("1.1.0")
    const guarded = await createProject({ "pyproject.toml": project }, { name: "uv", why: "uv.lock" })
    const after = await run(guarded, uv, ["lock"])
    expect(locked(guarded), after.all).toBe("1.0.0")
  })

  it("pip takes the duration of the note from its environment", async (ctx) => {
    const pip = fromPyPI(ctx, scratch, "pip==26.3", "pip")
    const note = planNative(POLICY, [{ name: "pip", why: "requirements.txt" }], false).notes[0]!
    const [, variable, value] = /(PIP_UPLOADED_PRIOR_TO)=(\w+)/.exec(note)!
    const directory = await createProject({}, null)
    const env = { PATH: process.env["PATH"], HOME: directory, [variable!]: value }
    const args = ["install", "--dry-run", "--no-cache-dir", "--index-url", `${registry.url}/simple/`, "aging"]
    const result = await execa(pip, args, { cwd: directory, env, extendEnv: false, reject: false, all: true })
    expect(result.all).toContain("Would install aging-1.0.0")
  })
})
