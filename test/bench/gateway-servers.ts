// The servers of the gate's bench: an upstream, the gate, and Verdaccio with its filter of packages, each a process of its own.
import { type ChildProcess, execFileSync, fork } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { Usage } from "./gateway-usage.ts"

/** Pinned; the override is of a tag that not every mirror has. */
const VERDACCIO = { verdaccio: "6.10.4", "@verdaccio/package-filter": "13.2.4" }
const OVERRIDES = { "node-fetch": "2.7.0" }
const FILTER = `{ block: [{ package: "@nobody/nothing" }], minAgeDays: 3 }`
const POLICY = `version: 1
packages:
  deny: { malware: true, severity: critical, age: 3d, licenses: [AGPL-3.0-only] }
  unknown: { default: allow }
`
const usageModule = resolve(import.meta.dirname, "gateway-usage.ts")
/** What was fetched once is kept here from one bench to the next. */
export const KEPT = process.env["NANOGUARD_BENCH_CACHE"] ?? join(tmpdir(), "nanoguard-test-tools", "bench-registry")

export interface Server {
  /** Of its npm registry, without a slash at its end. */
  origin: string
  usage: () => Promise<Usage>
  send: (message: object) => void
  close: () => Promise<void>
}

const parts = (child: ChildProcess): Omit<Server, "origin"> => {
  const ended = new Promise<void>((done) => child.once("exit", () => done()))
  return {
    usage: async () => {
      child.send("usage")
      return (await messageOf<{ usage: Usage }>(child, "usage")).usage
    },
    send: (message) => void child.send(message),
    close: async () => {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill("SIGKILL"), 8_000)
      await ended
      clearTimeout(timer)
    },
  }
}

function messageOf<T extends object>(child: ChildProcess, member: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null) => reject(new Error(`a server of the bench ended with ${code}`))
    const take = (message: unknown) => {
      if (typeof message !== "object" || message === null || !(member in message)) return
      child.off("message", take).off("exit", end)
      resolve(message as T)
    }
    child.on("message", take).once("exit", end)
  })
}

/** A registry on loopback that has whatever this machine's npm registry has, and asks it only once. */
export async function startUpstream(): Promise<Server> {
  const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim()
  const child = fork(resolve(import.meta.dirname, "gateway-upstream.ts"), {
    env: { ...process.env, BENCH_REGISTRY: registry, BENCH_CACHE: KEPT },
    execArgv: ["--import", usageModule],
  })
  const { origin } = await messageOf<{ origin: string }>(child, "origin")
  return { origin, ...parts(child) }
}

const program = resolve("bin", "nanoguard.js")

/** The gate as people start it, with an empty record and an empty cache, under an adopted policy. */
export async function startGate(upstream: Server, work: string): Promise<Server> {
  const home = mkdtempSync(join(work, "gate-"))
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", HOME: home, NANOGUARD_HOME: join(home, "state") },
    npm_config_registry: upstream.origin,
  }
  const secret = join(home, "passphrase")
  writeFileSync(secret, "a passphrase of the bench", { mode: 0o600 })
  writeFileSync(join(home, "nanoguard.yaml"), process.env["NANOGUARD_BENCH_POLICY"] ?? POLICY)
  const signed = ["--passphrase-file", secret]
  for (const args of [
    ["approver", "add", "bench"],
    ["policy", "adopt", "--yes", "--as", "bench"],
  ])
    execFileSync(process.execPath, [program, ...args, ...signed], { cwd: home, env, stdio: "pipe" })
  const profile = process.env["NANOGUARD_BENCH_PROFILE"]
  const child = fork(program, ["gateway", "start", "--port", "0", "--format", "json"], {
    ...{ cwd: home, env, stdio: ["ignore", "pipe", "inherit", "ipc"] },
    execArgv: ["--import", usageModule, ...(profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [])],
  })
  const status = await new Promise<string>((done, fail) => {
    child.stdout?.once("data", (bytes) => done(String(bytes)))
    child.once("exit", (code) => fail(new Error(`the gate ended with ${code}`)))
  })
  const { close, ...rest } = parts(child)
  const stop = () => {
    child.kill("SIGTERM")
    return close()
  }
  return { origin: `${(JSON.parse(status) as { origin: string }).origin}/npm`, ...rest, close: stop }
}

/** Verdaccio with its filter, an empty storage and no limit on what it keeps. */
export async function startVerdaccio(upstream: Server, work: string): Promise<Server> {
  const tools = installVerdaccio()
  const home = mkdtempSync(join(work, "verdaccio-"))
  const port = await freePort()
  const config = `storage: ${join(home, "storage")}
uplinks: { up: { url: "${upstream.origin}/", maxage: 30m, timeout: 30s, agent_options: { keepAlive: true, maxSockets: 40 } } }
packages: { "@*/*": { access: $all, proxy: up }, "**": { access: $all, proxy: up } }
filters: { "@verdaccio/package-filter": ${FILTER} }
web: { enable: false }
log: { type: stdout, format: json, level: fatal }
`
  writeFileSync(join(home, "config.yaml"), config)
  const bin = join(tools, "node_modules", "verdaccio", "bin", "verdaccio")
  const child = fork(bin, ["--config", join(home, "config.yaml"), "--listen", `127.0.0.1:${port}`], {
    cwd: home,
    env: { PATH: process.env["PATH"] ?? "", HOME: home, NODE_ENV: "production" },
    execArgv: ["--import", usageModule],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
  child.once("disconnect", () => child.kill("SIGKILL"))
  const origin = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`${origin}/-/ping`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break
    if (tries > 150 || child.exitCode !== null) throw new Error("Verdaccio did not start")
    await delay(200)
  }
  return { origin, ...parts(child) }
}

function installVerdaccio(): string {
  const directory = join(tmpdir(), "nanoguard-test-tools", "bench-verdaccio")
  if (existsSync(join(directory, "node_modules", "verdaccio"))) return directory
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, overrides: OVERRIDES }))
  const names = Object.entries(VERDACCIO).map(([name, version]) => `${name}@${version}`)
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
  execFileSync("npm", ["install", ...quiet, ...names], { cwd: directory, stdio: "pipe" })
  return directory
}

/** A port of loopback that nobody had a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
