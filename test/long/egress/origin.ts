// Stand-ins for services: one HTTPS server on loopback that answers for every name, and keeps what it was asked.
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { openCa, type RunCa } from "../../../src/gateway/egress/ca.ts"

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

export interface Asked {
  host: string
  method: string
  url: string
  headers: IncomingMessage["headers"]
  body: Buffer
}

export interface Origin {
  port: number
  ca: RunCa
  /** What came, oldest first; bodies of hosts with `raw` handlers are not kept. */
  asked: Asked[]
  /** Answers a host's requests, once their bodies are there. */
  host: (name: string, handler: Handler) => void
  /** The same with bodies left to the handler. */
  raw: (name: string, handler: (request: IncomingMessage, response: ServerResponse) => void) => void
  upgrade: (handler: (request: IncomingMessage, socket: Duplex, head: Buffer) => void) => void
  close: () => Promise<void>
}

/** Starts it, with an authority of its own. A host without a handler answers 404. */
export async function startOrigin(): Promise<Origin> {
  const ca = await openCa("origin")
  const asked: Asked[] = []
  const handlers = new Map<string, Handler>()
  const raws = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const server = createServer({ SNICallback: (host, answer) => answer(null, ca.contextFor(host)) })
  server.on("request", (request, response) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "")
    const { method = "", url = "", headers } = request
    const one: Asked = { host, method, url, headers, body: Buffer.alloc(0) }
    const raw = raws.get(host)
    if (raw !== undefined) {
      asked.push(one)
      raw(request, response)
      return
    }
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      one.body = Buffer.concat(chunks)
      asked.push(one)
      const handler = handlers.get(host)
      if (handler === undefined) response.writeHead(404).end("no such host here")
      else handler(request, response, one.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    ...{ ca, asked, port: (server.address() as AddressInfo).port },
    host: (name, handler) => void handlers.set(name, handler),
    raw: (name, handler) => void raws.set(name, handler),
    upgrade: (handler) => void server.on("upgrade", handler),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
