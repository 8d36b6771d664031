import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  createSecureServer,
} from "node:http2"
import type { Duplex } from "node:stream"
import { describe, expect, onTestFinished, test } from "vitest"
import { errorAnswer } from "../../../src/gateway/answer.ts"
import { openCa } from "../../../src/gateway/egress/ca.ts"
import { sendAnswer } from "../../../src/gateway/send.ts"
import { curl, openTls } from "./clients.ts"
import { HOST, listen, startOrigin, startProxy, type TestProxy } from "./proxy.ts"

const HTTP2 = { tunnel: async () => ({ go: "inspect", http2: true }) as const }

/** An HTTP/2 origin that echoes, as gRPC does: trailers at the end. */
async function startGrpc() {
  const ca = await openCa("origin")
  const server = createSecureServer({ SNICallback: (_, answer) => answer(null, ca.contextFor(HOST)) })
  const seen: string[] = []
  server.on("stream", (stream, headers) => {
    seen.push(`${headers[":method"]} ${headers[":authority"]} ${headers[":path"]} te=${headers.te ?? ""}`)
    stream.respond({ ":status": 200, "content-type": "application/grpc", "alt-svc": "h3" }, { waitForTrailers: true })
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
    stream.on("error", () => {})
    stream.pipe(stream)
  })
  return { port: await listen(server as never), ca, seen }
}

/** An HTTP/2 session with a client's own idea of what to say in it. */
async function openSession(proxy: TestProxy, port: number): Promise<ClientHttp2Session> {
  const { socket } = await openTls(proxy, port, { ALPNProtocols: ["h2"] })
  socket.removeAllListeners("data")
  const session = connectHttp2(`https://${HOST}:${port}`, { createConnection: () => socket as Duplex })
  session.on("error", () => {})
  onTestFinished(() => session.destroy())
  return session
}

interface Got {
  status: number
  headers: Record<string, unknown>
  body: string
  trailers: Record<string, unknown>
  error: string
}

function ask(session: ClientHttp2Session, headers: Record<string, string | string[]>, body?: string): Promise<Got> {
  return new Promise((resolve) => {
    const got: Got = { status: 0, headers: {}, body: "", trailers: {}, error: "" }
    let stream: ClientHttp2Stream
    try {
      stream = session.request(headers, { endStream: body === undefined })
    } catch (error) {
      return resolve({ ...got, error: String(error) })
    }
    stream.on("response", (answer) => Object.assign(got, { status: answer[":status"], headers: answer }))
    stream.on("trailers", (trailers) => Object.assign(got, { trailers }))
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      got.body += chunk
    })
    stream.on("error", ({ message }) => Object.assign(got, { error: message }))
    stream.on("close", () => resolve(got))
    if (body !== undefined) stream.end(body)
  })
}

/** A frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** How a client begins, without settings of its own. */
const PREFACE = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, Buffer.alloc(0))])

describe("HTTP/2, where a rule names it", () => {
  test("reaches an origin that speaks it, both ways at once, trailers and all", async () => {
    const origin = await startGrpc()
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const session = await openSession(proxy, origin.port)
    const head = { ":method": "POST", ":path": "/pkg.Service/Call", te: "trailers", "content-type": "application/grpc" }
    const stream = session.request(head)
    const first = new Promise<string>((resolve) => stream.once("data", (chunk: Buffer) => resolve(chunk.toString())))
    stream.write("one")
    expect(await first).toBe("one")
    const trailers = new Promise((resolve) => stream.once("trailers", resolve))
    stream.end("two")
    expect(await trailers).toMatchObject({ "grpc-status": "0" })
    expect(origin.seen).toEqual([`POST ${HOST}:${origin.port} /pkg.Service/Call te=trailers`])
    const { headers } = await ask(session, { ":path": "/other" })
    expect(headers).not.toHaveProperty("alt-svc")
  })

  test("reaches an origin that does not speak it, too", async () => {
    const origin = await startOrigin((request, response) => {
      response.setHeader("x-version", request.httpVersion)
      request.pipe(response)
    })
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const session = await openSession(proxy, origin.port)
    const got = await ask(session, { ":method": "POST", ":path": "/a" }, "body")
    expect(got).toMatchObject({ status: 200, body: "body", headers: { "x-version": "1.1" } })
  })

  test("curl takes it", async () => {
    const origin = await startGrpc()
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const { stdout, stderr } = await curl(
      proxy,
      "--http2",
      "-d",
      "abc",
      "-w",
      " %{http_version}",
      `https://${HOST}:${origin.port}/`,
    )
    expect(stderr).toBe("")
    expect(stdout).toBe("abc 2")
  })
})

