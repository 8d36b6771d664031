// A gate in this process, in front of an upstream on loopback, and the real wrapper in front of real clients.
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { execa } from "execa"
import { processContext } from "../../../src/context.ts"
import { createDesk } from "../../../src/gateway/desk.ts"
import { type Gateway, openGateway } from "../../../src/gateway/gateway.ts"
import { clientSettings } from "../../../src/gateway/settings.ts"
import { openUpstream } from "../../../src/gateway/upstream/open.ts"
import { settingsDirectory } from "../../../src/gateway/write-settings.ts"
import { updateAdvisories } from "../../../src/packages/advisories/update.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import { openStore } from "../../../src/store/open.ts"
import { BIN } from "../../e2e/nanoguard.ts"
import type { ClientDescription } from "./description.ts"
import { goModule, type Packages } from "./packages.ts"
import { type ClientUpstream, startUpstream } from "./upstream.ts"

/** The one advisory that everything refused is refused for. */
export const ADVISORY = "GHSA-2222-3333-4444"
const STRICT = "version: 1\npackages:\n  deny: { severity: high }\n"
const OPEN = "version: 1\npackages:\n  deny: { malware: true }\n"

export interface Laboratory {
  gate: Gateway
  upstream: ClientUpstream
  scratch: string
  /** Requests that came in at the gate, oldest first; may be cleared. */
  asked: { method: string; path: string; status: () => number }[]
  /** Lets everything through, as before an advisory was known. */
  lift: (open: boolean) => Promise<void>
  /** A project of a client, with a home of its own. */
  project: (client: ClientDescription, program: string, files: Record<string, string>) => Project
  close: () => Promise<void>
}

export interface Project {
  directory: string
  /** Directories that hold what clients keep from run to run. */
  caches: readonly string[]
  /** Runs a shell command behind the gate with `nanoguard gateway exec`. */
  exec: (line: string, env?: Record<string, string>) => Promise<Ran>
  /** Runs it with the same settings, led to the upstream. */
  direct: (line: string) => Promise<Ran>
}

export interface Ran {
  exit: number
  /** What the terminal shows: both streams as they came. */
  terminal: string
}

/** Opens it all. `refused` names versions with a known vulnerability, by package. */
export async function openLaboratory(
  packages: Packages,
  refused: Readonly<Record<string, readonly string[]>>,
): Promise<Laboratory> {
  const scratch = mkdtempSync(join(tmpdir(), "nanoguard-clients-"))
  const upstream = await startUpstream(packages)
  const state = join(scratch, "state")
  const cargoHome = join(scratch, "gate-cargo")
  write(cargoHome, {
    "config.toml": `[source.crates-io]\nreplace-with = "up"\n[source.up]\nregistry = "sparse+${upstream.base}/cargo/index/"\n`,
  })
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", HOME: join(scratch, "gate-home"), NANOGUARD_HOME: state },
    ...{
      npm_config_registry: `${upstream.base}/npm/`,
      PIP_INDEX_URL: `${upstream.base}/pypi/simple/`,
      PIP_CONFIG_FILE: "/dev/null",
    },
    ...{ CARGO_HOME: cargoHome, GOPROXY: `${upstream.base}/go`, GOENV: "off" },
  }
  write(scratch, { "osv.ndjson": advisories(refused) })
  const ctx = { ...processContext(), cwd: scratch, env }
  await updateAdvisories(ctx, { from: ["osv.ndjson"], ecosystems: [], complete: true })
  const store = await openStore(ctx, { gateway: "clients" })
  const cache = await openUpstream({ directory: join(scratch, "cache"), env, now: ctx.now, offline: false, stale: 0 })
  const troubles: unknown[] = []
  let policy = STRICT
  // Nobody is let in without a token: each client has to send one with every single request.
  const gate = await openGateway(ctx, {
    ...{
      gateway: "clients",
      host: "127.0.0.1",
      port: 0,
      store,
      upstream: cache,
      desk: createDesk(store, "clients", ctx.now),
    },
    load: async () => ({
      policy: await loadPolicyTexts([{ file: "nanoguard.yaml", text: policy }]),
      project: "clients",
    }),
    offline: false,
    wait: 0,
    onTrouble: (error) => void troubles.push(error),
  })
  const { asked, stop } = watchRequests(Number(new URL(gate.origin).port))
  return {
    ...{ gate, upstream, scratch, asked },
    lift: async (open) => {
      policy = open ? OPEN : STRICT
      await gate.reload()
    },
    project: (client, program, files) =>
      createProject({ client, program, files, scratch, state, upstream: upstream.base, origin: gate.origin }),
    close: async () => {
      stop()
      await gate.close()
      await cache.close()
      await store.close()
      await upstream.close()
      rmSync(scratch, { recursive: true, force: true })
      if (troubles.length > 0) throw troubles[0]
    },
  }
}

