import { createServer } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { Duplex } from "node:stream"
import { describe, expect, onTestFinished, test } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { openCa } from "../../../src/gateway/egress/ca.ts"
import { dialProxy, openTls } from "./clients.ts"
import { HOST, listen, startProxy } from "./proxy.ts"

/** An origin that echoes messages, and says whom it was asked as. */
async function startEcho() {
  const ca = await openCa("origin")
  const server = createSecureServer(
    { SNICallback: (_, answer) => answer(null, ca.contextFor(HOST)) },
    (_, response) => {
      response.writeHead(404).end("no such place")
    },
  )
  const sockets = new WebSocketServer({ noServer: true })
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/refused") return void socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.send(`${request.headers.host} ${request.url}`)
      opened.on("message", (data, isBinary) => opened.send(data, { binary: isBinary }))
    })
  })
  return { port: await listen(server), ca }
}

describe("a WebSocket", () => {
  test("opens through the proxy, and passes messages both ways as they come", async () => {
    const origin = await startEcho()
    const proxy = await startProxy({ originCa: origin.ca })
    const { socket } = await openTls(proxy, origin.port)
    socket.removeAllListeners("data")
    const client = new WebSocket(`wss://${HOST}:${origin.port}/chat?a=b`, { createConnection: () => socket as never })
    onTestFinished(() => client.terminate())
    const messages: string[] = []
    const waiting: (() => void)[] = []
    client.on("message", (data) => {
      messages.push(String(data))
      waiting.shift()?.()
    })
    const next = () => new Promise<void>((resolve) => waiting.push(resolve))
    await next()
    expect(messages).toEqual([`${HOST}:${origin.port} /chat?a=b`])
    const large = "x".repeat(300_000)
    for (const text of ["one", large]) {
      const came = next()
      client.send(text)
      await came
    }
    expect(messages.slice(1)).toEqual(["one", large])
    const closed = new Promise((resolve) => client.once("close", resolve))
    expect(proxy.egress.cutTunnels(({ target }) => target.host === HOST)).toBe(1)
    await closed
  })

  test("that the origin refuses gets the origin's answer", async () => {
    const origin = await startEcho()
    const proxy = await startProxy({ originCa: origin.ca })
    const wire = await openTls(proxy, origin.port)
    const key =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    wire.socket.write(`GET /refused HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\n${key}\r\n`)
    const text = await wire.until(/never/)
    expect(text).toMatch(/^HTTP\/1\.1 401 /)
    expect(text).toMatch(/no$/)
  })

  test("in plain HTTP opens, too, and only to its Host", async () => {
    const server = createServer()
    server.on("upgrade", (request, socket: Duplex) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${request.url}`,
      )
      socket.on("data", (chunk) => socket.write(chunk))
    })
    const port = await listen(server)
    const proxy = await startProxy()
    const head = (host: string) =>
      `GET http://${HOST}:${port}/x HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
    const wire = dialProxy(proxy)
    wire.socket.write(`${head(`${HOST}:${port}`)}early`)
    expect(await wire.until(/early/)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\/xearly$/)
    wire.socket.write("frames")
    await wire.until(/frames/)
    const other = dialProxy(proxy)
    other.socket.write(head("other.example.com"))
    expect(await other.until(/never/)).toMatch(/^HTTP\/1\.1 421 /)
    expect(proxy.violations).toEqual([`anonymous ${HOST} authority.mismatch`])
  })
})
