// The servers inside of intercepted tunnels: one for HTTP/1.1 and one for HTTP/2, fed with decrypted sockets that never listened.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Http2Server, Http2ServerRequest, ServerHttp2Session } from "node:http2"
import type { Duplex } from "node:stream"
import type { TLSSocket } from "node:tls"
import { errorAnswer } from "../answer.ts"
import type { Attribution } from "../types.ts"
import { checkRequest } from "./check.ts"
import { endWithAnswer } from "./raw-answer.ts"
import { createWatch, type Watched } from "./sweep.ts"
import type { Arrived, Pipeline, Target, Violation } from "./types.ts"
import { acceptUpgrade } from "./upgrade.ts"

/** Milliseconds. */
export interface InnerLimits {
  /** For a request's head, and for a connection without one. */
  headers: number
  idle: number
  /** Without a byte of a body that somebody waits for, or without taking any of an answer. */
  stall: number
}

/** A decrypted connection. */
interface Tunnel extends Watched {
  who: Attribution
  target: Target
  socket: TLSSocket
  /** Something came that ends it: what follows in the same packet counts for nothing. */
  over: boolean
}

export interface Inner {
  /** Takes over a connection whose handshake is done. */
  accept: (who: Attribution, target: Target, socket: TLSSocket) => void
  close: () => void
}

const MAX_HEADER = 16_384

