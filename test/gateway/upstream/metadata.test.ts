import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createGzip, gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { emptyDirectory, routes, startServer } from "../../packages/registries/server.ts"
import { open, sha256, textOf } from "./open.ts"

/** A clock that a test moves, in seconds. */
function clock(start = Date.UTC(2026, 0, 1)) {
  let time = start
  const pass = (seconds: number) => {
    time += seconds * 1000
  }
  return { now: () => time, pass }
}

describe("a metadata document", () => {
  it("is asked for once while it is fresh, by however many, and has its body's hash for an id", async () => {
    const { base, requests } = await startServer(routes({ "/a": '{"name":"a"}' }))
    const time = clock()
    const upstream = await open({ now: time.now })
    const all = await Promise.all(Array.from({ length: 100 }, () => upstream.metadata({ url: `${base}/a` })))
    for (const answer of all)
      expect(answer).toMatchObject({ ok: true, id: sha256(Buffer.from('{"name":"a"}')), fetchedAt: time.now() })
    time.pass(299)
    expect(textOf(await upstream.metadata({ url: `${base}/a` }))).toBe('{"name":"a"}')
    expect(requests).toHaveLength(1)
    time.pass(1)
    await upstream.metadata({ url: `${base}/a` })
    expect(requests).toHaveLength(2)
  })

  it("sends nothing but what it says", async () => {
    const { base, requests } = await startServer(routes({ "/a": "a" }))
    const upstream = await open()
    await upstream.metadata({ url: `${base}/a`, accept: "application/json", authorize: () => "Bearer token" })
    const { host, "user-agent": agent, connection, ...rest } = requests[0]!.headers
    expect(rest).toEqual({ accept: "application/json", authorization: "Bearer token", "accept-encoding": "gzip" })
    expect(agent).toMatch(/^nanoguard\//)
    // Another accept is another document.
    await upstream.metadata({ url: `${base}/a`, accept: "text/html" })
    expect(requests).toHaveLength(2)
  })

  it("is fresh for as long as the upstream says, at most ten minutes", async () => {
    const ages: Record<string, string> = { "/0": "max-age=0", "/60": "public, max-age=60", "/year": "max-age=31536000" }
    const { base, requests } = await startServer((request, response) => {
      response.writeHead(200, { "cache-control": ages[request.url!]! }).end("a")
    })
    const time = clock()
    const upstream = await open({ now: time.now })
    const ask = async (path: string) => {
      const before = requests.length
      await upstream.metadata({ url: base + path })
      return requests.length - before
    }
    expect([await ask("/0"), await ask("/60"), await ask("/year")]).toEqual([1, 1, 1])
    time.pass(59)
    expect([await ask("/0"), await ask("/60"), await ask("/year")]).toEqual([1, 0, 0])
    time.pass(1)
    expect([await ask("/60"), await ask("/year")]).toEqual([1, 0])
    time.pass(540)
    expect(await ask("/year")).toBe(1)
  })

  it("is asked for anew where the clock was set back", async () => {
    const { base, requests } = await startServer(routes({ "/a": "a" }))
    const time = clock()
    const upstream = await open({ now: time.now })
    await upstream.metadata({ url: `${base}/a` })
    time.pass(-86_400)
    await upstream.metadata({ url: `${base}/a` })
    expect(requests).toHaveLength(2)
  })

  it("is revalidated by its etag, or by its date", async () => {
    const date = "Thu, 01 Jan 2026 00:00:00 GMT"
    const { base, requests } = await startServer((request, response) => {
      const { "if-none-match": etag, "if-modified-since": since } = request.headers
      if (etag === '"a1"' || since === date) response.writeHead(304).end()
      else response.writeHead(200, request.url === "/etag" ? { etag: '"a1"' } : { "last-modified": date }).end("body")
    })
    const time = clock()
    const upstream = await open({ now: time.now })
    for (const path of ["/etag", "/date"]) {
      const first = await upstream.metadata({ url: base + path })
      time.pass(400)
      const second = await upstream.metadata({ url: base + path })
      expect(second).toMatchObject({ ok: true, fetchedAt: time.now() })
      expect(textOf(second)).toBe("body")
      expect(second.ok && first.ok && second.id === first.id).toBe(true)
      expect(second).not.toHaveProperty("stale")
    }
    expect(upstream.stats().metadata).toMatchObject({ misses: 2, revalidated: 2, hits: 0 })
    expect(requests).toHaveLength(4)
  })

  it("takes no 304 for an answer to a question that was not asked", async () => {
    const { base } = await startServer((_, response) => void response.writeHead(304).end())
    const upstream = await open()
    expect(await upstream.metadata({ url: base })).toMatchObject({ ok: false, kind: "invalid" })
  })

  it("serves an old answer while the upstream is down, for as long as it may", async () => {
    let down = 0
    const { base } = await startServer((_, response) => void response.writeHead(down || 200).end("old"))
    const time = clock()
    const upstream = await open({ now: time.now, stale: 3_600_000 })
    const strict = await open({ now: time.now })
    const url = `${base}/a`
    const fetchedAt = time.now()
    await Promise.all([upstream.metadata({ url }), strict.metadata({ url })])
    time.pass(3_600)
    down = 503
    expect(await upstream.metadata({ url })).toMatchObject({ ok: true, stale: true, fetchedAt })
    expect(await strict.metadata({ url })).toMatchObject({ ok: false, kind: "unreachable", status: 503 })
    // What it says of the package itself is no outage.
    down = 404
    expect(await upstream.metadata({ url })).toMatchObject({ ok: false, kind: "not-found" })
    down = 403
    expect(await upstream.metadata({ url })).toMatchObject({ ok: false, kind: "refused" })
    down = 503
    time.pass(1)
    expect(await upstream.metadata({ url })).toMatchObject({ ok: false, kind: "unreachable" })
    down = 0
    expect(await upstream.metadata({ url })).not.toHaveProperty("stale")
  })

  it("is kept over a restart, and served from there with the upstream gone", async () => {
    const { base, requests, server } = await startServer((_, response) => {
      response.writeHead(200, { etag: '"a1"' }).end("kept")
    })
    const directory = emptyDirectory()
    const time = clock()
    const before = await open({ directory, now: time.now })
    await before.metadata({ url: `${base}/a` })
    await before.close()
    const after = await open({ directory, now: time.now, stale: 86_400_000 })
    expect(await after.metadata({ url: `${base}/a` })).toMatchObject({ ok: true, etag: '"a1"' })
    expect(requests).toHaveLength(1)
    server.closeAllConnections()
    server.close()
    time.pass(4_000)
    expect(await after.metadata({ url: `${base}/a` })).toMatchObject({ ok: true, stale: true })
    const offline = await open({ directory, now: time.now, offline: true })
    expect(textOf(await offline.metadata({ url: `${base}/a` }))).toBe("kept")
    expect(await offline.metadata({ url: `${base}/b` })).toEqual({
      ok: false,
      kind: "offline",
      detail: "the gateway is offline, and this is not in its cache",
    })
  })

  it("is not taken from a file that was cut, edited or swapped", async () => {
    const { base, requests } = await startServer((request, response) => void response.end(`body of ${request.url}`))
    const directory = emptyDirectory()
    const files = () =>
      readdirSync(join(directory, "meta"), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    const ask = async (path: string) => {
      const upstream = await open({ directory })
      const text = textOf(await upstream.metadata({ url: base + path }))
      await upstream.close()
      return text
    }
    await ask("/a")
    const [file] = files()
    const whole = readFileSync(file!)
    const other = Buffer.from(whole)
    other[whole.length - 1]! ^= 1
    const header = Buffer.from(whole.toString().replace(/"freshUntil":\d/, '"freshUntil":9'))
    for (const [index, damaged] of [
      other,
      header,
      whole.subarray(0, -1),
      whole.subarray(0, 30),
      Buffer.alloc(0),
    ].entries()) {
      writeFileSync(file!, damaged)
      expect(await ask("/a")).toBe("body of /a")
      expect(requests).toHaveLength(index + 2)
      expect(readFileSync(file!).subarray(-10)).toEqual(whole.subarray(-10))
    }
    await ask("/b")
    const second = files().find((path) => path !== file)!
    writeFileSync(second, readFileSync(file!))
    expect(await ask("/b")).toBe("body of /b")
  })
})

describe("metadata that is too much", () => {
  it("ends in a failure: a gzip bomb, and a packument of 300 MB", { timeout: 30_000 }, async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000), { level: 1 })
    const { base } = await startServer((request, response) => {
      if (request.url === "/length") response.writeHead(200, { "content-length": 300_000_000 }).write("{")
      else response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)
    })
    const upstream = await open({ limits: { total: 20_000, body: 5_000 } })
    const paths = ["/bomb/1", "/bomb/2", "/bomb/3", "/length"]
    const answers = await Promise.all(paths.map((path) => upstream.metadata({ url: base + path })))
    for (const answer of answers) expect(answer).toMatchObject({ ok: false, kind: "too-large" })
  })

  it("ends in a failure where it has no end, compressed or not", async () => {
    const { base } = await startServer((request, response) => {
      const target = request.url === "/zipped" ? createGzip({ level: 0 }) : response
      if (target !== response) {
        response.writeHead(200, { "content-encoding": "gzip" })
        target.pipe(response)
      }
      const more = () => {
        while (!response.destroyed && target.write(CHUNK));
      }
      target.on("drain", more)
      more()
    })
    const upstream = await open({ limits: { bodyBytes: 20_000_000, wireBytes: 20_000_000, total: 20_000 } })
    for (const path of ["/endless", "/zipped"])
      expect(await upstream.metadata({ url: base + path })).toMatchObject({ ok: false, kind: "too-large" })
  })
})

