// An HTTPS origin for the egress bench that costs next to nothing: it reads heads only as far as their path, and answers from memory. A process
// of its own (`fork`); tells `{ port, second, ca }`. Paths: /big is 64 MiB, /stream ten events 20 ms apart with the time of each, others 1 KiB.
import { type AddressInfo, createServer, type Socket } from "node:net"
import { TLSSocket } from "node:tls"
import { openCa } from "../../src/gateway/egress/ca.ts"

export const BIG = 64 * 2 ** 20
const EVENTS = 10
const APART = 20

const json = "content-type: application/json\r\n"
const small = Buffer.from(`HTTP/1.1 200 OK\r\n${json}content-length: 1024\r\n\r\n${"x".repeat(1024)}`)
const bigHead = Buffer.from(`HTTP/1.1 200 OK\r\n${json}content-length: ${BIG}\r\n\r\n`)
const block = Buffer.alloc(65_536, "y")

const ca = await openCa("origin")
const secureContext = ca.contextFor("localhost")

function serve(raw: Socket) {
  raw.setNoDelay(true).on("error", () => {})
  const socket = new TLSSocket(raw, { isServer: true, secureContext })
  let waiting = ""
  socket.on("error", () => {})
  socket.on("data", (bytes) => {
    waiting += bytes.toString("latin1")
    for (let end = waiting.indexOf("\r\n\r\n"); end >= 0; end = waiting.indexOf("\r\n\r\n")) {
      const head = waiting.slice(0, end)
      const length = /^content-length: *(\d+)/im.exec(head)
      const whole = end + 4 + Number(length?.[1] ?? 0)
      if (waiting.length < whole) return
      waiting = waiting.slice(whole)
      answer(socket, head)
    }
  })
}

function answer(socket: TLSSocket, head: string) {
  const path = head.slice(head.indexOf(" ") + 1)
  if (path.startsWith("/big")) return sendBig(socket)
  if (path.startsWith("/stream")) return sendEvents(socket)
  socket.write(small)
}

function sendBig(socket: TLSSocket) {
  socket.write(bigHead)
  let left = BIG / block.length
  const more = () => {
    while (left > 0) {
      left--
      if (!socket.write(block)) return void socket.once("drain", more)
    }
  }
  more()
}

function sendEvents(socket: TLSSocket) {
  socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
  let left = EVENTS
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer)
    // Monotonic, and the same for all processes of one machine.
    const event = `data: ${process.hrtime.bigint()}\n\n`
    left--
    if (left === 0) clearInterval(timer)
    socket.write(`${event.length.toString(16)}\r\n${event}\r\n${left === 0 ? "0\r\n\r\n" : ""}`)
  }, APART)
}

const listen = () =>
  new Promise<number>((resolve) => {
    const server = createServer(serve).listen(0, "127.0.0.1", 4096, () =>
      resolve((server.address() as AddressInfo).port),
    )
  })

process.once("disconnect", () => process.exit())
process.send?.({ port: await listen(), second: await listen(), ca: ca.certificate })
