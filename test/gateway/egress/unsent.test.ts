// What a budget counts of requests that came to nothing: an origin has a hand in how they fail.
import { createSecureServer } from "node:http2"
import { connect, createServer, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { expect, onTestFinished, test } from "vitest"
import { openCa } from "../../../src/gateway/egress/ca.ts"
import { createOrigins } from "../../../src/gateway/egress/origins.ts"
import { openEgressGate } from "./gate.ts"
import { HOST, listen } from "./proxy.ts"

/** What no handshake was about: an alert without encryption, and a record that no key opens. */
const ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 40])
const RECORD = Buffer.concat([Buffer.from([0x17, 3, 3, 0, 32]), Buffer.alloc(32, 7)])

const WEBSOCKET = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
const OPENING = [...WEBSOCKET, "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="].flatMap((header) => ["-H", header])

/** An origin that has each request, and then says something on its connection that is no TLS of theirs. */
async function startBreaking(bytes: Buffer) {
  const ca = await openCa("origin")
  const heard: string[] = []
  let toGate: Socket | undefined
  const secure = { allowHTTP1: true, SNICallback: (_: string, answer: Answer) => answer(null, ca.contextFor(HOST)) }
  const server = createSecureServer(secure, (request) => {
    request.on("error", () => {}).resume()
    request.once("end", () => {
      heard.push(request.httpVersion)
      toGate!.write(bytes)
    })
  })
  server.on("sessionError", () => {}).on("tlsClientError", () => {})
  const target = await listen(server as never)
  const relay = createServer((socket) => {
    toGate = socket
    const origin = connect(target, "127.0.0.1")
    socket.on("error", () => {}).pipe(origin)
    origin.on("error", () => {}).on("data", (chunk) => socket.writable && socket.write(chunk))
    origin.on("close", () => socket.destroy())
  })
  return { port: await listen(relay as never), ca, heard }
}

type Answer = (error: null, context: ReturnType<Awaited<ReturnType<typeof openCa>>["contextFor"]>) => void

const BODY = ["-H", "expect:", "-d", "a".repeat(4_000)]

test.each([
  ["an alert, after a body", "", ALERT, "1.1", BODY],
  ["a record, after a body", "", RECORD, "1.1", BODY],
  ["an alert, in HTTP/2", ", http2: true", ALERT, "2.0", ["--http2", ...BODY]],
  ["a record, in HTTP/2", ", http2: true", RECORD, "2.0", ["--http2", ...BODY]],
  ["an alert, after the opening of a WebSocket", "", ALERT, "1.1", ["--http1.1", ...OPENING]],
  ["a record, after the opening of a WebSocket", "", RECORD, "1.1", ["--http1.1", ...OPENING]],
])("an origin that breaks TLS once it has a request does not make it one that never left: %s", async (...given) => {
  const [, more, bytes, version, args] = given
  const origin = await startBreaking(bytes)
  const origins = createOrigins({ ca: [origin.ca.certificate] })
  const gate = await openEgressGate({ onTestFinished } as never, {
    policy: () =>
      `network:\n  - { id: out, allow: ${HOST}, ports: [${origin.port}], addresses: [127.0.0.1], budget: { requests: 2/hour }${more} }\n`,
    deps: { origins },
  })
  onTestFinished(() => origins.close())
  for (let i = 0; i < 2; i++)
    expect((await gate.curl(...args, `https://${HOST}:${origin.port}/x`)).stdout).toMatch(/broken.*502$/s)
  expect((await gate.curl(...args, `https://${HOST}:${origin.port}/x`)).stdout).toMatch(/budget.*403$/s)
  expect(origin.heard).toEqual([version, version])
})

test.each([
  ["that nobody trusts", true],
  ["that says nothing", false],
])("a request whose host has heard its name counts as one, and as none of its bytes: a host %s", async (_, speaks) => {
  const ca = await openCa("nobody's")
  const names: string[] = []
  const SNICallback = (name: string, answer: Answer) => {
    names.push(name)
    answer(null, ca.contextFor(name))
  }
  const server = speaks ? createTlsServer({ SNICallback }) : createServer((socket) => socket.on("error", () => {}))
  server.on("tlsClientError", () => {})
  const port = await listen(server as never)
  const origins = createOrigins({ connectTimeout: 1_000 })
  const gate = await openEgressGate({ onTestFinished } as never, {
    policy: () =>
      `network:\n  - { id: out, allow: "*.example.com", ports: [${port}], addresses: [127.0.0.1], budget: { requests: 2/hour, bytes: 1/hour } }\n`,
    deps: { origins },
  })
  onTestFinished(() => origins.close())
  const ask = async (name: string) => (await gate.curl(...BODY, `https://${name}.example.com:${port}/`)).stdout
  expect(await ask("one")).toMatch(/untrusted.*502$/s)
  expect(await ask("two")).toMatch(/untrusted.*502$/s)
  expect(await ask("three")).toMatch(/budget.*403$/s)
  expect(names).toEqual(speaks ? ["one.example.com", "two.example.com"] : [])
})

test("a host that is not reached costs nothing", async (t) => {
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `network:\n  - { id: out, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], budget: { requests: 1/hour } }\n`,
  })
  await new Promise((resolve) => gate.origin.server.close(resolve))
  for (let i = 0; i < 2; i++) expect((await gate.curl(`${gate.base}/`)).stdout).toMatch(/unreachable.*502$/s)
})