const CHUNK = Buffer.alloc(1_000_000, "a")

describe("the registries' client over the gate's metadata", () => {
  it("answers from the same documents", async () => {
    const { base, requests } = await startServer((request, response) => {
      if (request.url === "/a") response.writeHead(200, { etag: '"a1"', "cache-control": "max-age=120" }).end("body")
      else response.writeHead(request.url === "/403" ? 403 : 404).end()
    })
    const time = clock()
    const upstream = await open({ now: time.now })
    await upstream.metadata({ url: `${base}/a`, accept: "application/json" })
    time.pass(20.5)
    const first = await upstream.http.get({ url: `${base}/a`, accept: "application/json" })
    expect(first).toMatchObject({ ok: true, status: 200, etag: '"a1"', maxAge: 99 })
    expect(await upstream.http.get({ url: `${base}/a`, accept: "application/json", etag: '"a1"' })).toEqual({
      ok: true,
      status: 304,
      maxAge: 99,
    })
    expect(await upstream.http.get({ url: `${base}/a`, accept: "application/json", etag: '"a0"' })).toMatchObject({
      status: 200,
    })
    expect(requests).toHaveLength(1)
    expect(await upstream.http.get({ url: `${base}/b`, accept: "*/*" })).toMatchObject({ reason: "not-found" })
    expect(await upstream.http.get({ url: `${base}/403`, accept: "*/*" })).toMatchObject({ reason: "unreachable" })
    expect(await upstream.http.get({ url: "nowhere", accept: "*/*" })).toMatchObject({ reason: "invalid" })
  })
})
