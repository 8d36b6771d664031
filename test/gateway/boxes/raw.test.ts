// Raw TCP by CONNECT: what a rule says by host and port, and nothing else.

import type { AddressInfo } from "node:net"
import { createServer, type Socket } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import { exchangeRaw, openTestBox } from "./box.ts"

/** A server that speaks first, as databases and ssh do. */
async function startSpeaker() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {}).write("READY\n")
    socket.on("data", (chunk) => socket.end(`got ${chunk}`))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const connectTo = (host: string) => `CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\nhello`

test("passes to the host and port of its rule, is on record and counted; to nothing else", async () => {
  const port = await startSpeaker()
  const policy = `version: 1
network:
  - { id: db, allow: db.example.com, ports: [${port}], raw: true, addresses: [127.0.0.1], budget: { requests: 1/run } }
  - { id: tls, allow: tls.example.com, ports: [${port}], inspect: false, addresses: [127.0.0.1] }
  - { id: outside, allow: out.example.com, ports: [${port}], raw: true }
`
  const { gate, box } = await openTestBox({ policy, egress: { resolve: async () => ["127.0.0.1"] } })
  expect(await exchangeRaw(box, connectTo(`db.example.com:${port}`))).toMatch(
    /200 Connection established\r\n\r\nREADY\ngot hello$/,
  )
  // The rule without `raw` wants TLS; the third one no private address; the port beside it is nobody's; and the budget is used up.
  expect(await exchangeRaw(box, connectTo(`tls.example.com:${port}`))).not.toContain("READY")
  expect(await exchangeRaw(box, connectTo(`out.example.com:${port}`))).toMatch(/^HTTP\/1\.1 403 /)
  expect(await exchangeRaw(box, connectTo(`db.example.com:${port + 1}`))).toMatch(/^HTTP\/1\.1 403 /)
  expect(await exchangeRaw(box, connectTo(`db.example.com:${port}`))).toMatch(/^HTTP\/1\.1 403 .*budget\.exceeded/)
  const records = await gate.records()
  expect(records).toContainEqual(
    expect.objectContaining({ type: "network.decided", outcome: "released", detail: { inspected: false, raw: true } }),
  )
})