/** Every request that Node's server at this port gets, told by Node itself. */
function watchRequests(port: number) {
  const asked: Laboratory["asked"] = []
  const channel = "http.server.request.start"
  const onRequest = (message: unknown) => {
    const { request, response, server } = message as {
      request: { method: string; url: string }
      response: { statusCode: number }
      server: Server
    }
    if ((server.address() as AddressInfo | null)?.port !== port) return
    asked.push({ method: request.method, path: request.url, status: () => response.statusCode })
  }
  subscribe(channel, onRequest)
  return { asked, stop: () => unsubscribe(channel, onRequest) }
}

interface ProjectInput {
  client: ClientDescription
  program: string
  files: Record<string, string>
  scratch: string
  state: string
  /** Addresses of the upstream and of the gate. */
  upstream: string
  origin: string
}

function createProject({ client, program, files, scratch, state, upstream, origin }: ProjectInput): Project {
  const root = mkdtempSync(join(scratch, "run-"))
  // Cargo's home is the settings' own.
  const caches = [join(root, "home"), join(settingsDirectory({ env: { NANOGUARD_HOME: state } }, origin), "cargo")]
  for (const cache of caches) rmSync(cache, { recursive: true, force: true })
  const [directory, home, bin] = ["project", "home", "bin"].map((name) => join(root, name)) as [string, string, string]
  write(directory, files)
  mkdirSync(home)
  // One program a directory, so that no other manager comes along with it.
  write(bin, { [client.command]: `#!/bin/sh\nexec ${JSON.stringify(program)} "$@"\n` })
  chmodSync(join(bin, client.command), 0o755)
  const env = {
    PATH: [bin, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    ...{ HOME: home, XDG_CACHE_HOME: join(home, "cache"), NO_COLOR: "1", NANOGUARD_HOME: state },
    ...client.env(home, program),
  }
  const run = async (file: string, args: string[], more: Record<string, string>): Promise<Ran> => {
    const options = {
      cwd: directory,
      env: { ...env, ...more },
      extendEnv: false,
      stdin: "ignore",
      all: true,
      reject: false,
      timeout: 120_000,
    } as const
    const { exitCode, all } = await execa(file, args, options)
    return { exit: exitCode ?? -1, terminal: all }
  }
  return {
    ...{ directory, caches },
    exec: (line, more = {}) => run(process.execPath, [BIN, "gateway", "exec", "--", "sh", "-c", line], more),
    direct: (line) => {
      const settings = clientSettings({ base: upstream, directory: join(home, "settings") })
      for (const { path, text } of settings.files)
        write(dirname(path), { [path.slice(dirname(path).length + 1)]: text })
      return run("sh", ["-c", line], settings.env)
    },
  }
}

/** One advisory a package and ecosystem, of high severity, with the versions spelled out. */
function advisories(refused: Readonly<Record<string, readonly string[]>>): string {
  const named = (ecosystem: string, name: string, versions: readonly string[]) => ({
    package: { ecosystem, name },
    versions,
    ranges: versions.map((version) => ({
      type: ecosystem === "PyPI" ? "ECOSYSTEM" : "SEMVER",
      events: [{ introduced: version }, { last_affected: version }],
    })),
  })
  const affected = Object.entries(refused).flatMap(([name, versions]) => [
    ...["npm", "PyPI", "crates.io"].map((ecosystem) => named(ecosystem, name, versions)),
    named("Go", goModule(name), versions),
  ])
  return `${JSON.stringify({
    ...{ schema_version: "1.7.0", id: ADVISORY, modified: "2026-01-01T00:00:00Z", summary: "Made for a test" },
    severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
    affected,
  })}\n`
}

export function write(directory: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
}

/** Files below a directory by path, links not followed. */
export function filesBelow(directory: string): Map<string, Buffer> {
  if (!existsSync(directory)) return new Map()
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(files.sort().map((path) => [path.slice(directory.length + 1), readFileSync(path)]))
}

/** Locks as before the advisory was known, and forgets what was installed. */
export async function lockBefore(lab: Laboratory, client: ClientDescription, project: Project): Promise<void> {
  await lab.lift(true)
  try {
    const { exit, terminal } = await project.exec(client.install)
    if (exit !== 0) throw new Error(`cannot lock:\n${terminal}`)
  } finally {
    await lab.lift(false)
  }
  forget(client, project)
}

/** Removes what was installed and what is cached: only the project and its lockfile are left. */
export function forget(client: ClientDescription, { directory, caches }: Project): void {
  for (const tree of [...client.trees, ".venv"]) rmSync(join(directory, tree), { recursive: true, force: true })
  for (const cache of caches) rmSync(cache, { recursive: true, force: true })
}
