import { readdirSync } from "node:fs"
import type { RequestListener, ServerResponse } from "node:http"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { type Artifact, IntegrityError, TransferError } from "../../../src/gateway/upstream/types.ts"
import { emptyDirectory, routes, startServer } from "../../packages/registries/server.ts"
import { fetchAll, fromCache, noise, open, readAll, readBroken, sha256, sri } from "./open.ts"
import { startRaw } from "./raw-server.ts"

const SMALL = noise(20_000)
const LARGE = noise(3_000_000, 7)
const OTHER = noise(3_000_000, 8)
const promised = (bytes: Buffer) => ({ integrity: [sri("sha512", bytes)] })

/** Writes the first bytes, waits for them to be sent, then destroys the connection. */
function breakOff(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes, () => setTimeout(() => response.destroy(), 30))
}

describe("an upstream that lies about an artifact", () => {
  it("is found out before a small one is given away at all", async () => {
    const { base, requests } = await startServer(routes({ "/a.tgz": SMALL }))
    const upstream = await open()
    const request = { url: `${base}/a.tgz`, ...promised(LARGE) }
    for (let i = 0; i < 2; i++)
      expect(await upstream.artifact(request)).toEqual({
        ok: false,
        kind: "mismatch",
        detail: "the artifact is not the one that was promised",
      })
    // Nothing of it was kept.
    expect(requests).toHaveLength(2)
    expect(upstream.stats().artifacts).toMatchObject({ failures: 2, hits: 0, bytes: 0 })
  })

  it("is found out before a large one is whole", async () => {
    const { base } = await startServer(routes({ "/a.tgz": OTHER }))
    const directory = emptyDirectory()
    const upstream = await open({ directory })
    const broken = await readBroken(await upstream.artifact({ url: `${base}/a.tgz`, ...promised(LARGE) }))
    expect(broken.error).toBeInstanceOf(IntegrityError)
    expect(broken.bytes).toBeGreaterThan(0)
    expect(broken.bytes).toBeLessThan(LARGE.length)
    await upstream.close()
    expect(readdirSync(join(directory, "blobs"))).toEqual([])
    expect(readdirSync(join(directory, "drafts"))).toEqual([])
  })

  it("is held to the strongest promise, and to one that can be checked", async () => {
    const { base } = await startServer(routes({ "/a.tgz": SMALL }))
    const upstream = await open()
    const ask = (integrity: string[]) => upstream.artifact({ url: `${base}/a.tgz`, integrity })
    expect(await ask([sri("sha1", SMALL), sri("sha512", LARGE)])).toMatchObject({ kind: "mismatch" })
    expect(await ask([sri("sha1", LARGE), sri("sha512", SMALL)])).toMatchObject({ ok: true })
    expect(await ask([sri("sha512", LARGE), sri("sha512", SMALL)])).toMatchObject({ ok: true })
    expect(await ask([`${sri("sha384", LARGE)} ${sri("sha384", SMALL)}?a`])).toMatchObject({ ok: true })
    for (const none of ["crc32-AAAA", "sha512-AAAA", "sha512", "  -  ", "sha512-!!"])
      expect(await ask([none])).toMatchObject({ ok: false, kind: "invalid" })
  })

  it("is held to the promised size, whatever length it states", async () => {
    const { base } = await startServer((request, response) => {
      if (request.url === "/chunked") response.write(SMALL.subarray(0, 10))
      else response.setHeader("content-length", SMALL.length)
      response.end(request.url === "/chunked" ? SMALL.subarray(10) : SMALL)
    })
    const upstream = await open()
    for (const path of ["/stated", "/chunked"]) {
      for (const size of [SMALL.length - 1, SMALL.length + 1])
        expect(await upstream.artifact({ url: base + path, ...promised(SMALL), size })).toMatchObject({
          kind: "mismatch",
        })
      const whole = await upstream.artifact({ url: base + path, ...promised(SMALL), size: SMALL.length })
      expect(whole).toMatchObject({ ok: true, size: SMALL.length })
      await readAll(whole)
    }
  })

  it("states a length that is too short, or too long", async () => {
    const { base } = await startRaw((socket, line) => {
      const length = SMALL.length + (line.includes("short") ? -100 : 100)
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`)
      socket.end(SMALL)
    })
    const upstream = await open()
    expect(await upstream.artifact({ url: `${base}/short`, ...promised(SMALL) })).toMatchObject({ kind: "mismatch" })
    expect(await upstream.artifact({ url: `${base}/long`, ...promised(SMALL) })).toMatchObject({ kind: "unreachable" })
    expect(await upstream.artifact({ url: `${base}/short`, integrity: [] })).toMatchObject({ ok: true })
  })

  it("never ends", async () => {
    let closed = 0
    const { base } = await startServer((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(LARGE));
      }
      response.on("drain", more).on("close", () => closed++)
      more()
    })
    const upstream = await open({ limits: { artifactBytes: 20_000_000 } })
    const broken = await readBroken(await upstream.artifact({ url: `${base}/a`, integrity: [] }))
    expect(broken.error).toBeInstanceOf(TransferError)
    expect(String(broken.error)).toContain("larger than 20000000 bytes")
    await vi.waitFor(() => expect(closed).toBe(1))
  })

  it("states a length beyond the limit", async () => {
    const { base } = await startServer((_, response) => {
      response.writeHead(200, { "content-length": 50_000_000 }).write("a")
    })
    const upstream = await open({ limits: { artifactBytes: 20_000_000 } })
    expect(await upstream.artifact({ url: `${base}/a`, integrity: [] })).toMatchObject({ kind: "too-large" })
  })

  it("compresses what it was not asked to compress", async () => {
    const { base } = await startServer((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(SMALL))
    })
    const upstream = await open()
    expect(await upstream.artifact({ url: `${base}/a`, integrity: [] })).toMatchObject({ kind: "invalid" })
    // Bytes that have the promised hash are the promised ones, whatever the header calls them.
    expect(await upstream.artifact({ url: `${base}/a`, ...promised(gzipSync(SMALL)) })).toMatchObject({ ok: true })
    expect(await upstream.artifact({ url: `${base}/a`, ...promised(SMALL) })).toMatchObject({ kind: "mismatch" })
  })
})

describe("an upstream that fails in the middle", () => {
  it("is taken up where it broke off, with ranges and without", async () => {
    for (const ranges of [true, false]) {
      let answers = 0
      const { base, requests } = await startServer((request, response) => {
        const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0)
        const part = ranges && from > 0
        const bytes = part ? LARGE.subarray(from) : LARGE
        response.writeHead(part ? 206 : 200, {
          "content-length": bytes.length,
          ...(part && { "content-range": `bytes ${from}-${LARGE.length - 1}/${LARGE.length}` }),
        })
        if (++answers < 3) breakOff(response, bytes.subarray(0, 500_000 * answers))
        else response.end(bytes)
      })
      const upstream = await open({ limits: { retries: 2 } })
      expect(sha256(await fetchAll(upstream, { url: `${base}/a`, ...promised(LARGE) }))).toBe(sha256(LARGE))
      expect(requests).toHaveLength(3)
      expect(requests[1]!.headers.range).toMatch(/^bytes=\d+-$/)
    }
  })

  it("is not whole when the rest is of another one, or another part", async () => {
    for (const shift of [0, 5]) {
      let answers = 0
      const { base } = await startServer((request, response) => {
        if (answers++ === 0) {
          response.writeHead(200, { "content-length": LARGE.length })
          return breakOff(response, LARGE.subarray(0, 1_000_000))
        }
        const from = Number(/\d+/.exec(request.headers.range!)![0]) + shift
        response.writeHead(206, { "content-range": `bytes ${from}-${OTHER.length - 1}/${OTHER.length}` })
        response.end(OTHER.subarray(from))
      })
      const upstream = await open({ limits: { retries: 1 } })
      const broken = await readBroken(await upstream.artifact({ url: `${base}/a`, ...promised(LARGE) }))
      expect(broken.error).toBeInstanceOf(shift === 0 ? IntegrityError : TransferError)
      expect(broken.bytes).toBeLessThan(LARGE.length)
    }
  })

  it("is not taken up where no promise could tell the parts apart", async () => {
    const { base, requests } = await startServer((_, response) => {
      response.writeHead(200, { "content-length": LARGE.length })
      breakOff(response, LARGE.subarray(0, 1_000_000))
    })
    const upstream = await open({ limits: { retries: 3 } })
    const broken = await readBroken(await upstream.artifact({ url: `${base}/a`, integrity: [] }))
    expect(broken.error).toBeInstanceOf(TransferError)
    expect(requests).toHaveLength(1)
  })

  it("falls silent: for good, and drop by drop", async () => {
    const { base } = await startServer((request, response) => {
      response.writeHead(200, { "content-length": LARGE.length })
      response.write(request.url === "/large" ? LARGE.subarray(0, 1_000_000) : "a")
      if (request.url !== "/drops") return
      const timer = setInterval(() => response.write("a"), 50)
      response.on("close", () => clearInterval(timer))
    })
    const upstream = await open({ limits: { artifactTotal: 700 } })
    expect(await upstream.artifact({ url: `${base}/small`, ...promised(SMALL) })).toMatchObject({ kind: "unreachable" })
    expect(await upstream.artifact({ url: `${base}/drops`, ...promised(SMALL) })).toMatchObject({ kind: "unreachable" })
    const broken = await readBroken(await upstream.artifact({ url: `${base}/large`, ...promised(LARGE) }))
    expect(broken.error).toBeInstanceOf(TransferError)
  })

  it("is slow, which keeps no client waiting for a first byte until the last has come", async () => {
    let end = () => {}
    const { base } = await startServer((_, response) => {
      response.writeHead(200, { "content-length": SMALL.length }).write(SMALL.subarray(0, 5_000))
      end = () => response.end(SMALL.subarray(5_000))
    })
    const upstream = await open({ limits: { body: 10_000, total: 10_000 } })
    const artifact = await upstream.artifact({ url: `${base}/a`, ...promised(SMALL) })
    expect(artifact).toMatchObject({ ok: true, size: SMALL.length })
    end()
    expect(await readAll(artifact)).toEqual(SMALL)
  })

  it("is left alone after many failures in a row, which are counted for its host only", async () => {
    let healthy = true
    const listener: RequestListener = (_, response) => void response.writeHead(healthy ? 404 : 500).end()
    const [sick, other] = [await startServer(listener), await startServer(listener)]
    const upstream = await open({ limits: { failures: 3, rest: 60_000 } })
    const ask = (base: string, i: number) => upstream.metadata({ url: `${base}/${i}` })
    healthy = false
    for (let i = 0; i < 2; i++) expect(await ask(sick.base, i)).toMatchObject({ status: 500 })
    healthy = true
    expect(await ask(sick.base, 2)).toMatchObject({ kind: "not-found" })
    healthy = false
    for (let i = 0; i < 3; i++) expect(await ask(sick.base, i)).toMatchObject({ status: 500 })
    expect(await ask(sick.base, 3)).toEqual({
      ok: false,
      kind: "unreachable",
      detail: "the registry failed 3 times in a row and is left alone for now",
    })
    expect(await upstream.artifact({ url: `${sick.base}/4`, ...promised(SMALL) })).toMatchObject({
      kind: "unreachable",
    })
    expect(sick.requests).toHaveLength(6)
    expect(await ask(other.base, 5)).toMatchObject({ status: 500 })
  })

  it("answers with statuses, which are told apart, and asked again where they pass", async () => {
    let answers = 0
    const { base, requests } = await startServer((request, response) => {
      const status = Number(request.url!.slice(1))
      const passing = status === 503 && ++answers === 3
      response.writeHead(passing ? 200 : status).end(passing ? SMALL : "<b>text</b>")
    })
    const upstream = await open({ limits: { retries: 2 } })
    const ask = (status: number) => upstream.artifact({ url: `${base}/${status}`, ...promised(SMALL) })
    expect(await ask(404)).toEqual({ ok: false, kind: "not-found", status: 404, detail: "the registry answered 404" })
    expect(await ask(403)).toEqual({ ok: false, kind: "refused", status: 403, detail: "the registry answered 403" })
    expect(await ask(401)).toMatchObject({ kind: "refused", status: 401 })
    expect(await ask(418)).toMatchObject({ kind: "unreachable", status: 418 })
    expect(await ask(206)).toMatchObject({ kind: "unreachable" })
    expect(requests).toHaveLength(5)
    expect(await ask(503)).toMatchObject({ ok: true })
    expect(await ask(500)).toMatchObject({ kind: "unreachable", status: 500 })
    expect(requests).toHaveLength(11)
  })

  it("sends headers without end, or answers before the answer without end", async () => {
    const { base } = await startRaw((socket, line) => {
      if (line.includes("headers")) {
        socket.write("HTTP/1.1 200 OK\r\n")
        const more = () => {
          while (!socket.destroyed && socket.write(`x-a: ${"a".repeat(8_000)}\r\n`));
        }
        socket.on("drain", more)
        more()
      } else {
        const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"), 1)
        socket.on("close", () => clearInterval(timer))
      }
    })
    const upstream = await open({ limits: { total: 10_000, headers: 10_000 } })
    for (const path of ["/headers", "/interim"]) {
      expect(await upstream.artifact({ url: base + path, ...promised(SMALL) })).toMatchObject({ kind: "unreachable" })
      expect(await upstream.metadata({ url: base + path })).toMatchObject({ kind: "unreachable" })
    }
  })
})

describe("clients that leave", () => {
  it("end a download that nobody else waits for, and leave nothing behind", async () => {
    let closed = 0
    const { base, requests } = await startServer((request, response) => {
      if (requests.length > 1) return void response.end(LARGE)
      response.writeHead(200, { "content-length": LARGE.length }).write(LARGE.subarray(0, 1_000_000))
      request.on("close", () => closed++)
    })
    const directory = emptyDirectory()
    const upstream = await open({ directory, limits: { body: 10_000 } })
    const request = { url: `${base}/a`, ...promised(LARGE) }
    const [one, two] = (await Promise.all([upstream.artifact(request), upstream.artifact(request)])) as [
      Artifact,
      Artifact,
    ]
    for await (const _ of one.bytes) break
    one.discard()
    expect(closed).toBe(0)
    two.discard()
    await vi.waitFor(() => expect(closed).toBe(1))
    await vi.waitFor(() => expect(readdirSync(join(directory, "drafts"))).toEqual([]))
    // Who comes then begins anew.
    expect(sha256(await fetchAll(upstream, request))).toBe(sha256(LARGE))
    await readAll(await fromCache(upstream, request))
    expect(requests).toHaveLength(2)
  })

  it("or never begin to read are forgotten after a while", async () => {
    let closed = 0
    const { base } = await startServer((request, response) => {
      response.writeHead(200, { "content-length": LARGE.length }).write(LARGE.subarray(0, 1_000_000))
      request.on("close", () => closed++)
    })
    const upstream = await open({ limits: { body: 100_000, artifactTotal: 100_000 } })
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    onTestFinished(() => void vi.useRealTimers())
    const artifact = (await upstream.artifact({ url: `${base}/a`, ...promised(LARGE) })) as Artifact
    vi.advanceTimersByTime(59_000)
    expect(closed).toBe(0)
    vi.advanceTimersByTime(2_000)
    vi.useRealTimers()
    await vi.waitFor(() => expect(closed).toBe(1))
    // Never an end that looks like one.
    await expect(artifact.bytes[Symbol.asyncIterator]().next()).rejects.toThrow(TransferError)
  })

  it("take no part for the whole where the gate ends first", async () => {
    const { base } = await startServer((request, response) => {
      if (request.url !== "/endless") return void response.end(LARGE)
      response.writeHead(200, { "content-length": LARGE.length }).write(LARGE.subarray(0, 1_000_000))
    })
    const upstream = await open({ limits: { body: 10_000 } })
    const whole = { url: `${base}/a`, ...promised(LARGE) }
    await fetchAll(upstream, whole)
    const readers = [
      await fromCache(upstream, whole),
      (await upstream.artifact({ url: `${base}/endless`, ...promised(LARGE) })) as Artifact,
      (await upstream.artifact({ url: `${base}/b`, ...promised(LARGE) })) as Artifact,
    ].map(({ bytes }) => bytes[Symbol.asyncIterator]())
    for (const reader of readers) expect(await reader.next()).toMatchObject({ done: false })
    await upstream.close()
    for (const reader of readers) {
      const rest = async () => {
        while (!(await reader.next()).done);
      }
      await expect(rest()).rejects.toThrow(TransferError)
    }
  })
})
