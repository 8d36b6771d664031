// The gate's server for one run, on a Unix socket that only the run's box has: whoever comes there is that run, whatever else is said.
import { chmodSync, rmSync } from "node:fs"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { EXIT, NanoguardError } from "../../errors.ts"
import { IN_BOX } from "../../sandbox/types.ts"
import type { Answer } from "../answer.ts"
import type { OpenEgress } from "../egress/open.ts"
import { createGateServer, type ServerOptions } from "../server.ts"
import type { Attribution } from "../types.ts"
import type { Publisher } from "./publish.ts"

/** How a box reaches the gate: the relay's port on the box's own loopback. */
export const BOX_ORIGIN = `http://127.0.0.1:${IN_BOX.port}`

export interface BoxServer {
  /** What came through it so far. */
  counts: () => { requests: number; bytes: number }
  /** Whether anything connected to it. */
  heard: () => boolean
  /** Nobody gets in any more, and who is in is cut off. */
  close: () => void
}

export interface BoxServerOptions {
  who: Attribution
  /** Of the socket: what a dead gate left there is replaced. */
  path: string
  /** Of the gate's own server. */
  gate: Pick<ServerOptions, "front" | "onDone" | "onTrouble" | "limits" | "onAsking">
  egress: OpenEgress
  health: () => Answer
  internal: (request: IncomingMessage, response: ServerResponse) => boolean
  publisher: Publisher
  /** The first connection came. */
  onHeard: () => void
}

/** Connections of one box: with those of the relay that wait for a published port. */
const MAX_CONNECTIONS = 1_024

/** Listens. Throws `NanoguardError` (environment) where the socket cannot be made. */
export async function openBoxServer(options: BoxServerOptions): Promise<BoxServer> {
  const { who, path, gate, egress, publisher } = options
  let requests = 0
  let bytes = 0
  const sockets = new Set<Socket>()
  const proxy = (request: IncomingMessage, response: ServerResponse) =>
    options.internal(request, response) || attached.serve(request, response)
  const server: Server = createGateServer({
    ...gate,
    identify: () => who,
    proxy,
    origin: () => BOX_ORIGIN,
    // Metrics are of all runs, and none of one's business.
    own: (asked) => (asked === "/-/health" ? options.health() : undefined),
    onBegun: () => {},
    onDone: (done) => {
      if (done.ecosystem !== undefined) requests += 1
      gate.onDone(done)
    },
    limits: { ...gate.limits, sockets: MAX_CONNECTIONS },
  })
  const attached = egress.attachTo(server, who, {
    ownUpgrade: publisher.takeOffer,
    onRequest: () => {
      requests += 1
    },
  })
  let heard = false
  server.once("connection", () => {
    heard = true
    options.onHeard()
  })
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.once("close", () => {
      sockets.delete(socket)
      bytes += socket.bytesRead + socket.bytesWritten
    })
  })
  try {
    rmSync(path, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen({ path, backlog: MAX_CONNECTIONS }, resolve)
    })
    server.on("error", gate.onTrouble)
    // The box has a user of its own; the directories that lead here are for the gate's owner alone.
    chmodSync(path, 0o666)
  } catch (cause) {
    server.close()
    attached.close()
    throw new NanoguardError("the socket of the box cannot be made", {
      exit: EXIT.environment,
      hint: "look at the directory's owner and at how long its name is",
      where: { file: path },
      cause,
    })
  }
  return {
    counts: () => {
      const open = [...sockets].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0)
      return { requests, bytes: bytes + open }
    },
    heard: () => heard,
    close: () => {
      server.close()
      attached.close()
      publisher.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
