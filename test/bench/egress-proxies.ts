// The processes of the egress bench: origin and client on one core, one proxy at a time on the other.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { Job, Result } from "./egress-client.ts"
import { freePort } from "./gateway-servers.ts"
import type { Usage } from "./gateway-usage.ts"

/** Pinned; all of npm's. */
const PEERS = { "@anthropic-ai/sandbox-runtime": "0.0.78", mockttp: "4.6.5", "http-mitm-proxy": "1.1.0" }
const here = import.meta.dirname
const usageModule = resolve(here, "gateway-usage.ts")
const program = resolve("bin", "nanoguard.js")
const canPin = process.env["NANOGUARD_BENCH_UNPINNED"] === undefined && spawnSync("taskset", ["-V"]).status === 0

export interface Origin {
  port: number
  /** The same, for what is passed through. */
  second: number
  /** PEM file. */
  ca: string
  close: () => void
}

export interface Contender {
  name: string
  port: number
  /** What a client has to bring, where it has to bring something: `user:password`. */
  login?: string
  usage: () => Promise<Usage | undefined>
  close: () => Promise<void>
}

export const isPinned = canPin

/** Starts a program on one core where that can be said; `core` undefined: on all. */
function start(core: number | undefined, command: readonly string[], options: SpawnOptions): ChildProcess {
  const [file = "", ...args] = core !== undefined && canPin ? ["taskset", "-c", String(core), ...command] : command
  return spawn(file, args, options)
}

const ipc: SpawnOptions = { stdio: ["ignore", "pipe", "inherit", "ipc"] }

function messageOf<T extends object>(child: ChildProcess, member: string): Promise<T> {
  return new Promise((done, fail) => {
    const end = (code: number | null) => fail(new Error(`a process of the bench ended with ${code}`))
    const take = (message: unknown) => {
      if (typeof message !== "object" || message === null || !(member in message)) return
      child.off("message", take).off("exit", end)
      done(message as T)
    }
    child.on("message", take).once("exit", end)
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((done) => child.once("exit", done))
  if (child.connected) child.disconnect()
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000)
  await ended
  clearTimeout(timer)
}

export async function startOrigin(work: string): Promise<Origin> {
  const child = start(1, [process.execPath, join(here, "egress-origin.ts")], ipc)
  const { port, second, ca } = await messageOf<{ port: number; second: number; ca: string }>(child, "port")
  const file = join(work, "origin.pem")
  writeFileSync(file, ca)
  return { port, second, ca: file, close: () => void end(child) }
}

export async function startClient(): Promise<{ run: (job: Job) => Promise<Result>; close: () => void }> {
  const child = start(1, [process.execPath, join(here, "egress-client.ts")], ipc)
  await messageOf(child, "ready")
  return {
    run: async (job) => {
      child.send(job)
      const { result } = await messageOf<{ result: Result | { error: string } }>(child, "result")
      if ("error" in result) throw new Error(result.error)
      return result
    },
    close: () => void end(child),
  }
}

/** 100 rules, of which the last ones are for the origin: what the bench asks for is allowed by one of those. */
export function policyOf({ port, second }: Pick<Origin, "port" | "second">): string {
  const at = `addresses: [127.0.0.1, "::1"]`
  const others = Array.from(
    { length: 90 },
    (_, n) => `  - { id: other-${n}, allow: host-${n}.example.com, methods: [GET] }`,
  )
  const here = Array.from(
    { length: 7 },
    (_, n) => `  - { id: here-${n}, allow: localhost, ports: [${port}], methods: [POST], paths: ["/v${n}/**"], ${at} }`,
  )
  return [
    ...["version: 1", "network:", ...others, ...here],
    `  - { id: none, deny: localhost, ports: [${port}], paths: ["/admin/**"] }`,
    `  - { id: read, allow: localhost, ports: [${port}], methods: [GET], ${at} }`,
    `  - { id: passed, allow: localhost, ports: [${second}], inspect: false, ${at} }`,
    "",
  ].join("\n")
}

/** The built gate as people start it, under an adopted policy. `core` undefined: on all. */
export async function startGate(
  origin: Origin,
  work: string,
  core: number | undefined = 0,
  name = "gate",
): Promise<Contender> {
  const home = mkdtempSync(join(work, "gate-"))
  const env = {
    ...{
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      NANOGUARD_HOME: join(home, "state"),
      NODE_EXTRA_CA_CERTS: origin.ca,
    },
    npm_config_registry: "http://127.0.0.1:1",
  }
  const secret = join(home, "passphrase")
  writeFileSync(secret, "a passphrase of the bench", { mode: 0o600 })
  writeFileSync(join(home, "nanoguard.yaml"), policyOf(origin))
  for (const args of [
    ["approver", "add", "bench"],
    ["policy", "adopt", "--yes", "--as", "bench"],
  ])
    execFileSync(process.execPath, [program, ...args, "--passphrase-file", secret], { cwd: home, env, stdio: "pipe" })
  const profile = process.env["NANOGUARD_BENCH_PROFILE"]
  const flags = ["--import", usageModule, ...(profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [])]
  const command = [process.execPath, ...flags, program, "gateway", "start", "--port", "0", "--format", "json"]
  const child = start(core, command, { ...ipc, cwd: home, env })
  const status = await new Promise<string>((done, fail) => {
    child.stdout?.once("data", (bytes) => done(String(bytes)))
    child.once("exit", (code) => fail(new Error(`the gate ended with ${code}`)))
  })
  const port = Number(new URL((JSON.parse(status) as { origin: string }).origin).port)
  const settings = [program, "gateway", "env", "--agent", "bench", "--network"]
  const printed = execFileSync(process.execPath, settings, { cwd: home, env, encoding: "utf8" })
  const login = /https_proxy=\S*?:\/\/([^@\s]+)@/i.exec(printed)?.[1]
  if (login === undefined) throw new Error("gateway env named no proxy")
  return { name, port, login, usage: usageOf(child), close: () => end(child) }
}

const usageOf = (child: ChildProcess) => async () => {
  child.send("usage")
  return (await messageOf<{ usage: Usage }>(child, "usage")).usage
}

/** The gate that holds, over a store that is there. */
export async function startHolding(policy: string, env: NodeJS.ProcessEnv) {
  const command = [process.execPath, "--import", usageModule, join(here, "egress-holding.ts"), policy]
  const child = start(0, command, { ...ipc, env })
  const { port } = await messageOf<{ port: number }>(child, "port")
  const waiting = async () => {
    child.send("waiting")
    return (await messageOf<{ waiting: number }>(child, "waiting")).waiting
  }
  return { name: "gate", port, usage: usageOf(child), waiting, close: () => end(child) }
}

async function startPeer(name: string, directory: string, origin: Origin): Promise<Contender> {
  const command = [process.execPath, "--import", usageModule, join(here, "egress-peer.ts"), name, directory, origin.ca]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: origin.ca }
  const child = start(0, command, { stdio: ["ignore", "ignore", "ignore", "ipc"], env })
  const { port } = await messageOf<{ port: number }>(child, "port")
  return { name, port, usage: usageOf(child), close: () => end(child) }
}

