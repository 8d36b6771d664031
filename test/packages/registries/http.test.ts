import { gzipSync } from "node:zlib"
import { describe, expect, it, onTestFinished } from "vitest"
import {
  createHttpClient,
  type HttpLimits,
  type HttpRequest,
  isAllowedUrl,
} from "../../../src/packages/registries/http.ts"
import { routes, startServer } from "./server.ts"

const QUICK: Partial<HttpLimits> = { connect: 500, headers: 300, body: 300, total: 1500, retries: 0, backoff: 20 }

function clientWith(limits: Partial<HttpLimits> = {}, env: Record<string, string> = {}) {
  const client = createHttpClient({ connections: 4, env, limits: { ...QUICK, ...limits } })
  onTestFinished(() => client.close())
  return (url: string, more: Partial<HttpRequest> = {}) => client.get({ url, accept: "application/json", ...more })
}

const text = (result: Awaited<ReturnType<ReturnType<typeof clientWith>>>) =>
  result.ok && result.status === 200 ? result.body.toString() : result

describe("an HTTP client for registries", () => {
  it("answers with the body, its etag and how long it is fresh", async () => {
    const { base, requests } = await startServer((_, response) => {
      response.writeHead(200, { etag: '"a1"', "cache-control": "public, max-age=120" }).end("hello")
    })
    const result = await clientWith()(`${base}/a`)
    expect(result).toMatchObject({ ok: true, status: 200, etag: '"a1"', maxAge: 120 })
    expect(text(result)).toBe("hello")
    expect(requests[0]!.headers["user-agent"]).toMatch(/^nanoguard\/\d/)
    expect(requests[0]!.headers.cookie).toBeUndefined()
  })

  it("reads gzip, and only gzip", async () => {
    const { base } = await startServer((request, response) => {
      response.writeHead(200, { "content-encoding": request.url === "/gzip" ? "gzip" : "br" }).end(gzipSync("zipped"))
    })
    const get = clientWith()
    expect(text(await get(`${base}/gzip`))).toBe("zipped")
    expect(await get(`${base}/br`)).toMatchObject({ ok: false, reason: "invalid" })
  })

  it("refuses a gzip bomb, and bytes that only claim to be gzip", async () => {
    const bomb = gzipSync(Buffer.alloc(4_000_000))
    const { base } = await startServer((request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(request.url === "/bomb" ? bomb : "plain")
    })
    const get = clientWith({ bodyBytes: 1_000_000 })
    expect(bomb.length).toBeLessThan(10_000)
    expect(await get(`${base}/bomb`)).toEqual({
      ok: false,
      reason: "invalid",
      detail: "the registry's answer unpacks to more than 1000000 bytes",
    })
    expect(await get(`${base}/fake`)).toMatchObject({ ok: false, reason: "invalid" })
  })

  it("stops reading an answer that never ends", async () => {
    let sent = 0
    const { base } = await startServer((_, response) => {
      const chunk = Buffer.alloc(64 * 1024)
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length
      }
      response.on("drain", more)
      more()
    })
    expect(await clientWith({ bodyBytes: 12_000_000, wireBytes: 12_000_000 })(base)).toMatchObject({
      ok: false,
      reason: "invalid",
      detail: "the registry's answer is larger than 12000000 bytes",
    })
    expect(sent).toBeLessThan(40_000_000)
  })

  it("refuses two gigabytes by their announced length, and lengths that are lies", async () => {
    const { base } = await startServer((request, response) => {
      if (request.url === "/huge") response.writeHead(200, { "content-length": String(2 ** 31) }).write("{")
      else response.writeHead(200, { "content-length": "100" }).write("{", () => response.destroy())
    })
    const get = clientWith()
    expect(await get(`${base}/huge`)).toMatchObject({ ok: false, reason: "invalid" })
    expect(await get(`${base}/short`)).toMatchObject({ ok: false, reason: "unreachable" })
  })

  it("gives up on silence: before the headers, within the body, and drop by drop", async () => {
    const { base } = await startServer((request, response) => {
      if (request.url === "/headers") return
      response.writeHead(200)
      response.write("{")
      if (request.url === "/drip") {
        const timer = setInterval(() => response.write(" "), 50)
        response.on("close", () => clearInterval(timer))
      }
    })
    const get = clientWith()
    const results = await Promise.all(["/headers", "/body", "/drip"].map((path) => get(base + path)))
    expect(results.map((result) => !result.ok && result.reason)).toEqual(["unreachable", "unreachable", "unreachable"])
  })

  it("reports a reset and a closed port as unreachable", async () => {
    const { base, server } = await startServer((request) => void request.socket.resetAndDestroy())
    const get = clientWith()
    expect(await get(base)).toMatchObject({ ok: false, reason: "unreachable" })
    await new Promise((resolve) => server.close(resolve))
    expect(await get(base)).toMatchObject({ ok: false, reason: "unreachable" })
  })

  it("tries again after 503 and 429, waits no longer than its own limit, and then says so", async () => {
    let left = 2
    const { base, requests } = await startServer((_, response) => {
      if (left-- > 0) response.writeHead(left === 1 ? 503 : 429, { "retry-after": "3600" }).end()
      else response.end("ok")
    })
    expect(text(await clientWith({ retries: 2 })(base))).toBe("ok")
    left = 100
    expect(await clientWith({ retries: 1 })(base)).toEqual({
      ok: false,
      reason: "unreachable",
      detail: "the registry answered 429",
    })
    expect(requests).toHaveLength(5)
  })

  it("leaves a host alone that fails again and again", async () => {
    const { base, requests } = await startServer((_, response) => void response.writeHead(500).end())
    const get = clientWith({ failures: 5 })
    for (let i = 0; i < 20; i++) expect(await get(base)).toMatchObject({ ok: false, reason: "unreachable" })
    expect(requests).toHaveLength(5)
  })

  it("tells what is not there from what is not shown", async () => {
    const { base } = await startServer(
      (request, response) => void response.writeHead(Number(request.url!.slice(1))).end(),
    )
    const get = clientWith()
    const reasons: unknown[] = []
    for (const status of [404, 410, 401, 403, 451, 204]) {
      const result = await get(`${base}/${status}`)
      reasons.push(!result.ok && result.reason)
    }
    expect(reasons).toEqual(["not-found", "not-found", "unreachable", "unreachable", "unreachable", "unreachable"])
  })

  it("follows redirects on its own host only, and not for ever", async () => {
    const other = await startServer((_, response) => void response.end("other"))
    const { base } = await startServer((request, response) => {
      const target: Record<string, string> = {
        "/near": "/end",
        "/loop": "/loop",
        "/far": `${other.base}/`,
        "/private": "https://10.0.0.1/",
        "/metadata": "http://169.254.169.254/latest/meta-data",
        "/file": "file:///etc/passwd",
        "/broken": "https://[",
      }
      if (request.url === "/end") response.end("near")
      else response.writeHead(302, { location: target[request.url!] }).end()
    })
    const get = clientWith()
    expect(text(await get(`${base}/near`))).toBe("near")
    for (const path of ["/loop", "/far", "/private", "/metadata", "/file", "/broken"])
      expect(await get(base + path), path).toMatchObject({ ok: false, reason: "invalid" })
    expect(other.requests).toHaveLength(0)
    expect(text(await get(`${base}/far`, { origins: new Set([other.base]) }))).toBe("other")
  })

  it("asks for the credential of each address anew, so that none follows a redirect", async () => {
    const other = await startServer((_, response) => void response.end("other"))
    const { base, requests } = await startServer(
      (_, response) => void response.writeHead(302, { location: other.base }).end(),
    )
    await clientWith()(base, {
      origins: new Set([other.base]),
      authorize: (url) => (url.origin === base ? "Bearer secret" : undefined),
    })
    expect(requests[0]!.headers.authorization).toBe("Bearer secret")
    expect(other.requests[0]!.headers.authorization).toBeUndefined()
  })

  it("sends an etag and takes 304 for it, but never without having asked", async () => {
    const { base, requests } = await startServer((_, response) => void response.writeHead(304).end())
    const get = clientWith()
    expect(await get(base, { etag: '"a1"' })).toEqual({ ok: true, status: 304 })
    expect(requests[0]!.headers["if-none-match"]).toBe('"a1"')
    expect(await get(base)).toMatchObject({ ok: false })
  })

  it("keeps no etag that does not fit into a header line", async () => {
    const { base } = await startServer((_, response) => {
      response.setHeader("etag", `"${"x".repeat(500)}"`)
      response.end("ok")
    })
    expect(await clientWith()(base)).not.toHaveProperty("etag")
  })

  it("goes through a proxy where one is set, unless NO_PROXY names the host", async () => {
    const proxy = await startServer((_, response) => void response.end("by proxy"))
    const tunnels: unknown[] = []
    proxy.server.on("connect", (request, socket) => {
      tunnels.push(request.url)
      socket.end("HTTP/1.1 502 no\r\n\r\n")
    })
    const target = await startServer((_, response) => void response.end("direct"))
    expect(text(await clientWith({}, { HTTPS_PROXY: proxy.base })("https://registry.example/a"))).toMatchObject({
      ok: false,
    })
    expect(tunnels).toEqual(["registry.example:443"])
    const around = clientWith({}, { http_proxy: proxy.base, HTTPS_PROXY: proxy.base, NO_PROXY: "127.0.0.1" })
    expect(text(await around(target.base))).toBe("direct")
  })

  it("handles many requests at once over few sockets", async () => {
    const { base, server } = await startServer(routes({ "/a": "ok" }))
    let sockets = 0
    server.on("connection", () => sockets++)
    const get = clientWith()
    const results = await Promise.all(Array.from({ length: 60 }, () => get(`${base}/a`)))
    expect(results.every((result) => text(result) === "ok")).toBe(true)
    expect(sockets).toBeLessThanOrEqual(4)
  })
})

describe("isAllowedUrl", () => {
  it.each([
    ["https://registry.example/a", true],
    ["http://127.0.0.1:4873/", true],
    ["http://localhost:4873/", true],
    ["http://[::1]:4873/", true],
    ["http://registry.example/", false],
    ["http://127.0.0.1.registry.example/", false],
    ["http://localhost.registry.example/", false],
    ["ftp://registry.example/", false],
    ["file:///etc/passwd", false],
  ])("%s: %s", (url, allowed) => {
    expect(isAllowedUrl(new URL(url))).toBe(allowed)
  })
})