describe("T7: within HTTP/2", () => {
  const heads: [string, (authority: string) => Record<string, string>, string][] = [
    [":authority of another", () => ({ ":authority": "other.example.com" }), "authority.mismatch"],
    ["another port", () => ({ ":authority": `${HOST}:22` }), "authority.mismatch"],
    ["Host of another beside it", (a) => ({ ":authority": a, host: "other.example.com" }), "authority.mismatch"],
    ["another scheme", (a) => ({ ":authority": a, ":scheme": "http" }), "authority.mismatch"],
    ["CONNECT", () => ({ ":method": "CONNECT", ":authority": "other.example.com:443" }), "connect.nested"],
    ["TRACE", (a) => ({ ":authority": a, ":method": "TRACE" }), "request.malformed"],
    ["a method in lower case", (a) => ({ ":authority": a, ":method": "post" }), "request.malformed"],
    ["dot segments", (a) => ({ ":authority": a, ":path": "/a/%2e./b" }), "request.malformed"],
  ]
  test.each(heads)("%s", async (_, head, code) => {
    const origin = await startGrpc()
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const session = await openSession(proxy, origin.port)
    const closed = new Promise((resolve) => session.once("close", resolve))
    const given = head(`${HOST}:${origin.port}`)
    await ask(session, given[":method"] === "CONNECT" ? given : { ":path": "/", ...given })
    await closed
    expect(proxy.violations).toEqual([`anonymous ${HOST} ${code}`])
    expect(proxy.requests).toEqual([])
    expect(origin.seen).toEqual([])
  })

  test.each([
    ["a user in :authority", { ":path": "/", ":authority": `u@${HOST}` }],
    ["an absolute path", { ":path": "https://other.example.com/" }],
    ["a path that is none", { ":path": "other.example.com" }],
  ])("%s ends the stream before it is a request", async (_, head) => {
    const origin = await startGrpc()
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const session = await openSession(proxy, origin.port)
    expect((await ask(session, head)).error).toMatch(/PROTOCOL_ERROR/)
    expect(proxy.requests).toEqual([])
    expect(await ask(session, { ":path": "/" })).toMatchObject({ status: 200 })
  })

  test("streams that are taken back at once, thousands of them (rapid reset), end the connection", async () => {
    const origin = await startGrpc()
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const { socket, until } = await openTls(proxy, origin.port, { ALPNProtocols: ["h2"] })
    const authority = `${HOST}:${origin.port}`
    // GET, https, / and a literal :authority (RFC 7541, appendix A).
    const block = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x41, authority.length]), Buffer.from(authority)])
    socket.write(PREFACE)
    for (let stream = 1; stream < 10_000 && !socket.destroyed; stream += 2) {
      socket.write(Buffer.concat([frame(1, 5, stream, block), frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))]))
      if (stream % 200 === 1) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(/never/)
    expect(socket.destroyed).toBe(true)
    expect(proxy.requests.length).toBeLessThan(1_000)
    // The gate answers others as before.
    const other = await openSession(proxy, origin.port)
    expect(await ask(other, { ":path": "/" })).toMatchObject({ status: 200 })
  })

  test("a head in endless CONTINUATION frames ends the connection", async () => {
    const origin = await startGrpc()
    const proxy = await startProxy({ originCa: origin.ca, ...HTTP2 })
    const { socket, until } = await openTls(proxy, origin.port, { ALPNProtocols: ["h2"] })
    // A literal header without indexing (RFC 7541, section 6.2.2), "x": "y" a hundred times.
    const block = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from([0, 1, 0x78, 1, 0x79])))
    socket.write(PREFACE)
    socket.write(frame(1, 0, 1, block))
    for (let index = 0; index < 1_000 && !socket.destroyed; index++) socket.write(frame(9, 0, 1, block))
    await until(/never/)
    expect(socket.destroyed).toBe(true)
    expect(proxy.requests).toEqual([])
  })
})

test("an answer of the gate's own, reason phrase and all, is one in HTTP/2, too, without a word from Node", async () => {
  const warnings: string[] = []
  const onWarning = ({ message }: Error) => void warnings.push(message)
  process.on("warning", onWarning)
  onTestFinished(() => void process.off("warning", onWarning))
  const origin = await startGrpc()
  const proxy = await startProxy({
    ...HTTP2,
    request: async ({ request, response }) => {
      await sendAnswer(request, response, errorAnswer(403, "network.default: refused", { "x-a": "b" }), 5_000)
    },
  })
  const session = await openSession(proxy, origin.port)
  const got = await ask(session, { ":method": "POST", ":path": "/" }, "body")
  expect(got).toMatchObject({ status: 403, headers: { "x-a": "b" } })
  expect(JSON.parse(got.body)).toMatchObject({ status: 403 })
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
})
