// A server below HTTP: it writes what a test says, whether or not it is an answer.

import type { AddressInfo } from "node:net"
import { createServer, type Socket } from "node:net"
import { onTestFinished } from "vitest"

/** Calls `answer` for every request with its first line; the sockets end with the test. */
export async function startRaw(
  answer: (socket: Socket, line: string) => void,
): Promise<{ base: string; requests: string[] }> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("data", (bytes) => {
      const text = bytes.toString("latin1")
      if (!text.startsWith("GET ")) return
      requests.push(text)
      answer(socket, text.split("\r\n", 1)[0]!)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}
