// `vet --fix` with every real package manager and the real registries, on projects that lock what is known to be bad, and that
// bring programs of their own for a manager to run.
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { fixTree } from "../../src/vet/fix.ts"
import { runVet } from "../../src/vet/run.ts"
import { temporaryDirectory, testContext, writeFiles } from "../context.ts"
import { PYTHON_INDEX } from "../packages/lockfiles/python-helpers.ts"
import { tool } from "../tools.ts"
import { ONLINE } from "../vet/support.ts"
import { canRun, findPythonTool, type PythonTool, run } from "./python-tools.ts"

/** Known vulnerabilities by the shipped snapshot; the rest by rules, so that nothing here changes with the advisories. */
const POLICY = `version: 1
default: allow
packages:
  deny: { severity: high }
  unknown: allow
  rules:
    - { id: too-new, deny: pkg:npm/minimist, versions: ">=1.2.8", reason: for a downgrade within the range }
    - { id: old-leaf, deny: pkg:npm/statuses, versions: "<2", reason: for a newer parent }
    - { id: old-requests, deny: pkg:pypi/requests, versions: "<2.32", reason: old }
    - { id: old-urllib3, deny: pkg:pypi/urllib3, versions: "<1.26.17", reason: old }
    - { id: old-jinja2, deny: pkg:pypi/jinja2, versions: "<3.1.5", reason: old }
    - { id: old-smallvec, deny: pkg:cargo/smallvec, versions: "<1.9", reason: old }
    - { id: old-time, deny: pkg:cargo/time, versions: "<0.2", reason: old }
    - { id: old-text, deny: pkg:golang/golang.org/x/text, versions: "<0.3.8", reason: old }
`

async function fix(cwd: string, path: string[]) {
  writeFileSync(join(cwd, "nanoguard.yaml"), POLICY)
  const { HOME = "", PATH = "" } = process.env
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(PIP_|UV_|REQUESTS_|CURL_|SSL_|NODE_EXTRA|.*_proxy$)/i.test(name),
  )
  const env = { ...(Object.fromEntries(kept) as Record<string, string>), HOME, NANOGUARD_HOME: temporaryDirectory() }
  const ctx = testContext(cwd, { env: { ...env, PATH: [...path, PATH].join(delimiter) }, now: Date.now() })
  const { report } = await fixTree(ctx, { ...ONLINE, dryRun: false }, await runVet(ctx, ONLINE))
  const again = (await runVet(ctx, ONLINE)).report
  const read = (file: string) => readFileSync(join(cwd, file), "utf8")
  return { report, again, read, left: report.steps.filter(({ outcome }) => outcome !== "fixed") }
}

