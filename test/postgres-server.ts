// One server of PostgreSQL in a directory of its own: made, started, killed, started again, deleted.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findPrograms, type Programs } from "./postgres-programs.ts"

/** The password of the superuser "admin": such characters have to survive in addresses. */
export const PASSWORD = "Es ist ein Passwort: 100 % / @ ?"

/** Passwords are still checked, only not slowly. */
const CHEAP = ["--set", "scram_iterations=1"]

/** Certificate and key in PEM, for a server that speaks TLS and nothing else. */
export interface Tls {
  certificate: string
  key: string
}

export interface PostgresServer {
  port: number
  /** Directory of the Unix socket. */
  socket: string
  start(): Promise<void>
  /** Ends the server at once, as a crash would end it for its clients. */
  kill(): Promise<void>
  /** Ends the server and deletes its files. */
  stop(): Promise<void>
}

/** Makes a server and starts it, in about a second; undefined where this machine has no programs for one. */
export async function startServer(tls?: Tls): Promise<PostgresServer | undefined> {
  const home = mkdtempSync(join(tmpdir(), "nanoguard-pg-"))
  // mkdtemp makes it 0700, and the server's user has to pass through.
  chmodSync(home, 0o755)
  const programs = findPrograms(home)
  if (programs !== undefined) return runServer(home, programs, tls)
  rmSync(home, { recursive: true })
  return undefined
}

async function runServer(home: string, { directory, as }: Programs, tls?: Tls): Promise<PostgresServer> {
  const data = join(home, "data")
  mkdirSync(data)
  const passwordFile = join(home, "password")
  writeFileSync(passwordFile, PASSWORD)
  if (as.uid !== undefined) chownSync(data, as.uid, as.gid!)
  const initial = ["--username=admin", `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "--encoding=UTF8"]
  const env = { ...process.env, LC_ALL: "C" }
  execFileSync(
    join(directory, "bin", "initdb"),
    [`--pgdata=${data}`, ...initial, "--locale=C", "--no-sync", ...CHEAP],
    {
      ...as,
      ...{ env, cwd: data, stdio: ["ignore", "ignore", "pipe"] },
    },
  )
  if (tls !== undefined) serveTls(data, tls, as)
  const port = await freePort()
  let server: ChildProcess | undefined
  const start = async () => {
    // What a killed server had written is safe with the kernel; only a power cut would need fsync, and none is tested here.
    const flags = ["-D", data, "-p", String(port), "-k", data, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    server = spawn(join(directory, "bin", "postgres"), flags, {
      ...as,
      ...{ env, cwd: data, stdio: ["ignore", "ignore", "pipe"] },
    })
    await readiness(server)
  }
  const end = async (signal: NodeJS.Signals) => {
    const running = server
    server = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = new Promise((resolve) => running.once("exit", resolve))
    running.kill(signal)
    await ended
  }
  // A test run that is cut off leaves no server behind.
  process.once("exit", () => server?.kill("SIGQUIT"))
  await start()
  return {
    ...{ port, socket: data, start },
    kill: () => end("SIGQUIT"),
    stop: async () => {
      await end("SIGQUIT")
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function serveTls(data: string, { certificate, key }: Tls, as: Programs["as"]): void {
  writeFileSync(join(data, "server.crt"), certificate)
  writeFileSync(join(data, "server.key"), key, { mode: 0o600 })
  if (as.uid !== undefined) chownSync(join(data, "server.key"), as.uid, as.gid!)
  appendFileSync(join(data, "postgresql.conf"), "ssl = on\n")
  const access = readFileSync(join(data, "pg_hba.conf"), "utf8").replace(/^host /gm, "hostssl ")
  writeFileSync(join(data, "pg_hba.conf"), access)
}

function readiness(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ""
    server.stderr!.on("data", (chunk) => {
      if (log.includes("ready to accept connections")) return
      log += chunk
      if (log.includes("ready to accept connections")) resolve()
    })
    server.once("error", reject)
    server.once("exit", (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${log}`)))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
