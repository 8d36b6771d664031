// A gate that refuses nothing: what a probe of the gate has to find. In a test's process, or by itself: `node open-gate.ts <port>`.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http"
import { connect } from "node:net"
import type { Duplex } from "node:stream"
import { fileURLToPath } from "node:url"

/** Milliseconds for whoever does not answer. */
const PATIENCE = 300

/** Listens on loopback: forwards every request and every connection, and answers calls of the control API with what they ask for. */
export async function openGate(port = 0): Promise<Server> {
  const server = createServer((asked, response) => {
    if (asked.url?.startsWith("http://") === true) return forward(asked, response)
    const known = /^\/v1\/(?!nanoguard-selftest)/.test(asked.url ?? "")
    response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end('{"run":"run-other"}')
  })
  server.on("connect", tunnel)
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  return server
}

/** To a port that is named. What has none is elsewhere, and answered as if it had been reached: whether a gate lets it out is what counts. */
function forward(asked: IncomingMessage, response: ServerResponse): void {
  const url = new URL(asked.url!)
  if (url.port === "") return void response.end("open")
  const onward = request(url, { method: asked.method ?? "GET", timeout: PATIENCE }, (answer) => {
    response.writeHead(answer.statusCode ?? 200)
    answer.pipe(response)
  })
  onward.on("timeout", () => onward.destroy()).on("error", () => response.writeHead(502).end())
  onward.end()
}

function tunnel(asked: IncomingMessage, client: Duplex, head: Buffer): void {
  const [, host = "", port = "0"] = /^\[?(.*?)\]?:(\d+)$/.exec(asked.url ?? "") ?? []
  const known = host === "nanoguard.internal" ? "127.0.0.1" : host
  const onward = connect({ host: known, port: Number(port), timeout: PATIENCE }, () => {
    client.write("HTTP/1.1 200 OK\r\n\r\n")
    onward.write(head)
    client.pipe(onward).pipe(client)
  })
  onward.on("error", () => client.destroy()).on("timeout", () => client.destroy())
  client.on("error", () => onward.destroy())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await openGate(Number(process.argv[2]))
