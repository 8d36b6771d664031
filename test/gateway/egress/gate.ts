// The proxy with its whole pipeline, for one test: a real record, people who sign, a vault, and origins on loopback.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { onTestFinished, type TestContext } from "vitest"
import { readBody } from "../../../src/audit/sealing/record-shape.ts"
import type { LogRecord } from "../../../src/audit/types.ts"
import { createBudgets } from "../../../src/gateway/egress/budgets.ts"
import { openCa } from "../../../src/gateway/egress/ca.ts"
import { attachEgress } from "../../../src/gateway/egress/connect.ts"
import type { EgressDeps } from "../../../src/gateway/egress/deps.ts"
import { createOrigins } from "../../../src/gateway/egress/origins.ts"
import { createPipeline } from "../../../src/gateway/egress/pipeline.ts"
import { createTrafficRecorder } from "../../../src/gateway/egress/record.ts"
import { createRoom } from "../../../src/gateway/egress/room.ts"
import { createSightings } from "../../../src/gateway/egress/sightings.ts"
import { createHolds } from "../../../src/gateway/hold/holds.ts"
import { createLru } from "../../../src/gateway/lru.ts"
import type { Attribution } from "../../../src/gateway/types.ts"
import type { CompiledPolicy } from "../../../src/policy/compiled.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import { createTokenSource } from "../../../src/vault/oauth.ts"
import { createResealer } from "../../../src/vault/reseal.ts"
import { newVaultPlace } from "../../vault/support.ts"
import { certificateFile, type Ran, run } from "./clients.ts"
import { HOST, listen, startOrigin } from "./proxy.ts"

export const AGENT: Attribution = { agent: "claude-1", operator: "olga", run: "run-1", boxed: true }

export interface EgressGateOptions {
  /** Policy below `version: 1`, for a port of the origin. */
  policy: (port: number) => string
  /** What the origin answers. */
  origin?: (request: IncomingMessage, response: ServerResponse) => void
  /** Further names of the origin. */
  hosts?: readonly string[]
  /** The name that it has a certificate for; `HOST` where absent. */
  host?: string
  deps?: Partial<EgressDeps>
}

/** Opens the proxy, an origin, a vault and a record; all end with the test. */
export async function openEgressGate(t: TestContext, options: EgressGateOptions) {
  const place = await newVaultPlace(t)
  const { store } = place
  const seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = []
  const answer = options.origin ?? ((_request, response) => void response.end("ok"))
  const origin = await startOrigin((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { method = "", url = "", headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      answer(request, response)
    })
  }, options.host)
  let policy: CompiledPolicy = await load(options.policy(origin.port))
  const vault = await place.openVault()
  const holds = createHolds(store, vault, "test", Date.now)
  const budgets = createBudgets(store, Date.now)
  const troubles: unknown[] = []
  const origins = createOrigins({ ca: [origin.ca.certificate] })
  const ca = await openCa("run-1")
  const refusals: unknown[] = []
  const pipeline = createPipeline({
    law: () => ({ policy, project: "test", registries: [] }) as never,
    front: {
      metrics: { decided: () => {} },
      runs: { refused: (_who: never, one: unknown) => refusals.push(one) },
    } as never,
    identify: (_token, authorization) =>
      authorization === undefined ? undefined : { ...AGENT, run: nameIn(authorization) },
    traffic: createTrafficRecorder(store, "test"),
    tokens: createTokenSource({ fetch: (url, init) => fetch(url, init), now: Date.now }),
    resealer: createResealer({ vault, now: Date.now }),
    met: createLru<true>(100),
    room: createRoom(),
    sightings: createSightings(Date.now),
    ...{ holds, vault, budgets, origins, now: Date.now, stall: 60_000 },
    resolve: async () => ["127.0.0.1"],
    stopping: new AbortController().signal,
    onTrouble: (error) => void troubles.push(error),
    ...options.deps,
  })
  const server = createServer((request, response) => {
    if (!egress.serve(request, response)) response.writeHead(404).end()
  })
  const egress = attachEgress(server, pipeline, {
    ...{ caOf: async () => ca, origins, onTrouble: (error) => void troubles.push(error) },
  })
  const port = await listen(server)
  onTestFinished(async () => {
    holds.close()
    await budgets.close()
    egress.close()
    await origins.close()
  })
  const trust = certificateFile(ca.certificate)
  return {
    ...{ ...place, vault, holds, origin, port, seen, troubles, refusals, certificate: ca.certificate },
    base: `https://${HOST}:${origin.port}`,
    reload: async (text: string) => {
      policy = await load(text)
      holds.recall()
    },
    policy: () => policy,
    /** curl through the proxy as `run-1`; its output is the body and, behind it, the status. */
    curl: (...args: string[]): Promise<Ran> =>
      run("curl", [
        "-sS",
        "-x",
        `http://x:run-1@127.0.0.1:${port}`,
        "--cacert",
        trust,
        "-w",
        "\n%{http_code}",
        ...args,
      ]),
    /** What the log says of requests. */
    records: async (): Promise<LogRecord[]> => {
      const rows = await store.db.selectFrom("events").select("body").orderBy("seq").execute()
      return rows
        .flatMap(({ body }) => readBody(body) ?? [])
        .filter(({ type }) => /^(?:network|credential)\.(?!set$)/.test(type))
    },
  }
}

const load = (text: string) => loadPolicyTexts([{ file: "nanoguard.yaml", text: `version: 1\n${text}` }])

function nameIn(authorization: string): string {
  return (
    Buffer.from(authorization.replace(/^Basic /, ""), "base64")
      .toString()
      .split(":")[1] ?? ""
  )
}