async function startProgram(name: string, command: readonly string[], port: number): Promise<Contender> {
  const child = start(0, command, { stdio: "ignore" })
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 150 || child.exitCode !== null) throw new Error(`${name} did not start`)
    await delay(200)
  }
  return { name, port, usage: async () => undefined, close: () => end(child) }
}

const answers = (port: number) =>
  new Promise<boolean>((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true)).once("error", () => done(false))
    socket.once("connect", () => socket.destroy())
  })

const has = (file: string) => spawnSync("which", [file]).status === 0

/** Every peer that is here, or that npm brings. mitmproxy and squid (with OpenSSL) are taken where they are installed. */
export async function startPeers(origin: Origin, work: string, say: (text: string) => void): Promise<Contender[]> {
  const directory = installPeers()
  const all = Object.keys(PEERS).map((name) => () => startPeer(name.startsWith("@") ? "srt" : name, directory, origin))
  if (has("mitmdump")) {
    const port = await freePort()
    const where = [
      "--listen-host",
      "127.0.0.1",
      "--listen-port",
      String(port),
      "--set",
      `confdir=${join(work, "mitm")}`,
    ]
    all.push(() => startProgram("mitmproxy", ["mitmdump", "-q", "--ssl-insecure", ...where], port))
  }
  if (has("squid") && existsSync(CERTGEN)) all.push(() => startSquid(work))
  const started: Contender[] = []
  for (const one of all) {
    try {
      started.push(await one())
    } catch (error) {
      say(`left out: ${(error as Error).message}`)
    }
  }
  return started
}

const CERTGEN = "/usr/lib/squid/security_file_certgen"

async function startSquid(work: string): Promise<Contender> {
  const home = mkdtempSync(join(work, "squid-"))
  const port = await freePort()
  chmodSync(work, 0o755)
  const openssl = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench"]
  const [key, certificate] = [join(home, "key.pem"), join(home, "ca.pem")]
  execFileSync("openssl", [...openssl, "-keyout", key, "-out", certificate], { stdio: "pipe" })
  execFileSync(CERTGEN, ["-c", "-s", join(home, "db"), "-M", "4MB"], { stdio: "pipe" })
  const config = `http_port 127.0.0.1:${port} ssl-bump cert=${certificate} key=${key} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program ${CERTGEN} -s ${join(home, "db")} -M 4MB
sslcrtd_children 1
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
sslproxy_cert_error allow all
tls_outgoing_options flags=DONT_VERIFY_PEER
http_access allow all
cache deny all
access_log none
cache_log ${join(home, "log")}
pid_filename ${join(home, "pid")}
netdb_filename none
shutdown_lifetime 1 seconds
`
  writeFileSync(join(home, "squid.conf"), config)
  // It refuses to be root: started by root, it becomes a user of its own.
  if (process.getuid?.() === 0) execFileSync("chown", ["-R", "proxy", home])
  return startProgram("squid", ["squid", "-N", "-n", `bench${process.pid}`, "-f", join(home, "squid.conf")], port)
}

function installPeers(): string {
  const directory = join(tmpdir(), "nanoguard-test-tools", "bench-egress")
  if (existsSync(join(directory, "node_modules", "http-mitm-proxy"))) return directory
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "package.json"), '{"private":true}')
  const names = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`)
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...names], {
    cwd: directory,
    stdio: "pipe",
  })
  return directory
}
