// The transport of the egress proxy, attached to the gate's server: what comes by CONNECT, and what asks for a whole address.
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import { errorAnswer, unavailableAnswer } from "../answer.ts"
import { errorLine, renderRefusal } from "../refusal.ts"
import type { Attribution } from "../types.ts"
import { readConnectTarget } from "./authority.ts"
import type { RunCa } from "./ca.ts"
import { judgeHello } from "./hello-check.ts"
import { createInner } from "./inner.ts"
import { ceaseWatching, watchLeaving } from "./leave.ts"
import { createLive, type Link, type Live } from "./live.ts"
import type { Origins } from "./origins.ts"
import { peekHello } from "./peek.ts"
import { identifyClient, isAbsolute, servePlain, strangerAnswer, upgradePlain } from "./plain.ts"
import { endSocket, endWithAnswer } from "./raw-answer.ts"
import { passTunnel } from "./tunnel.ts"
import type { Pipeline, Target, TunnelDecision } from "./types.ts"

export interface EgressLimits {
  /** Connections of one run, and of all. */
  perRun: number
  all: number
  /** Milliseconds: for a ClientHello and its handshake, and for a request's head. */
  headers: number
  /** Between two requests of a connection. */
  idle: number
  /** Without a byte of a body that is waited for, or without taking any of an answer. */
  stall: number
  /** Without a byte either way in a tunnel that is not looked into. */
  tunnelIdle: number
}

export interface EgressOptions {
  /** The authority of whom a run's clients believe. */
  caOf: (who: Attribution) => Promise<RunCa>
  origins: Origins
  /** Told of what went wrong inside; the client got 503, or its connection ended. */
  onTrouble: (error: unknown) => void
  limits?: Partial<EgressLimits> | undefined
  /** Counts the connections of several servers together; one of its own where absent. */
  live?: Live
  /** Takes an upgrade that is the gate's own; false for any other. */
  ownUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
}

export interface Egress {
  /** Answers a request whose address is absolute; false for any other, which is the gate's own. */
  serve: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Ends the connections that `matches` is true of: their visit is over, or the policy that let them through is another now. */
  cutTunnels: (matches: (link: Link) => boolean) => number
  /** Connections through the gate now. */
  readonly connections: number
  /** Ends them, where they are not counted with others'. */
  close: () => void
}

export const EGRESS_LIMITS: EgressLimits = {
  ...{ perRun: 512, all: 4_096, headers: 10_000, idle: 60_000, stall: 120_000, tunnelIdle: 10 * 60_000 },
}

/** Attaches the proxy to a server that answers its own requests itself. */
export function attachEgress(server: Server, pipeline: Pipeline, options: EgressOptions): Egress {
  const limits = { ...EGRESS_LIMITS, ...options.limits }
  const live = options.live ?? createLive(limits)
  const inner = createInner(pipeline, limits, options.onTrouble)

  async function connect(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const who = identifyClient(pipeline, request.rawHeaders)
    if (who === undefined) return endWithAnswer(socket, strangerAnswer())
    // Its Host is not looked at: it decides nothing here, and what is inside the tunnel is held against the target.
    const authority = readConnectTarget(request.url ?? "")
    if (authority === undefined) {
      pipeline.violated(who, undefined, "authority.malformed", "the target of a CONNECT")
      return endWithAnswer(socket, own(400, "authority.malformed: the target of a CONNECT is host:port"))
    }
    const target: Target = { scheme: "https", ...authority }
    const link = { who, target, socket }
    if (live.add(link) === undefined) return endWithAnswer(socket, busy("too many connections through the gateway"))
    // People may be asked: that takes its time.
    if (head.length === 0) watchLeaving(socket)
    const [decision, ca] = await Promise.all([pipeline.tunnel(who, target), options.caOf(who)])
    ceaseWatching(socket)
    if (socket.destroyed) return unused(decision)
    if (decision.go === "refuse") return endWithAnswer(socket, refusalOf(decision))
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
    await open(link, head, decision, ca)
  }

  async function open({ who, target, socket }: Link, head: Buffer, decision: Opened, ca: RunCa): Promise<void> {
    if (decision.go === "pass" && decision.raw) {
      if (head.length > 0) socket.unshift(head)
      return decision.done(await passTunnel(options.origins, target, decision.addresses, socket, limits.tunnelIdle))
    }
    const peeked = await peekHello(socket, head, limits.headers)
    if (peeked.kind === "gone" || peeked.kind === "late") {
      socket.destroy()
      return unused(decision)
    }
    const wrong = judgeHello(peeked, target.host, decision.go)
    if (wrong !== undefined) {
      unused(decision)
      pipeline.violated(who, target, wrong.code, wrong.detail)
      return endSocket(socket, wrong.last)
    }
    if (decision.go === "pass") {
      const passed = await passTunnel(options.origins, target, decision.addresses, socket, limits.tunnelIdle)
      return decision.done(passed)
    }
    const protocols = decision.http2 ? ["h2", "http/1.1"] : ["http/1.1"]
    const secured = new TLSSocket(socket, {
      ...{ isServer: true, secureContext: ca.contextFor(target.host), ALPNProtocols: protocols },
    })
    const timer = setTimeout(() => secured.destroy(), limits.headers)
    // A client that does not believe the authority says so here, and to whom it serves.
    secured.on("error", () => secured.destroy()).once("close", () => clearTimeout(timer))
    secured.once("secure", () => {
      clearTimeout(timer)
      inner.accept(who, target, secured)
    })
  }

  server.on("connect", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {})
    connect(request, socket, head).catch((error: unknown) => {
      options.onTrouble(error)
      endWithAnswer(socket, busy("the gateway cannot decide requests at the moment, so it lets none through"))
    })
  })
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {})
    if (options.ownUpgrade?.(request, socket, head)) return
    if (isAbsolute(request.url)) upgradePlain(pipeline, live, request, socket, head, options.onTrouble)
    else endWithAnswer(socket, own(400, "the gateway itself speaks nothing but HTTP/1.1"))
  })
  return {
    serve: (request, response) => {
      if (!isAbsolute(request.url)) return false
      servePlain(pipeline, live, request, response, limits.stall).catch((error: unknown) => {
        options.onTrouble(error)
        response.destroy()
      })
      return true
    },
    cutTunnels: live.cut,
    get connections() {
      return live.size
    },
    close: () => {
      inner.close()
      if (options.live === undefined) live.cut(() => true)
    },
  }
}

type Opened = Exclude<TunnelDecision, { go: "refuse" }>

/** Nothing passed: what was set apart for it is told so. */
function unused(decision: TunnelDecision): void {
  if (decision.go === "pass") decision.done({ sent: 0, received: 0 })
}

/** Clients show of an answer to CONNECT its first line at most: that carries the code and the id. */
function refusalOf({ verdict, requestId }: TunnelDecision & { go: "refuse" }) {
  const answer = renderRefusal({ error: errorLine(verdict, requestId), requestId, verdict, retryable: false })
  return { ...answer, body: String(answer.body) }
}

function own(status: number, text: string) {
  const answer = errorAnswer(status, text)
  return { ...answer, body: String(answer.body) }
}

function busy(text: string) {
  const answer = unavailableAnswer(text)
  return { ...answer, body: String(answer.body) }
}
