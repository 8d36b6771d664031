// A registry on loopback for the gate's bench, as a process of its own: answers from memory what the registry of this machine's npm
// answered once, in both forms of a packument, packed like there. What it has not got yet it fetches and keeps in a directory.
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { gunzipSync, gzipSync } from "node:zlib"
import { makeArchive, makePackument } from "./gateway-synthetic.ts"

const registry = new URL(process.env["BENCH_REGISTRY"] ?? "")
const directory = process.env["BENCH_CACHE"] ?? ""
const ABBREVIATED = "application/vnd.npm.install-v1+json"
/** Stands for this server's own address in what is kept. */
const HERE = "http://here.invalid"

interface Kept {
  status: number
  type: string
  /** gzip where it is a document. */
  body: Buffer
}

const kept = new Map<string, Promise<Kept>>()
let wait = 0
let base = ""

mkdirSync(directory, { recursive: true })
const server = createServer((request, response) => void answer(request, response))
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => {
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.send?.({ origin: base })
})
process.on("message", (message: { delay?: number }) => {
  wait = message.delay ?? wait
})
process.on("disconnect", () => process.exit())

async function answer({ url = "/", headers, method }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (method !== "GET") return void response.writeHead(404).end("{}")
  const isArchive = url.endsWith(".tgz")
  const form = isArchive ? "archive" : headers.accept?.includes(ABBREVIATED) ? "short" : "full"
  const key = `${form} ${url}`
  try {
    if (!kept.has(key)) kept.set(key, load(key, url, form))
    const { status, type, body } = await kept.get(key)!
    if (wait > 0) await delay(wait)
    if (status !== 200) return void response.writeHead(status).end("{}")
    const packed = isArchive ? {} : { "content-encoding": "gzip", vary: "accept, accept-encoding" }
    const length = body.length
    response
      .writeHead(200, { "content-type": type, "content-length": length, "cache-control": "max-age=300", ...packed })
      .end(body)
  } catch (error) {
    kept.delete(key)
    response.writeHead(502).end(JSON.stringify({ error: String(error) }))
  }
}

function madeUp(url: string): Kept | undefined {
  const [, name, version] = /^\/(synthetic-\d+)(?:\/-\/synthetic-\d+-([\d.]+)\.tgz)?$/.exec(url) ?? []
  if (name === undefined) return undefined
  if (version !== undefined) return { status: 200, type: "application/octet-stream", body: makeArchive(name, version) }
  return { status: 200, type: "application/json", body: gzipSync(JSON.stringify(makePackument(name, base))) }
}

async function load(key: string, url: string, form: string): Promise<Kept> {
  const file = join(directory, createHash("sha256").update(key).digest("hex"))
  let found: Kept
  const made = madeUp(url)
  if (made !== undefined) return made
  try {
    const bytes = readFileSync(file)
    const head = bytes.indexOf(10)
    found = { ...JSON.parse(bytes.toString("utf8", 0, head)), body: bytes.subarray(head + 1) } as Kept
  } catch {
    found = await fetchOnce(url, form)
    const { status, type, body } = found
    writeFileSync(file, Buffer.concat([Buffer.from(`${JSON.stringify({ status, type })}\n`), body]))
  }
  if (form === "archive" || found.status !== 200) return found
  return { ...found, body: gzipSync(gunzipSync(found.body).toString().replaceAll(HERE, base)) }
}

async function fetchOnce(url: string, form: string): Promise<Kept> {
  const from = new URL(url.slice(1), registry.href.endsWith("/") ? registry : `${registry}/`)
  const reply = await fetch(from, { headers: { accept: form === "short" ? ABBREVIATED : "application/json" } })
  if (reply.status !== 200 && reply.status !== 404) throw new Error(`the registry answered ${reply.status}`)
  const type = reply.headers.get("content-type") ?? "application/octet-stream"
  const body = Buffer.from(await reply.arrayBuffer())
  if (form === "archive" || reply.status !== 200) return { status: reply.status, type, body }
  const document = JSON.parse(body.toString()) as { versions?: Record<string, { dist: { tarball: string } }> }
  for (const { dist } of Object.values(document.versions ?? {})) {
    const path = new URL(dist.tarball).pathname
    dist.tarball = HERE + (path.startsWith(registry.pathname) ? path.slice(registry.pathname.length - 1) : path)
  }
  return { status: 200, type, body: gzipSync(JSON.stringify(document)) }
}
