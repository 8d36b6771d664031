// A port of a box for programs of the host: the gate listens on the host's loopback, and the relay in the box waits at the run's socket
// for each caller (`upgrade: nanoguard-publish`). Nothing is dialled into the box.
import type { IncomingMessage } from "node:http"
import { createServer, type Server, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { EXIT, NanoguardError } from "../../errors.ts"
import { errorAnswer } from "../answer.ts"
import { endWithAnswer } from "../egress/raw-answer.ts"
import type { PublishedPort } from "./types.ts"

export interface Publisher {
  /** Takes a relay's offer; false for any other upgrade. */
  takeOffer: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  close: () => void
}

const PATH = /^\/-\/nanoguard\/publish\/(\d{1,5})$/
/** Offers of one port that wait for a caller, callers that wait for an offer, and milliseconds that these do. */
const MAX_OFFERS = 32
const MAX_CALLERS = 256
const PATIENCE = 10_000
const START = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: nanoguard-publish\r\n\r\n"

/** Listens for each port on 127.0.0.1. Throws `NanoguardError` (environment) where one is taken. */
export async function openPublisher(ports: readonly PublishedPort[]): Promise<Publisher> {
  const offers = new Map<number, Set<Duplex>>(ports.map(({ box }) => [box, new Set()]))
  const callers = new Map<number, Set<Socket>>(ports.map(({ box }) => [box, new Set()]))
  const servers: Server[] = []
  const close = () => {
    for (const server of servers) server.close()
    for (const set of [...offers.values(), ...callers.values()]) for (const one of set) one.destroy()
  }
  const call = (box: number, caller: Socket) => {
    const [offer] = offers.get(box)!
    if (offer !== undefined) {
      offers.get(box)!.delete(offer)
      offer.removeAllListeners("end")
      return pair(caller, offer)
    }
    const waiting = callers.get(box)!
    const leave = () => void waiting.delete(caller)
    waiting.add(caller)
    caller.once("close", leave)
    caller.on("error", () => caller.destroy())
    setTimeout(() => waiting.delete(caller) && caller.destroy(), PATIENCE).unref()
  }
  try {
    for (const { host, box } of ports) servers.push(await listen(host, (caller) => call(box, caller)))
  } catch (error) {
    close()
    throw error
  }
  return {
    takeOffer: (request, socket, head) => {
      const port = PATH.exec(request.url ?? "")?.[1]
      if (port === undefined || request.headers.upgrade !== "nanoguard-publish") return false
      const waiting = offers.get(Number(port))
      if (waiting === undefined || waiting.size >= MAX_OFFERS) {
        const answer = errorAnswer(waiting === undefined ? 404 : 503, "this port of the box is not published")
        endWithAnswer(socket, { ...answer, body: String(answer.body) })
        return true
      }
      if (head.length > 0) socket.unshift(head)
      const [caller] = callers.get(Number(port))!
      if (caller !== undefined) {
        callers.get(Number(port))!.delete(caller)
        pair(caller, socket)
        return true
      }
      waiting.add(socket)
      // It says nothing until it is taken; that it left is seen only by whoever reads.
      const leave = () => socket.destroy()
      socket.once("close", () => waiting.delete(socket)).once("end", leave)
      socket.resume()
      return true
    },
    close,
  }
}

function pair(caller: Socket, offer: Duplex): void {
  for (const [from, to] of [
    [caller, offer],
    [offer, caller],
  ] as const) {
    from.on("error", () => to.destroy())
    from.on("close", () => from.readableEnded || to.destroy())
  }
  offer.write(START)
  caller.pipe(offer)
  offer.pipe(caller)
}

async function listen(port: number, onCaller: (caller: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, onCaller)
  server.maxConnections = MAX_CALLERS
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new NanoguardError(`port ${port} of this machine cannot be published: ${cause.code}`, {
          exit: EXIT.environment,
          hint: "choose another: --publish <host port>:<box port>",
          cause,
        }),
      ),
    )
    server.listen(port, "127.0.0.1", () => resolve())
  })
  server.on("error", () => {})
  return server
}
