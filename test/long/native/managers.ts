// The real package managers: from npm and PyPI into a temporary directory, and run without the machine's own settings.
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { execa } from "execa"
import type { TestContext } from "vitest"

const managers = new Map<string, string>()

/** Installs a manager from npm once; skips the test where that is not possible. */
export function fromNpm(ctx: TestContext, scratch: string, spec: string, bin: string): string {
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

/** The same from PyPI, into a virtual environment. */
export function fromPyPI(ctx: TestContext, scratch: string, spec: string, bin: string): string {
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

/** Runs a manager in `directory` against the registry at `url`, with caches and a home of its own. */
export async function runManager(url: string, scratch: string, directory: string, file: string, args: string[]) {
  const home = join(scratch, "home")
  mkdirSync(home, { recursive: true })
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    XDG_CACHE_HOME: join(directory, ".cache"),
    NPM_CONFIG_REGISTRY: url,
    npm_config_registry: url,
    npm_config_cache: join(directory, ".cache", "npm"),
    npm_config_userconfig: join(home, "none"),
    npm_config_store_dir: join(directory, ".cache", "store"),
    // pnpm 11 reads its own prefix only.
    pnpm_config_registry: url,
    pnpm_config_store_dir: join(directory, ".cache", "store"),
    BUN_CONFIG_REGISTRY: url,
    BUN_INSTALL_CACHE_DIR: join(directory, ".cache", "bun"),
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    YARN_ENABLE_GLOBAL_CACHE: "false",
    YARN_ENABLE_TELEMETRY: "false",
    YARN_NODE_LINKER: "node-modules",
    UV_DEFAULT_INDEX: `${url}/simple/`,
    UV_CACHE_DIR: join(directory, ".cache", "uv"),
    UV_PYTHON_DOWNLOADS: "never",
  }
  return execa(file, args, { cwd: directory, env, extendEnv: false, reject: false, all: true, timeout: 120_000 })
}
