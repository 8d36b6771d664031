// A gate for one test: real sockets on both sides, a real record, an upstream on loopback with the packages that the test names.
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { onTestFinished } from "vitest"
import { readBody } from "../../src/audit/sealing/record-shape.ts"
import type { LogRecord } from "../../src/audit/types.ts"
import { createDesk } from "../../src/gateway/desk.ts"
import { type Gateway, type GatewayOptions, openGateway } from "../../src/gateway/gateway.ts"
import type { ClientLimits } from "../../src/gateway/server.ts"
import { openUpstream } from "../../src/gateway/upstream/open.ts"
import { updateAdvisories } from "../../src/packages/advisories/update.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/types.ts"
import { initVault } from "../../src/vault/init.ts"
import { openVault } from "../../src/vault/open.ts"
import { DAY, emptyHome, NOW, type TestContext, temporaryDirectory, testContext } from "../context.ts"

/** A version on the upstream; defaults: MIT, 100 days old, bytes of its own. */
export interface Release {
  age?: number
  license?: string
  scripts?: Record<string, string>
  deprecated?: string
  dependencies?: Record<string, string>
  /** What the tarball is; its hash is stated as it is, unless `integrity` says otherwise. */
  bytes?: Buffer
  integrity?: string
}

export interface NpmUpstream {
  base: string
  /** Paths that were asked for, in order. */
  requests: string[]
  publish: (name: string, releases: Record<string, Release>, tags?: Record<string, string>) => void
  /** Answers this path so, instead of a package. */
  answer: (path: string, handler: (request: IncomingMessage, response: ServerResponse) => void) => void
}

/** Bytes of a version where a test names none. */
export const bytesOf = (name: string, version: string) => Buffer.from(`archive of ${name}@${version}\n`.repeat(500))

const sha512 = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`

/** Starts an npm registry on loopback that ends with the test. */
export async function startNpmUpstream(): Promise<NpmUpstream> {
  const files = new Map<string, Buffer | string>()
  const handlers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = request.url!
    requests.push(path)
    const handler = handlers.get(path)
    const file = files.get(path)
    if (handler !== undefined) handler(request, response)
    else if (file === undefined) response.writeHead(404).end("{}")
    else response.end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    base,
    requests,
    answer: (path, handler) => void handlers.set(path, handler),
    publish: (name, releases, tags) => {
      const versions: Record<string, unknown> = {}
      const time: Record<string, string> = {
        created: new Date(NOW - 1000 * DAY).toISOString(),
        modified: new Date(NOW).toISOString(),
      }
      for (const [version, release] of Object.entries(releases)) {
        const {
          bytes = bytesOf(name, version),
          integrity = sha512(bytes),
          age = 100,
          license = "MIT",
          ...rest
        } = release
        const path = `/${name}/-/${name.replace(/^@[^/]*\//, "")}-${version}.tgz`
        files.set(path, bytes)
        time[version] = new Date(NOW - age * DAY).toISOString()
        versions[version] = {
          name,
          version,
          license,
          ...rest,
          _id: `${name}@${version}`,
          _npmUser: { name: "ana" },
          dist: { tarball: base + path, integrity },
        }
      }
      const latest = Object.keys(releases).at(-1)!
      const document = {
        _id: name,
        _rev: "1-1",
        name,
        "dist-tags": tags ?? { latest },
        versions,
        time,
        maintainers: [{ name: "ana" }],
      }
      files.set(`/${name.replace("/", "%2f")}`, JSON.stringify(document))
    },
  }
}

export interface TestGate extends Gateway {
  ctx: TestContext
  store: Store
  /** Asks the gate; a path begins with a mount. */
  get: (path: string, headers?: Record<string, string>) => Promise<Response>
  /** The log so far, without what it says of itself. */
  records: () => Promise<LogRecord[]>
  /** What went wrong inside. */
  troubles: unknown[]
}

export interface GateOptions {
  /** The policy as YAML; may be changed before a reload. */
  policy: string | { text: string }
  env?: Record<string, string>
  /** Advisories in OSV's form; they count as all that are known. Where absent, what ships is searched. */
  osv?: readonly unknown[]
  requireToken?: boolean
  offline?: boolean
  stale?: number
  wait?: number
  limits?: Partial<ClientLimits>
  /** The proxy, with a vault of its own, where it is named. */
  egress?: Omit<NonNullable<GatewayOptions["egress"]>, "vault">
}

/** Opens a gate that ends with the test. */
export async function openTestGate({ policy, env = {}, osv = [], ...options }: GateOptions): Promise<TestGate> {
  const cwd = temporaryDirectory({ "osv.ndjson": osv.map((record) => JSON.stringify(record)).join("\n") })
  const own = emptyHome({ PIP_CONFIG_FILE: "/dev/null", ...env })
  // Clients go by the machine's clock when they look at the certificates of a run.
  const ctx = testContext(cwd, { env: own, ...(options.egress !== undefined && { now: Date.now() }) })
  if (osv.length > 0) await updateAdvisories(ctx, { from: ["osv.ndjson"], ecosystems: [], complete: true })
  const store = await openStore(ctx, { gateway: "test" })
  const upstream = await openUpstream({
    directory: temporaryDirectory(),
    env: ctx.env,
    now: ctx.now,
    offline: options.offline === true,
    stale: options.stale ?? 0,
    limits: { retries: 0, headers: 10_000, body: 10_000, total: 30_000 },
  })
  const troubles: unknown[] = []
  const source = typeof policy === "string" ? { text: policy } : policy
  const load = async () => ({
    policy: await loadPolicyTexts([{ file: "nanoguard.yaml", text: source.text }]),
    project: "test",
  })
  // A gate that takes the place of another one has its vault.
  if (options.egress !== undefined && env["NANOGUARD_HOME"] === undefined) await initVault(ctx, { kind: "file" })
  const vault = options.egress && (await openVault(ctx, store))
  const gate = await openGateway(ctx, {
    ...(vault && { egress: { ...options.egress, vault } }),
    ...{ gateway: "test", host: "127.0.0.1", port: 0, load, store, upstream, desk: createDesk(store, "test", ctx.now) },
    ...(!options.requireToken && { anonymous: { agent: "local", operator: "ana", run: "local", boxed: false } }),
    offline: options.offline === true,
    wait: options.wait ?? 0,
    limits: options.limits,
    onTrouble: (error) => void troubles.push(error),
  })
  onTestFinished(async () => {
    await gate.close()
    vault?.close()
    await upstream.close()
    await store.close()
  })
  return {
    ...gate,
    ctx,
    store,
    troubles,
    get: (path, headers = {}) => fetch(gate.origin + path, { headers, redirect: "manual" }),
    records: async () => {
      const rows = await store.db.selectFrom("events").select("body").orderBy("seq").execute()
      return rows.flatMap(({ body }) => readBody(body) ?? []).filter(({ kind }) => kind !== "log")
    },
  }
}
