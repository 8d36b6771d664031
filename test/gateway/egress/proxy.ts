// The transport of the egress proxy for one test: real sockets on both sides, and a pipeline that lets everything through.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { type AddressInfo, createServer as createTcpServer } from "node:net"
import { TLSSocket } from "node:tls"
import { onTestFinished } from "vitest"
import { errorAnswer } from "../../../src/gateway/answer.ts"
import { openCa, type RunCa } from "../../../src/gateway/egress/ca.ts"
import { attachEgress, type Egress, type EgressLimits } from "../../../src/gateway/egress/connect.ts"
import { forward } from "../../../src/gateway/egress/forward.ts"
import { requestHeaders } from "../../../src/gateway/egress/headers.ts"
import { originError } from "../../../src/gateway/egress/origin-error.ts"
import { createOrigins, type OriginOptions, type Origins } from "../../../src/gateway/egress/origins.ts"
import { endWithAnswer } from "../../../src/gateway/egress/raw-answer.ts"
import type { Arrived, Pipeline, Target, TunnelDecision } from "../../../src/gateway/egress/types.ts"
import { relayUpgrade } from "../../../src/gateway/egress/upgrade.ts"
import type { Attribution } from "../../../src/gateway/types.ts"

/** The name that tests ask for; it leads to loopback. */
export const HOST = "api.example.com"

export interface TestProxy {
  port: number
  /** PEM of what the run's clients trust. */
  certificate: string
  /** `run target code`, as they came. */
  violations: string[]
  /** `method scheme://host:port/url` of what reached the pipeline. */
  requests: string[]
  egress: Egress
  server: Server
  origins: Origins
  troubles: unknown[]
}

export interface ProxyOptions {
  tunnel?: (who: Attribution, target: Target) => Promise<TunnelDecision>
  request?: (arrived: Arrived, origins: Origins) => Promise<void>
  limits?: Partial<EgressLimits>
  origins?: OriginOptions
  /** Of origins; the run's own authority is another. */
  originCa?: RunCa
  /** The gate itself is reached over TLS, with a certificate for loopback of this authority. */
  gateCa?: RunCa
}

/** Port of a server on loopback, until the test ends. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections?.()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** An HTTPS origin on loopback, known as `HOST`, with an authority of its own. */
export async function startOrigin(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  host = HOST,
): Promise<{ port: number; ca: RunCa; server: Server }> {
  const ca = await openCa("origin")
  const server = createSecureServer({ SNICallback: (_, answer) => answer(null, ca.contextFor(host)) }, handler)
  return { port: await listen(server), ca, server }
}

/** A proxy whose pipeline sends everything to loopback, under whatever name it is for. */
export async function startProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    if (!egress.serve(request, response)) response.writeHead(404).end("the gate's own")
  }
  const server = createServer(handler)
  const violations: string[] = []
  const requests: string[] = []
  const troubles: unknown[] = []
  const ca = await openCa("run-1")
  const origins = createOrigins({ ca: options.originCa ? [options.originCa.certificate] : [], ...options.origins })
  const send = options.request ?? sendOn
  const pipeline: Pipeline = {
    identify: (authorization) => {
      const text = Buffer.from(authorization?.replace(/^Basic /, "") ?? "", "base64").toString()
      if (text === "x:nobody") return undefined
      return { agent: "a", operator: "o", run: text.split(":")[1] ?? "anonymous", boxed: true }
    },
    tunnel: options.tunnel ?? (async () => ({ go: "inspect", http2: false })),
    request: async (arrived) => {
      const { scheme, host, port } = arrived.target
      requests.push(`${arrived.request.method} ${scheme}://${host}:${port}${arrived.url}`)
      await send(arrived, origins)
    },
    upgrade: async (arrived) => {
      const destination = { target: arrived.target, addresses: ["127.0.0.1"] }
      await relayUpgrade(origins, destination, arrived, 60_000).catch((error: unknown) => {
        const answer = errorAnswer(502, originError(error).fault)
        endWithAnswer(arrived.socket, { ...answer, body: String(answer.body) })
      })
    },
    violated: (who, target, code) => void violations.push(`${who.run} ${target?.host ?? "-"} ${code}`),
  }
  const egress = attachEgress(server, pipeline, {
    ...{ caOf: async () => ca, origins, onTrouble: (error) => void troubles.push(error) },
    limits: options.limits,
  })
  const { gateCa } = options
  const front = createTcpServer((socket) => {
    const secureContext = gateCa!.contextFor("127.0.0.1")
    server.emit("connection", new TLSSocket(socket, { isServer: true, secureContext }))
  })
  const port = await listen(gateCa === undefined ? server : (front as Server))
  onTestFinished(async () => {
    egress.close()
    await origins.close()
  })
  return { port, certificate: ca.certificate, violations, requests, egress, server, origins, troubles }
}

/** What the pipeline does with a request that may go, without any of its decisions. */
export async function sendOn({ request, response, target, url, http2 }: Arrived, origins: Origins): Promise<void> {
  const fail = (failed: string) => {
    if (!response.headersSent) response.writeHead(502, { "content-type": "text/plain" }).end(failed)
  }
  try {
    const dispatcher = await origins.dispatcherOf({ target, addresses: ["127.0.0.1"], http2 })
    const hasBody =
      request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined
    if (request.headers.expect !== undefined) response.writeContinue()
    const outgoing = {
      ...{ method: request.method ?? "GET", path: url, headers: requestHeaders(request, target) },
      body: hasBody || (http2 && !request.complete) ? request : undefined,
    }
    const origin = `${target.scheme}://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`
    await forward(dispatcher, origin, outgoing, response, {}, fail)
  } catch (error) {
    fail(originError(error).fault)
  }
}
