// A gate in this process, in front of an upstream on loopback, and advisories about some of its packages.
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { mkdtempSync, rmSync } from "node:fs"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { processContext } from "../../../src/context.ts"
import { createDesk } from "../../../src/gateway/desk.ts"
import { type Gateway, openGateway } from "../../../src/gateway/gateway.ts"
import { openUpstream } from "../../../src/gateway/upstream/open.ts"
import { updateAdvisories } from "../../../src/packages/advisories/update.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import { openStore } from "../../../src/store/open.ts"
import type { ClientDescription } from "./description.ts"
import { goModule, type Packages } from "./packages.ts"
import { createProject, forget, type Project, write } from "./project.ts"
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

/** One advisory a package and ecosystem, of high severity, with the versions spelled out. */
export function advisories(refused: Readonly<Record<string, readonly string[]>>): string {
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
