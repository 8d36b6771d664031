// Every native setting that init writes, tried with the real package manager against a registry on loopback: a release of
// 2.5 days is left alone by a policy of three days, one of 3.5 days is taken. Managers come from npm and PyPI, into a
// temporary directory.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { execa } from "execa"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { type NativePolicy, planNative } from "../../src/scaffold/native.ts"
import { planFile } from "../../src/scaffold/plan.ts"
import type { FoundManager } from "../../src/scaffold/types.ts"
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
const managers = new Map<string, string>()

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

/** Installs a manager from npm once; skips the test where that is not possible. */
function fromNpm(ctx: TestContext, spec: string, bin: string): string {
  const known = managers.get(spec)
  if (known !== undefined) return known
  const home = join(scratch, "managers", spec.replace(/\W/g, "-"))
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, "package.json"), '{"private":true,"allowScripts":{"bun":true}}')
  try {
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", spec], { cwd: home, stdio: "pipe" })
  } catch {
    ctx.skip(`${spec} is missing: it comes from the npm registry, which was not reached`)
  }
  const path = join(home, "node_modules", ".bin", bin)
  managers.set(spec, path)
  return path
}

function fromPyPI(ctx: TestContext, spec: string, bin: string): string {
  const known = managers.get(spec)
  if (known !== undefined) return known
  const home = join(scratch, "managers", spec.replace(/\W/g, "-"))
  try {
    execFileSync("python3", ["-m", "venv", home], { stdio: "pipe" })
    execFileSync(join(home, "bin", "pip"), ["install", "--quiet", "--upgrade", spec], { stdio: "pipe" })
  } catch {
    ctx.skip(`${spec} is missing: it needs python3 with venv and the Python package index`)
  }
  const path = join(home, "bin", bin)
  managers.set(spec, path)
  return path
}

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

async function run(directory: string, file: string, args: string[]) {
  const home = join(scratch, "home")
  mkdirSync(home, { recursive: true })
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    XDG_CACHE_HOME: join(directory, ".cache"),
    NPM_CONFIG_REGISTRY: registry.url,
    npm_config_registry: registry.url,
    npm_config_cache: join(directory, ".cache", "npm"),
    npm_config_userconfig: join(home, "none"),
    npm_config_store_dir: join(directory, ".cache", "store"),
    // pnpm 11 reads its own prefix only.
    pnpm_config_registry: registry.url,
    pnpm_config_store_dir: join(directory, ".cache", "store"),
    BUN_CONFIG_REGISTRY: registry.url,
    BUN_INSTALL_CACHE_DIR: join(directory, ".cache", "bun"),
    YARN_NPM_REGISTRY_SERVER: registry.url,
    YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    YARN_ENABLE_GLOBAL_CACHE: "false",
    YARN_ENABLE_TELEMETRY: "false",
    YARN_NODE_LINKER: "node-modules",
    UV_DEFAULT_INDEX: `${registry.url}/simple/`,
    UV_CACHE_DIR: join(directory, ".cache", "uv"),
    UV_PYTHON_DOWNLOADS: "never",
  }
  return execa(file, args, { cwd: directory, env, extendEnv: false, reject: false, all: true, timeout: 120_000 })
}

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

interface Case {
  label: string
  spec: string
  bin: string
  manager: FoundManager
  /** Files besides package.json that the manager wants to see. */
  extra?: Record<string, string>
  /** What the manager says of settings, to show that it knows the keys: arguments and expected output. */
  settings: [string[], string][]
  install?: string[]
}