/** Servers whose requests were found to be their tunnel's, before the pipeline gets them. */
export function createInner(pipeline: Pipeline, limits: InnerLimits, onTrouble: (error: unknown) => void): Inner {
  const tunnels = new WeakMap<object, Tunnel>()
  const watch = createWatch(limits)
  let http2: Promise<Http2Server> | undefined
  let opening: Tunnel | undefined

  const violate = (tunnel: Tunnel, code: Violation, detail: string) => {
    tunnel.over = true
    pipeline.violated(tunnel.who, tunnel.target, code, detail)
  }

  function onRequest(request: IncomingMessage, response: ServerResponse) {
    const tunnel = tunnels.get(request.socket)
    if (tunnel === undefined || tunnel.over) return void request.socket.destroy()
    serve(tunnel, request, response, false)
  }

  function serve(tunnel: Tunnel, request: IncomingMessage, response: ServerResponse, isHttp2: boolean) {
    const { who, target } = tunnel
    const checked = checkRequest(request, target, isHttp2)
    if ("code" in checked) {
      violate(tunnel, checked.code, checked.detail)
      return refuse(tunnel, response, checked.status, `${checked.code}: ${checked.detail}`)
    }
    // Meant for the gate, and sent by mistake: the run's token is for no rule, record or origin.
    if (request.headers["proxy-authorization"] !== undefined) delete request.headers["proxy-authorization"]
    watch.begin(tunnel, request, response)
    const arrived: Arrived = { who, target, request, response, url: checked.url, http2: isHttp2 }
    pipeline.request(arrived).catch((error: unknown) => {
      onTrouble(error)
      response.destroy()
    })
  }

  const server = createServer({
    maxHeaderSize: MAX_HEADER,
    keepAliveTimeout: limits.idle,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    // Found out by the check below, which has it recorded.
    requireHostHeader: false,
    noDelay: true,
  })
  // Node looks for slow clients only where a server listens: the watch does so here.
  server.on("request", onRequest).on("checkContinue", onRequest)
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const tunnel = tunnels.get(socket)
    if (tunnel === undefined || tunnel.over) return void socket.destroy()
    watch.release(tunnel)
    const { who, target } = tunnel
    const onViolated = (code: Violation, detail: string) => violate(tunnel, code, detail)
    acceptUpgrade(pipeline, { who, target, request, socket, head }, onViolated, onTrouble)
  })
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    const tunnel = tunnels.get(socket)
    if (tunnel !== undefined) violate(tunnel, "connect.nested", "a CONNECT within a tunnel")
    endWithAnswer(socket, refusal(403, "connect.nested: this is a tunnel already"))
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const tunnel = tunnels.get(socket)
    const { code = "" } = error
    // A client that left is none that sent something wrong.
    if (tunnel === undefined || !code.startsWith("HPE_") || code === "HPE_INVALID_EOF_STATE" || !socket.writable)
      return void socket.destroy()
    if (!tunnel.over) violate(tunnel, "request.malformed", `not parsed: ${code}`)
    const tooLarge = code === "HPE_HEADER_OVERFLOW"
    // In the midst of an answer, another one would be taken for a part of it.
    if (tunnel.active > 0) return void socket.destroy()
    endWithAnswer(socket, refusal(tooLarge ? 431 : 400, `request.malformed: this is no request (${code})`))
  })

  async function openHttp2(): Promise<Http2Server> {
    const { createServer: createHttp2Server } = await import("node:http2")
    const made = createHttp2Server({
      settings: { maxConcurrentStreams: 100, maxHeaderListSize: MAX_HEADER, enablePush: false },
      maxHeaderListPairs: 128,
      maxSessionMemory: 8,
      maxSessionInvalidFrames: 20,
      maxSessionRejectedStreams: 20,
      maxOutstandingPings: 10,
      maxSettings: 16,
      // Rapid reset (CVE-2023-44487): streams that a client may take back at once, and then each second.
      streamResetBurst: 200,
      streamResetRate: 20,
      unknownProtocolTimeout: limits.headers,
    } as Parameters<typeof createHttp2Server>[0])
    made.on("session", (session: ServerHttp2Session) => {
      if (opening === undefined) return session.destroy()
      tunnels.set(session, opening)
      session.setTimeout(limits.stall, () => {
        const tunnel = tunnels.get(session)
        if (tunnel?.active === 0) session.close()
      })
    })
    made.on("sessionError", () => {})
    const onStream = (request: Http2ServerRequest, response: unknown) => {
      const { session } = request.stream
      const tunnel = session && tunnels.get(session)
      if (!tunnel || tunnel.over) return request.stream.destroy()
      serve(tunnel, request as unknown as IncomingMessage, response as ServerResponse, true)
    }
    made.on("request", onStream).on("checkContinue", onStream)
    made.on("connect", (request: Http2ServerRequest) => {
      const { session } = request.stream
      const tunnel = session && tunnels.get(session)
      if (tunnel) violate(tunnel, "connect.nested", "a CONNECT within a tunnel")
      session?.destroy()
    })
    return made
  }

  return {
    accept: (who, target, socket) => {
      const tunnel: Tunnel = { ...{ who, target, socket, over: false }, ...watch.fresh() }
      socket.on("error", () => {})
      watch.add(tunnel)
      if (socket.alpnProtocol !== "h2") {
        tunnels.set(socket, tunnel)
        server.emit("connection", socket)
        return
      }
      http2 ??= openHttp2()
      http2.then(
        (made) => {
          // As Node's own TLS servers have it: the session would wait for a handshake that is over.
          Object.assign(socket, { secureConnecting: false })
          opening = tunnel
          made.emit("connection", socket)
          opening = undefined
        },
        (error: unknown) => {
          onTrouble(error)
          socket.destroy()
        },
      )
    },
    close: watch.close,
  }
}

/** Answers what a connection ends with. */
function refuse({ socket }: Tunnel, response: ServerResponse, status: number, text: string): void {
  const { headers, body } = refusal(status, text)
  // Under HTTP/2 the answer has a stream of its own: the others end with it.
  response.once("close", () => socket.destroySoon())
  if (response.req.httpVersionMajor === 1) response.setHeader("connection", "close")
  response.writeHead(status, headers).end(body)
}

function refusal(status: number, text: string) {
  const answer = errorAnswer(status, text)
  return { ...answer, body: String(answer.body) }
}
