import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { Agent, fetch as undiciFetch } from "undici"
import { describe, expect, it, onTestFinished } from "vitest"
import { openAnchor } from "../../../src/audit/anchors/index.ts"
import { publishTo } from "../../../src/audit/anchors/publish.ts"
import { parseCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { openssl } from "../openssl.ts"
import { testAnchor } from "./contract.ts"
import { makeLog, ORIGIN } from "./log.ts"

const log = makeLog(40)
type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** The smallest endpoint that keeps the protocol. */
function endpoint(): Handler {
  let notes = ""
  return (request, response) => {
    if (request.method === "GET") return void response.end(notes)
    let body = ""
    request.on("data", (chunk) => {
      body += String(chunk)
    })
    request.on("end", () => {
      const { note } = parseCheckpoint(body)
      if (!notes.includes(note)) notes += note
      response.writeHead(201).end()
    })
  }
}

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/anchors`
}

const open = (url: string) => openAnchor(url, testContext("/"), { loopback: true })

describe("an endpoint", () => {
  testAnchor(async () => {
    const url = await serve(endpoint())
    return { anchor: open(url), again: () => open(url) }
  })

  it("gets the note as it is signed, and is asked for one log", async () => {
    const seen: string[] = []
    const handler = endpoint()
    const url = await serve((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["content-type"] ?? ""}`)
      handler(request, response)
    })
    await publishTo(open(`${url}?team=a`), log.at(3), log.prove)
    await open(`${url}?team=a`).read(ORIGIN)
    const origin = "origin=nanoguard%2F0123abcd4567ef89"
    expect(seen).toEqual([
      `GET /anchors?team=a&${origin}&newest=1 `,
      "POST /anchors?team=a text/plain; charset=utf-8",
      `GET /anchors?team=a&${origin} `,
    ])
  })

  it("over TLS is believed only with a certificate that is trusted", async (ctx) => {
    const directory = temporaryDirectory()
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    const made = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      ...subject,
    ]
    await openssl(ctx, directory, [...made, "-keyout", "key.pem", "-out", "cert.pem"])
    const [key, cert] = ["key.pem", "cert.pem"].map((file) => readFileSync(join(directory, file)))
    const server = createSecureServer({ key: key!, cert: cert! }, endpoint())
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`
    const untrusting = openAnchor(url, testContext("/"))
    await expect(publishTo(untrusting, log.at(3), log.prove)).rejects.toMatchObject({ name: "AnchorError", exit: 5 })
    const dispatcher = new Agent({ connect: { ca: cert! } })
    onTestFinished(() => dispatcher.close())
    const trusting = ((input: string, init: object) =>
      undiciFetch(input, { ...init, dispatcher })) as unknown as typeof fetch
    const anchor = openAnchor(url, { ...testContext("/"), fetch: trusting })
    await publishTo(anchor, log.at(3), log.prove)
    expect((await anchor.read(ORIGIN)).map(({ note }) => note)).toEqual([log.at(3).note])
  })

  it("that knows nothing yet may say 404", async () => {
    const url = await serve((_, response) => void response.writeHead(404).end("nothing"))
    expect(await open(url).read(ORIGIN)).toEqual([])
    await expect(open(url).publish(log.at(3))).rejects.toMatchObject({ message: expect.stringContaining("status 404") })
  })

  it("that says conflict once is read again", async () => {
    const handler = endpoint()
    let conflicts = 1
    const url = await serve((request, response) => {
      if (request.method === "POST" && conflicts-- > 0) return void response.writeHead(409).end()
      handler(request, response)
    })
    expect(await publishTo(open(url), log.at(3), log.prove)).toMatchObject({ published: true })
  })

  it.each<[string, Handler, object]>([
    [
      "500",
      (_, r) => void r.writeHead(500).end(),
      { name: "AnchorError", message: expect.stringContaining("status 500") },
    ],
    ["a redirect", (_, r) => void r.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), { name: "AnchorError" }],
    ["a page", (_, r) => void r.end("<html>\n\n</html>\n"), { name: "NoteError" }],
    ["half a note", (_, r) => void r.end(log.at(3).note.slice(0, 60)), { name: "NoteError" }],
    ["a note and a half", (_, r) => void r.end(log.at(3).note + log.at(4).note.slice(0, 60)), { name: "NoteError" }],
    ["bytes that are no text", (_, r) => void r.end(Buffer.from([0xff, 0xfe, 0x0a])), { name: "AnchorError" }],
    [
      "a cut answer",
      (_, r) => void r.writeHead(200, { "content-length": "9999" }).write("x", () => r.destroy()),
      { name: "AnchorError" },
    ],
    [
      "always conflict",
      (q, r) => void (q.method === "GET" ? r.end() : r.writeHead(409).end()),
      { name: "AnchorMoved", exit: 5 },
    ],
  ])("that answers with %s is an error", async (_, handler, error) => {
    const url = await serve(handler)
    await expect(publishTo(open(url), log.at(5), log.prove)).rejects.toMatchObject(error)
  })

  it("cannot fill the memory", async () => {
    let sent = 0
    const url = await serve((_, response) => {
      const chunk = Buffer.alloc(1024 * 1024, "x")
      const more = (): void => {
        while (!response.destroyed && sent < 200 * chunk.length) {
          sent += chunk.length
          if (!response.write(chunk)) return void response.once("drain", more)
        }
        response.end()
      }
      more()
    })
    await expect(open(url).read(ORIGIN)).rejects.toMatchObject({ message: expect.stringContaining("larger than") })
    expect(sent).toBeLessThan(150 * 1024 * 1024)
  })

  it.each<[string, Handler]>([
    ["never answers", () => {}],
    ["never ends", (_, response) => void response.writeHead(200).write("x")],
  ])("that %s is given up", async (_, handler) => {
    const anchor = openAnchor(await serve(handler), testContext("/"), { loopback: true, timeout: 200 })
    await expect(anchor.read(ORIGIN)).rejects.toMatchObject({
      name: "AnchorError",
      message: expect.stringContaining("timeout"),
    })
    await expect(anchor.publish(log.at(3))).rejects.toMatchObject({ name: "AnchorError" })
  })

  it("that is not there is an error of the environment", async () => {
    await expect(open("http://127.0.0.1:1/").read(ORIGIN)).rejects.toMatchObject({ name: "AnchorError", exit: 5 })
  })
})