const CASES: Case[] = [
  {
    label: "npm 11",
    spec: "npm@11.19.1",
    bin: "npm",
    manager: { name: "npm", why: "package-lock.json" },
    settings: [
      [["config", "get", "min-release-age"], "3"],
      [["config", "get", "allow-git"], "none"],
      [["config", "get", "allow-remote"], "none"],
      [["config", "get", "strict-allow-scripts"], "true"],
    ],
  },
  {
    label: "npm 12",
    spec: "npm@12.2.0",
    bin: "npm",
    manager: { name: "npm", why: "package-lock.json" },
    settings: [[["config", "get", "min-release-age"], "3"]],
  },
  {
    label: "pnpm 10",
    spec: "pnpm@10.34.9",
    bin: "pnpm",
    manager: { name: "pnpm", why: "pnpm-lock.yaml" },
    settings: [
      [["config", "get", "minimumReleaseAge"], "4320"],
      [["config", "get", "trustPolicy"], "no-downgrade"],
      [["config", "get", "blockExoticSubdeps"], "true"],
    ],
  },
  {
    label: "pnpm 12",
    spec: "pnpm@12.21.0",
    bin: "pnpm",
    manager: { name: "pnpm", why: "pnpm-lock.yaml" },
    settings: [
      [["config", "get", "minimumReleaseAge"], "4320"],
      [["config", "get", "trustPolicy"], "no-downgrade"],
      [["config", "get", "blockExoticSubdeps"], "true"],
    ],
  },
  {
    label: "yarn 4",
    spec: "@yarnpkg/cli-dist@4.18.1",
    bin: "yarn",
    manager: { name: "yarn", why: "yarn.lock", major: 4 },
    extra: { "yarn.lock": "" },
    settings: [
      [["config", "get", "npmMinimalAgeGate"], "4320"],
      [["config", "get", "enableScripts"], "false"],
    ],
  },
  {
    label: "bun",
    spec: "bun@1.4.5",
    bin: "bun",
    manager: { name: "bun", why: "bun.lock" },
    settings: [],
  },
]

describe.each(CASES)("$label", ({ spec, bin, manager, extra = {}, settings, install = ["install"] }) => {
  it("takes the newest release without the settings, and one that is three days old with them", async (ctx) => {
    const tool = fromNpm(ctx, spec, bin)
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
    const tool = fromNpm(ctx, spec, bin)
    const files = { ...extra, "package.json": dependsOn("aging").replace("^1.0.0", "1.1.0") }
    const guarded = await createProject(files, manager)
    const result = await run(guarded, tool, install)
    expect(result.exitCode, result.all).not.toBe(0)
    expect(existsSync(join(guarded, "node_modules", "aging"))).toBe(false)
  })

  it("runs the scripts of approved packages only", async (ctx) => {
    const tool = fromNpm(ctx, spec, bin)
    const approved = await createProject({ ...extra, "package.json": dependsOn("approved") }, manager)
    const result = await run(approved, tool, install)
    expect(ran(approved, "approved"), result.all).toBe(true)
    const both = await createProject({ ...extra, "package.json": dependsOn("approved", "unapproved") }, manager)
    const refused = await run(both, tool, install)
    expect(ran(both, "unapproved"), refused.all).toBe(false)
  })

  it("knows the settings by name", async (ctx) => {
    const tool = fromNpm(ctx, spec, bin)
    const directory = await createProject({ ...extra, "package.json": dependsOn("aging") }, manager)
    for (const [args, value] of settings) {
      const result = await run(directory, tool, args)
      expect(result.stdout.trim(), `${args.join(" ")}\n${result.all}`).toBe(value)
    }
  })
})

describe.each(CASES.filter(({ bin }) => bin === "npm"))("sources in $label", ({ spec, bin, manager }) => {
  it("refuses git and other hosts", async (ctx) => {
    const tool = fromNpm(ctx, spec, bin)
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
    const tool = fromNpm(ctx, spec, bin)
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
    const uv = fromPyPI(ctx, "uv==0.13.8", "uv")
    const open = await createProject({ "pyproject.toml": project }, null)
    const before = await run(open, uv, ["lock"])
    expect(locked(open), before.all).toBe("1.1.0")
    const guarded = await createProject({ "pyproject.toml": project }, { name: "uv", why: "uv.lock" })
    const after = await run(guarded, uv, ["lock"])
    expect(locked(guarded), after.all).toBe("1.0.0")
  })

  it("pip takes the duration of the note from its environment", async (ctx) => {
    const pip = fromPyPI(ctx, "pip==26.3", "pip")
    const note = planNative(POLICY, [{ name: "pip", why: "requirements.txt" }], false).notes[0]!
    const [, variable, value] = /(PIP_UPLOADED_PRIOR_TO)=(\w+)/.exec(note)!
    const directory = await createProject({}, null)
    const env = { PATH: process.env["PATH"], HOME: directory, [variable!]: value }
    const args = ["install", "--dry-run", "--no-cache-dir", "--index-url", `${registry.url}/simple/`, "aging"]
    const result = await execa(pip, args, { cwd: directory, env, extendEnv: false, reject: false, all: true })
    expect(result.all).toContain("Would install aging-1.0.0")
  })
})