describe("npm family", () => {
  const MANIFEST = `{
    "name": "app",
    "version": "1.0.0",
    "private": true,
    "dependencies": {
        "axios": "1.6.0"
    },
    "devDependencies": { "finalhandler": "1.1.2", "mkdirp": "0.5.6" }
}
`
  const MARK = (name: string) => `require("fs").writeFileSync(${JSON.stringify(name)}, "")`

  /** Everything that a repository can bring for a manager to run, added once the project is locked. */
  function addTraps(cwd: string, marks: string): void {
    const trap = MARK(join(marks, "RAN"))
    writeFiles(cwd, {
      ".pnpmfile.cjs": trap,
      ".pnpmfile.mjs": `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(join(marks, "RAN"))}, "")`,
      ".npmrc": "ignore-scripts=false\nscript-shell=./evil\npnpmfile=evil.cjs\nnode-options=--require ./evil.cjs\n",
      ".yarnrc": 'yarn-path "./evil.cjs"\n',
      ".yarnrc.yml": "yarnPath: ./evil.cjs\nplugins:\n  - path: ./evil.cjs\n    spec: evil\nenableScripts: true\n",
      "bunfig.toml": 'preload = ["./evil.cjs"]\n[install.security]\nscanner = "./evil.cjs"\n',
      "yarn.config.cjs": trap,
      "evil.cjs": trap,
      evil: `#!/bin/sh\ntouch ${join(marks, "RAN")}\n`,
      ...Object.fromEntries(
        ["npm", "pnpm", "yarn", "bun"].map((name) => [`node_modules/.bin/${name}`, "#!/bin/sh\n./evil\n"]),
      ),
    })
    chmodSync(join(cwd, "evil"), 0o755)
    const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"))
    const hooks = ["preinstall", "install", "postinstall", "prepare", "pnpm:devPreinstall"]
    manifest.scripts = Object.fromEntries(hooks.map((hook) => [hook, "./evil"]))
    writeFileSync(join(cwd, "package.json"), `${JSON.stringify(manifest, null, 4)}\n`)
  }

  const managers: [string, string, string[]][] = [
    ["npm", "package-lock.json", ["npm", "install", "--package-lock-only", "--ignore-scripts"]],
    ["pnpm-8", "pnpm-lock.yaml", ["pnpm", "install", "--lockfile-only"]],
    ["pnpm-12", "pnpm-lock.yaml", ["pnpm", "install", "--lockfile-only"]],
    ["yarn-1", "yarn.lock", ["yarn", "install", "--ignore-scripts", "--silent"]],
    ["yarn-4", "yarn.lock", ["yarn", "install", "--mode=update-lockfile"]],
    ["bun", "bun.lock", ["bun", "install", "--lockfile-only", "--ignore-scripts"]],
  ]

  it.for(managers)(
    "%s: upgrades, holds back, brings a newer parent in, and runs nothing",
    async ([name, lockfile, lock], ctx) => {
      const program = name === "npm" ? undefined : tool(ctx, name).program(lock[0]!)
      const cwd = temporaryDirectory({ "package.json": MANIFEST, ...(name === "yarn-4" && { "yarn.lock": "" }) })
      const bin = temporaryDirectory()
      if (program !== undefined) {
        // One program a directory, so that no other manager comes along with it.
        writeFileSync(join(bin, lock[0]!), `#!/bin/sh\nexec ${JSON.stringify(program)} "$@"\n`)
        chmodSync(join(bin, lock[0]!), 0o755)
      }
      const path = [bin, process.env["PATH"] ?? ""].join(delimiter)
      await run(program ?? "npm", lock.slice(1), cwd, { PATH: path, YARN_ENABLE_IMMUTABLE_INSTALLS: "false", CI: "" })
      addTraps(cwd, bin)
      const { report, again, read, left } = await fix(cwd, [join(cwd, "node_modules/.bin"), bin])
      expect(left).toEqual([])
      expect(report.before.deny).toBeGreaterThanOrEqual(3)
      expect([report.after.deny, again.counts.deny]).toEqual([0, 0])
      const manifest = JSON.parse(read("package.json"))
      expect(manifest.dependencies.axios).toMatch(/^1\.\d+\.\d+$/)
      expect(manifest.devDependencies.finalhandler).toBe("1.2.0")
      expect(manifest).not.toHaveProperty("overrides")
      expect(manifest).not.toHaveProperty("resolutions")
      expect(read(lockfile)).toMatch(/minimist[\s\S]{0,100}?1\.2\.7/)
      expect(report.files.map((file) => file.path).sort()).toEqual([lockfile, "package.json"].sort())
      expect(existsSync(join(bin, "RAN"))).toBe(false)
    },
  )
})

