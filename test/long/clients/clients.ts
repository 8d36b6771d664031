// The package managers that the gate is tried with: one description each, and nothing about the cases.
import { execFileSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { TestContext } from "vitest"
import type { Ecosystem } from "../../../src/policy/types.ts"
import { tool } from "../../tools.ts"
import { canRun, findPythonTool, type PythonTool } from "../python-tools.ts"
import { goModule, requirement } from "./packages.ts"

/** What a project asks for: pins ("=1.0.1") and ranges ("^1.0.0") by name. */
export type Wanted = Readonly<Record<string, string>>

export interface ClientDescription {
  label: string
  ecosystem: Ecosystem
  /** As it is called in a shell. */
  command: string
  /** The program's path; skips the test where it cannot be had. */
  find: (ctx: TestContext) => Promise<string>
  /** Caches and habits of its own; nothing of registries. `home` is a directory of this run. */
  env: (home: string, program: string) => Record<string, string>
  /** A project; `base` is the registry's address, for who takes it from the project alone. */
  files: (wanted: Wanted, base: string) => Record<string, string>
  /** Command lines for a shell. */
  install: string
  frozen: string
  add: (name: string) => string
  /** Files that record what was resolved. */
  locks: readonly string[]
  /** Directories that hold what was installed, below the project. */
  trees: readonly string[]
  /** The version of a package that is installed, by reading what is on disk. */
  installed: (project: string, name: string) => string | undefined
  /** Requests of a refused artifact that it makes for one pin, where that is more than one. */
  asks?: number
}

const packageJson = (wanted: Wanted) => ({
  "package.json": `${JSON.stringify(
    {
      ...{ name: "project", version: "1.0.0", private: true },
      dependencies: Object.fromEntries(Object.entries(wanted).map(([name, range]) => [name, requirement.npm(range)])),
    },
    null,
    2,
  )}\n`,
})

function readVersion(project: string, pattern: string, of: RegExp): string | undefined {
  const found = globSync(pattern, { cwd: project }).map((path) => of.exec(path.replaceAll("\\", "/"))?.[1])
  return (
    found
      .filter((version) => version !== undefined)
      .sort()
      .join(" and ") || undefined
  )
}

const npmFamily = {
  ecosystem: "npm",
  env: () => ({}),
  files: packageJson,
  trees: ["node_modules"],
  installed: (project: string, name: string) => {
    const paths = globSync(
      [`node_modules/${name}/package.json`, `node_modules/.pnpm/${name}@*/node_modules/${name}/package.json`],
      { cwd: project },
    )
    const versions = new Set(
      paths.map((path) => (JSON.parse(readFileSync(join(project, path), "utf8")) as { version: string }).version),
    )
    return [...versions].sort().join(" and ") || undefined
  },
} as const
const fromNpm = (name: string, program: string) => async (ctx: TestContext) => tool(ctx, name).program(program)

const npm = (version: string): ClientDescription => ({
  ...npmFamily,
  label: `npm ${version}`,
  command: "npm",
  find: fromNpm(`npm-${version}`, "npm"),
  env: (home) => ({ npm_config_cache: join(home, "npm"), npm_config_update_notifier: "false" }),
  install: "npm install",
  frozen: "npm ci",
  add: (name) => `npm install ${name}`,
  locks: ["package-lock.json"],
})

const pnpm = (version: string): ClientDescription => ({
  ...npmFamily,
  label: `pnpm ${version}`,
  command: "pnpm",
  find: fromNpm(`pnpm-${version}`, "pnpm"),
  env: (home) => ({ npm_config_store_dir: join(home, "store"), pnpm_config_store_dir: join(home, "store") }),
  install: "pnpm install --no-frozen-lockfile",
  frozen: "pnpm install --frozen-lockfile",
  add: (name) => `pnpm add ${name}`,
  locks: ["pnpm-lock.yaml"],
})

const yarn1: ClientDescription = {
  ...npmFamily,
  label: "yarn 1",
  command: "yarn",
  find: fromNpm("yarn-1", "yarn"),
  env: (home) => ({ YARN_CACHE_FOLDER: join(home, "yarn"), YARN_DISABLE_SELF_UPDATE_CHECK: "true" }),
  install: "yarn install",
  frozen: "yarn install --frozen-lockfile",
  add: (name) => `yarn add ${name}`,
  locks: ["yarn.lock"],
}

const yarn4: ClientDescription = {
  ...npmFamily,
  label: "yarn 4",
  command: "yarn",
  find: fromNpm("yarn-4", "yarn"),
  env: (home) => ({
    YARN_GLOBAL_FOLDER: join(home, "yarn"),
    YARN_ENABLE_TELEMETRY: "false",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    YARN_NODE_LINKER: "node-modules",
  }),
  files: (wanted) => ({ ...packageJson(wanted), "yarn.lock": "" }),
  install: "yarn install",
  frozen: "yarn install --immutable",
  add: (name) => `yarn add ${name}`,
  locks: ["yarn.lock"],
}

const bun: ClientDescription = {
  ...npmFamily,
  label: "bun",
  command: "bun",
  find: fromNpm("bun", "bun"),
  env: (home) => ({ BUN_INSTALL_CACHE_DIR: join(home, "bun") }),
  install: "bun install",
  frozen: "bun install --frozen-lockfile",
  add: (name) => `bun add ${name}`,
  locks: ["bun.lock"],
}

const fromPython = (name: PythonTool) => async (ctx: TestContext) => {
  const found = await findPythonTool(name)
  if ("missing" in found) ctx.skip(found.missing)
  return join((found as { bin: string }).bin, name)
}
const requirements = (wanted: Wanted) =>
  Object.entries(wanted).map(([name, range]) => `${name}${requirement.pypi(range)}`)
const pyproject = (wanted: Wanted) =>
  `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.11"\ndependencies = ${JSON.stringify(requirements(wanted))}\n`
const sitePackages = ".venv/lib/python*/site-packages"
const distInfo = (root: string) => (project: string, name: string) =>
  readVersion(project, `${root}/${name.replaceAll("-", "_")}-*.dist-info`, /-([^-]+)\.dist-info$/)

const pip: ClientDescription = {
  label: "pip",
  ecosystem: "pypi",
  command: "pip",
  find: fromPython("pip"),
  env: (home) => ({
    PIP_CACHE_DIR: join(home, "pip"),
    PIP_TARGET: "site",
    PIP_UPGRADE: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
  }),
  files: (wanted) => ({
    "requirements.txt": requirements(wanted)
      .map((line) => `${line}\n`)
      .join(""),
  }),
  install: "pip install -r requirements.txt",
  frozen: "pip install -r requirements.txt",
  add: (name) => `pip install ${name}`,
  locks: [],
  trees: ["site"],
  installed: distInfo("site"),
}

const uv: ClientDescription = {
  label: "uv",
  ecosystem: "pypi",
  command: "uv",
  find: fromPython("uv"),
  env: (home, program) => ({
    UV_CACHE_DIR: join(home, "uv"),
    UV_PYTHON: join(program, "..", "python"),
    UV_LINK_MODE: "copy",
  }),
  files: (wanted) => ({ "pyproject.toml": pyproject(wanted) }),
  install: "uv sync",
  frozen: "uv sync --frozen",
  add: (name) => `uv add ${name}`,
  locks: ["uv.lock"],
  trees: [sitePackages],
  installed: distInfo(sitePackages),
  asks: 2,
}

const poetry: ClientDescription = {
  label: "poetry",
  ecosystem: "pypi",
  command: "poetry",
  find: fromPython("poetry"),
  env: (home) => ({
    POETRY_CACHE_DIR: join(home, "poetry"),
    POETRY_VIRTUALENVS_IN_PROJECT: "true",
    POETRY_NO_INTERACTION: "1",
  }),
  files: (wanted, base) => ({
    "pyproject.toml": `${pyproject(wanted)}\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "nanoguard"\nurl = "${base}/pypi/simple/"\npriority = "primary"\n`,
  }),
  install: "poetry install",
  frozen: "poetry install",
  add: (name) => `poetry add ${name}`,
  locks: ["poetry.lock"],
  trees: [sitePackages],
  installed: distInfo(sitePackages),
  asks: 5,
}

const fromMachine = (program: string, args: string[]) => async (ctx: TestContext) => {
  if (!(await canRun(program, args))) ctx.skip(`${program} is missing: install it`)
  return execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim()
}

const cargo: ClientDescription = {
  label: "cargo",
  ecosystem: "cargo",
  command: "cargo",
  find: fromMachine("cargo", ["--version"]),
  env: () => ({ RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup") }),
  files: (wanted) => ({
    "src/main.rs": "fn main() {}\n",
    "Cargo.toml": `[package]\nname = "project"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n${Object.entries(
      wanted,
    )
      .map(([name, range]) => `${name} = "${requirement.cargo(range)}"\n`)
      .join("")}`,
  }),
  install: "cargo vendor --quiet vendor",
  frozen: "cargo vendor --quiet --locked vendor",
  add: (name) => `cargo add --quiet ${name} && cargo vendor --quiet vendor`,
  locks: ["Cargo.lock"],
  trees: ["vendor"],
  installed: (project, name) => {
    const [path] = globSync(`vendor/${name}/Cargo.toml`, { cwd: project })
    return path && /^version = "(.+)"$/m.exec(readFileSync(join(project, path), "utf8"))?.[1]
  },
}

const go: ClientDescription = {
  label: "go",
  ecosystem: "golang",
  command: "go",
  find: fromMachine("go", ["version"]),
  env: (home) => ({
    GOMODCACHE: join(home, "modules"),
    GOCACHE: join(home, "build"),
    GOFLAGS: "-modcacherw",
    GOTOOLCHAIN: "local",
    GOENV: "off",
    // No checksum database knows the modules of this test.
    GONOSUMDB: "*",
  }),
  files: (wanted) => ({
    "main.go": `package main\n\n${Object.keys(wanted)
      .map((name) => `import _ "${goModule(name)}"\n`)
      .join("")}\nfunc main() {}\n`,
    "go.mod": `module example.org/project\n\ngo 1.21\n\n${Object.entries(wanted)
      .map(([name, range]) => `require ${goModule(name)} v${range.slice(1)}\n`)
      .join("")}`,
  }),
  install: "go mod tidy && go mod vendor",
  frozen: "go mod vendor",
  add: (name) => `go get ${goModule(name)}@latest`,
  locks: ["go.mod", "go.sum"],
  trees: ["vendor"],
  installed: (project, name) =>
    new RegExp(`${goModule(name)} v(\\S+)`).exec(readFileSync(join(project, "go.mod"), "utf8"))?.[1],
}

export const CLIENTS: readonly ClientDescription[] = [
  npm("10"),
  npm("11"),
  npm("12"),
  pnpm("10"),
  pnpm("12"),
  yarn1,
  yarn4,
  bun,
  pip,
  uv,
  poetry,
  cargo,
  go,
]
