// Real npm, with an empty cache and an empty tree each time, and the lockfile of the tree that it installs.
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { KEPT } from "./gateway-servers.ts"
import type { Usage } from "./gateway-usage.ts"
import { TREE } from "./online.ts"

/** `ci`: from a lockfile, archives alone. `install`: without one, so that every package's listing is asked for, too. */
export type Way = "ci" | "install"

export interface Npm {
  /** Installs the tree from `origin`: seconds, and processor time. */
  install: (origin: string, way: Way) => Promise<{ wall: number; npm: number }>
  /** Paths of the locked archives on any registry. Locks the tree first where it was not locked yet. */
  archives: (origin: string) => Promise<string[]>
}

const QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
const HERE = "http://here.invalid"
const LOCK = join(KEPT, "package-lock.json")

/** npm for a directory that is its own. */
export function createNpm(work: string): Npm {
  const cli = realpathSync(execFileSync("/bin/sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim())
  const project = join(work, "project")
  const usageFile = join(work, "usage.json")
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "bench", private: true, dependencies: TREE }))

  const run = async (origin: string, args: readonly string[]): Promise<{ wall: number; npm: number }> => {
    for (const old of ["cache", join("project", "node_modules")])
      rmSync(join(work, old), { recursive: true, force: true })
    const settings = [`--registry=${origin}/`, `--cache=${join(work, "cache")}`, "--userconfig=/dev/null"]
    const usageModule = resolve(import.meta.dirname, "gateway-usage.ts")
    const child = spawn(process.execPath, ["--import", usageModule, cli, ...args, ...QUIET, ...settings], {
      cwd: project,
      env: { PATH: process.env["PATH"] ?? "", HOME: work, BENCH_USAGE: usageFile },
      stdio: ["ignore", "ignore", "pipe"],
    })
    let errors = ""
    child.stderr.on("data", (text) => {
      errors += text
    })
    const begun = performance.now()
    const code = await new Promise((done) => child.once("close", done))
    const wall = (performance.now() - begun) / 1000
    if (code !== 0) throw new Error(`npm ${args[0]} ended with ${code}: ${errors.slice(0, 2000)}`)
    return { wall, npm: (JSON.parse(readFileSync(usageFile, "utf8")) as Usage).cpu }
  }

  const locked = async (origin: string): Promise<string> => {
    if (existsSync(LOCK)) return readFileSync(LOCK, "utf8")
    // Versions that policy's least age lets through.
    const before = new Date(Date.now() - 10 * 86_400_000).toISOString()
    await run(origin, ["install", "--package-lock-only", `--before=${before}`])
    const text = readFileSync(join(project, "package-lock.json"), "utf8").replaceAll(`${origin}/`, `${HERE}/`)
    writeFileSync(LOCK, text)
    return text
  }

  return {
    install: async (origin, way) => {
      const lock = join(project, "package-lock.json")
      const text = way === "ci" ? await locked(origin) : ""
      rmSync(lock, { force: true })
      if (way === "ci") writeFileSync(lock, text.replaceAll(HERE, origin))
      return run(origin, [way])
    },
    archives: async (origin) => {
      const { packages } = JSON.parse(await locked(origin)) as { packages: Record<string, { resolved?: string }> }
      const addresses = Object.values(packages).flatMap(({ resolved }) => resolved ?? [])
      return [...new Set(addresses.map((address) => address.replace(HERE, "")))]
    },
  }
}
