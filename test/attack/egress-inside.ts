// A client within a tunnel of the whole gate that writes its requests byte by byte.
import { connect } from "node:net"
import { type ConnectionOptions, connect as connectTls } from "node:tls"
import { type Wire, wire } from "../gateway/egress/clients.ts"
import { HOST } from "../gateway/egress/proxy.ts"

/** Where a gate is, and what its run trusts. */
export interface Reached {
  port: number
  certificate: string
}

/** A CONNECT of a run (or with another token), and what was answered. */
export async function connectAs({ port }: Pick<Reached, "port">, authority: string, token = "run-1"): Promise<Wire> {
  const opened = wire(connect(port, "127.0.0.1"))
  const credentials = Buffer.from(`x:${token}`).toString("base64")
  opened.socket.write(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`,
  )
  await opened.until(/\r\n\r\n/)
  return opened
}

/** TLS within a tunnel; rejects where there is no handshake. */
export async function openInside(
  gate: Reached,
  port: number,
  { host = HOST, token = "run-1", ...more }: ConnectionOptions & { host?: string; token?: string } = {},
): Promise<Wire> {
  const { socket, text } = await connectAs(gate, `${host}:${port}`, token)
  if (!text().startsWith("HTTP/1.1 200 ")) throw new Error(text())
  socket.removeAllListeners("data")
  const secured = connectTls({ socket, servername: host, ca: gate.certificate, ALPNProtocols: ["http/1.1"], ...more })
  await new Promise<void>((resolve, reject) => secured.once("secureConnect", resolve).once("error", reject))
  return wire(secured)
}

/** Writes a request into a tunnel of its own, and resolves with all that came until `pattern`. */
export async function askInside(
  gate: Reached,
  port: number,
  request: string | Buffer,
  pattern: RegExp = /\r\n\r\n/,
): Promise<string> {
  const inside = await openInside(gate, port)
  inside.socket.write(request)
  return inside.until(pattern)
}

/** A request's head, with the Host of `port`; further lines end without a line end. */
export const head = (method: string, path: string, port: number, ...lines: string[]) =>
  [`${method} ${path} HTTP/1.1`, `Host: ${HOST}:${port}`, ...lines, "", ""].join("\r\n")
