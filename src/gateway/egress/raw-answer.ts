// Answers on a bare socket, where Node's server has given it away: to a CONNECT, to a request for another protocol, to what it could
// not parse.
import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { plainText } from "../../policy/text.ts"
import type { Answer } from "../answer.ts"
import { ceaseWatching } from "./leave.ts"

/** Milliseconds that a client gets to read an answer before its connection is cut. */
const LINGER = 2_000

/** Writes an answer, and ends the connection. What the client still sends is read by nobody. */
export function endWithAnswer(socket: Duplex, answer: Answer & { body: string | Buffer }): void {
  const { status, phrase, headers, body } = answer
  const lines = [`HTTP/1.1 ${status} ${plainText(phrase ?? STATUS_CODES[status] ?? "", 200)}`]
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${plainText(value, 1_000)}`)
  lines.push(`content-length: ${Buffer.byteLength(body)}`, "connection: close", "", "")
  endSocket(socket, Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), Buffer.from(body)]))
}

/** Sends the last bytes of a connection. A socket that is destroyed while it is sent to would lose them. */
export function endSocket(socket: Duplex, bytes: Buffer): void {
  if (socket.destroyed) return
  ceaseWatching(socket)
  const timer = setTimeout(() => socket.destroy(), LINGER)
  socket.once("close", () => clearTimeout(timer))
  socket.on("error", () => {})
  socket.resume()
  socket.end(bytes)
  socket.once("end", () => socket.destroy())
}

/** A response for a request whose socket was given away with its `upgrade` event: whoever answers it otherwise writes here. */
export function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  response.once("finish", () => endSocket(socket, Buffer.alloc(0)))
  return response
}