describe("Python", () => {
  const PROJECT = (requirements: string) =>
    `[project]\nname = "app"\nversion = "1.0.0"\nrequires-python = ">=3.10,<4"\ndependencies = [${requirements}]\n`
  const OLD = '"requests==2.31.0", "urllib3==1.26.5", "jinja2==3.1.2"'
  const NOW = '"requests>=2.31.0", "jinja2==3.1.2"'

  async function lockOld(
    ctx: TestContext,
    name: PythonTool,
    files: (requirements: string) => Record<string, string>,
    lock: string[][],
  ) {
    const found = await findPythonTool(name)
    if ("missing" in found) ctx.skip(found.missing)
    const { bin } = found as { bin: string }
    const cwd = temporaryDirectory(files(OLD))
    await run(join(bin, name), lock[0]!, cwd)
    writeFiles(cwd, files(NOW))
    await run(join(bin, name), lock[1]!, cwd)
    return { cwd, bin }
  }

  it("uv.lock: a direct pin, a range and a dependency's dependency", async (ctx) => {
    const files = (requirements: string) => ({ "pyproject.toml": PROJECT(requirements) })
    const { cwd, bin } = await lockOld(ctx, "uv", files, [["lock"], ["lock"]])
    const { again, read, left } = await fix(cwd, [bin])
    expect(left).toEqual([])
    expect(again.counts.deny).toBe(0)
    expect(read("pyproject.toml")).toBe(PROJECT(NOW.replace("jinja2==3.1.2", "jinja2==3.1.5")))
  })

  it("poetry.lock", async (ctx) => {
    const source = `[[tool.poetry.source]]\nname = "index"\nurl = "${PYTHON_INDEX}/"\npriority = "primary"\n`
    const files = (requirements: string) => ({
      "pyproject.toml": `${PROJECT(requirements)}[tool.poetry]\npackage-mode = false\n${source}`,
    })
    const { cwd, bin } = await lockOld(ctx, "poetry", files, [
      ["lock", "-q"],
      ["lock", "-q"],
    ])
    const { again, read, left } = await fix(cwd, [bin])
    expect(left).toEqual([])
    expect(again.counts.deny).toBe(0)
    expect(read("pyproject.toml")).toContain('"jinja2==3.1.5"')
  })

  it("pdm.lock", async (ctx) => {
    const files = (requirements: string) => ({ "pyproject.toml": PROJECT(requirements) })
    const { cwd, bin } = await lockOld(ctx, "pdm", files, [
      ["lock", "-q"],
      ["lock", "-q", "--update-reuse"],
    ])
    const { again, read, left } = await fix(cwd, [bin])
    expect(left).toEqual([])
    expect(again.counts.deny).toBe(0)
    expect(read("pyproject.toml")).toContain('"jinja2==3.1.5"')
  })

  it("requirements.txt: the new hashes are those that pip checks", async (ctx) => {
    const found = await findPythonTool("pip")
    if ("missing" in found) ctx.skip(found.missing)
    const { bin } = found as { bin: string }
    const cwd = temporaryDirectory({
      "requirements.txt": `jinja2==3.1.2 \\
    --hash=sha256:31351a702a408a9e7595a8fc6150fc3f43bb6bf7e319770cbc0db9df9437e852 \\
    --hash=sha256:6088930bfe239f0e6710546ab9c19c9ef35e29792895fed6e6e31a023a182a61
`,
    })
    const { again, read, left } = await fix(cwd, [bin])
    expect(left).toEqual([])
    expect(again.counts.deny).toBe(0)
    expect(read("requirements.txt")).toMatch(/^jinja2==3\.1\.5 \\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n){2}$/)
    const flags = ["download", "--quiet", "--no-deps", "--require-hashes", "-d", temporaryDirectory()]
    await run(join(bin, "pip"), [...flags, "-r", "requirements.txt"], cwd)
  })
})

it("Cargo.lock: in range, out of range, and no compiler of the repository's", async (ctx) => {
  if (!(await canRun("cargo", ["--version"]))) ctx.skip("cargo is missing: install Rust")
  const marks = temporaryDirectory()
  const cwd = temporaryDirectory({
    "src/main.rs": "fn main() {}\n",
    "Cargo.toml": `[package]
name = "app"
version = "0.1.0"
edition = "2021"
rust-version = "1.70"

[dependencies]
time = "0.1.43" # old
smallvec = { version = "1.6.0" }
`,
  })
  await run("cargo", ["update", "-q"], cwd)
  await run("cargo", ["update", "-q", "--precise", "1.6.0", "smallvec"], cwd)
  writeFiles(cwd, {
    ".cargo/config.toml": `[build]\nrustc = ${JSON.stringify(join(cwd, "evil"))}\nrustc-wrapper = ${JSON.stringify(join(cwd, "evil"))}\n`,
    evil: `#!/bin/sh\ntouch ${join(marks, "RAN")}\n`,
  })
  chmodSync(join(cwd, "evil"), 0o755)
  const { again, read, left } = await fix(cwd, [])
  expect(left).toEqual([])
  expect(again.counts.deny).toBe(0)
  expect(read("Cargo.toml")).toContain('time = "0.2.0" # old\nsmallvec = { version = "1.6.0" }\n')
  expect(read("Cargo.lock")).toContain('name = "smallvec"\nversion = "1.9.0"')
  expect(existsSync(join(marks, "RAN"))).toBe(false)
})

it("go.mod and go.sum", async (ctx) => {
  if (!(await canRun("go", ["version"]))) ctx.skip("go is missing: install Go")
  const cwd = temporaryDirectory({
    "go.mod": "module example.org/app\n\ngo 1.21\n\nrequire golang.org/x/text v0.3.7\n",
    "main.go": 'package main\n\nimport _ "golang.org/x/text/language"\n\nfunc main() {}\n',
  })
  await run("go", ["mod", "tidy"], cwd)
  const { again, read, left, report } = await fix(cwd, [])
  expect(left).toEqual([])
  expect(again.counts.deny).toBe(0)
  expect(read("go.mod")).toContain("golang.org/x/text v0.3.8")
  expect(report.files.map(({ path }) => path)).toEqual(["go.mod", "go.sum"])
  await run("go", ["build", "./..."], cwd, { GOFLAGS: "-mod=readonly" })
})
