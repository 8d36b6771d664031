// Requests of a hostile client: other spellings of an address, other framings of a request, other names for the gate.
import { describe, expect, it } from "vitest"
import { openTestGate, startNpmUpstream } from "../gateway/gate.ts"
import { getRaw, sendRaw, statusesOf } from "./gateway-raw.ts"

const POLICY = `version: 1
packages:
  rules:
    - { id: no-evil, deny: "pkg:npm/evil", reason: compromised }
    - { id: no-scoped, deny: "pkg:npm/@acme/evil", reason: compromised }
    - { id: no-build, deny: "pkg:npm/built@1.0.0", reason: compromised }
  unknown: allow
`

async function open(options: { requireToken?: boolean } = {}) {
  const upstream = await startNpmUpstream()
  upstream.publish("evil", { "1.0.0": {} })
  upstream.publish("@acme/evil", { "1.0.0": {} })
  upstream.publish("good", { "1.0.0": {} })
  upstream.publish("built", { "1.0.0": {}, "1.0.0+x": {}, "2.0.0": {} })
  const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base }, ...options })
  return { upstream, gate, host: new URL(gate.origin).host }
}

/** Nothing of the refused archive is in what came back. */
function expectNothing(text: string, name = "evil"): void {
  expect(text).not.toContain(`archive of ${name}`)
  expect(text).not.toContain("archive of @acme/evil")
}

describe("every spelling of a refused version", () => {
  const FILES = [
    "/npm/evil/-/evil-1.0.0.tgz",
    "/npm/evil/-/evil-1.0.0.tgz?x=1",
    "/npm/evil/-/evil-1.0.0.tgz?",
    "/npm/evil/-/evil-1.0.0.tgz;x",
    "/npm/evil/-/evil-v1.0.0.tgz",
    "/npm/evil/-/evil-01.0.0.tgz",
    "/npm/evil/-/evil-1.0.0+x.tgz",
    "/npm/evil/-/evil-1.0.0%2Bx.tgz",
    "/npm/evil/-/evil-1.0.0.tgz.metadata",
    "/npm/evil/-/evil-1.0.0.TGZ",
    "/npm/evil/-/%65vil-1.0.0.tgz",
    "/npm/%65vil/-/evil-1.0.0.tgz",
    "/npm/Evil/-/Evil-1.0.0.tgz",
    "/npm/EVIL/-/evil-1.0.0.tgz",
    "/npm//evil/-/evil-1.0.0.tgz",
    "//npm/evil/-/evil-1.0.0.tgz",
    "/npm/./evil/-/evil-1.0.0.tgz",
    "/npm/good/../evil/-/evil-1.0.0.tgz",
    "/npm/good/%2e%2e/evil/-/evil-1.0.0.tgz",
    "/npm/good/..%2fevil/-/evil-1.0.0.tgz",
    "/npm/good/-/../../evil/-/evil-1.0.0.tgz",
    "/npm/good%2f..%2fevil/-/evil-1.0.0.tgz",
    "/npm/evil%00/-/evil-1.0.0.tgz",
    "/npm/evil%2f-%2fevil-1.0.0.tgz",
    "/npm/evil\\-\\evil-1.0.0.tgz",
    "/npm/ev%C4%B1l/-/evil-1.0.0.tgz",
    "/npm/%c0%ae%c0%ae/evil/-/evil-1.0.0.tgz",
    "/npm/@acme/evil/-/evil-1.0.0.tgz",
    "/npm/@acme%2fevil/-/evil-1.0.0.tgz",
    "/npm/%40acme%2Fevil/-/evil-1.0.0.tgz",
    "/npm/@acme/evil/-/@acme/evil-1.0.0.tgz",
    "/npm/-/blocked/policy/use-1.0.0/evil/1.0.0/evil-1.0.0.tgz",
    "/npm/-/blocked/x/y/@acme/evil/1.0.0/evil-1.0.0.tgz",
    "/npm/-/blocked/x/y/good/1.0.0/evil-1.0.0.tgz",
    "/npm/-/blocked/x/y/evil/1.0.0/good-1.0.0.tgz",
    "/npm/good/-/evil-1.0.0.tgz",
    "/npm/npm/-/npm/blocked/x/y/evil/1.0.0/evil-1.0.0.tgz",
    "/t/ngt_nobody/npm/evil/-/evil-1.0.0.tgz",
    "/npm/t/x/evil/-/evil-1.0.0.tgz",
    "/NPM/evil/-/evil-1.0.0.tgz",
    "/npm;/evil/-/evil-1.0.0.tgz",
    "http://127.0.0.1/npm/evil/-/evil-1.0.0.tgz",
    "http://evil.example/npm/evil/-/evil-1.0.0.tgz",
    "evil.example:443",
    "*",
    "npm/evil/-/evil-1.0.0.tgz",
    "?/npm/evil/-/evil-1.0.0.tgz",
    "/npm/evil/-/evil-1.0.0.tgz#x",
    `/npm/${"a/".repeat(3000)}evil`,
  ]

  it("never brings its bytes", async () => {
    const { gate, upstream } = await open()
    const seen = new Map<string, number>()
    for (const target of FILES) {
      const { text, status } = await getRaw(gate.origin, target)
      seen.set(target, status)
      expect(text.startsWith("HTTP/1.1 2"), target).toBe(false)
      expectNothing(text)
    }
    // The oracle: what is not refused comes by the address that a client asks, so that this test can fail.
    expect((await getRaw(gate.origin, "/npm/good/-/good-1.0.0.tgz")).text).toContain("archive of good@1.0.0")
    expect(seen.get("/npm/evil/-/evil-1.0.0.tgz")).toBe(403)
    expect(seen.get("/npm/@acme%2fevil/-/evil-1.0.0.tgz")).toBe(403)
    expect(seen.get("/npm/-/blocked/policy/use-1.0.0/evil/1.0.0/evil-1.0.0.tgz")).toBe(403)
    expect(upstream.requests.filter((path) => path.endsWith(".tgz"))).toEqual(["/good/-/good-1.0.0.tgz"])
    expect(gate.troubles).toEqual([])
  })

  it("is refused to HEAD, to ranges and to guesses of its entity tag", async () => {
    const { gate, upstream } = await open()
    const listing = await (await fetch(`${upstream.base}/evil`)).json()
    const { integrity } = (listing as { versions: Record<string, { dist: { integrity: string } }> }).versions["1.0.0"]!
      .dist
    const path = "/npm/evil/-/evil-1.0.0.tgz"
    for (const headers of [
      { range: "bytes=0-10" },
      { range: "bytes=0-0,5-9" },
      { "if-none-match": `"${integrity}"` },
      { "if-none-match": "*" },
      { "if-modified-since": "Sat, 21 Nov 2026 00:00:00 GMT" },
      { "if-range": `"${integrity}"`, range: "bytes=1-" },
    ] as Record<string, string>[]) {
      expect((await gate.get(path, headers)).status, JSON.stringify(headers)).toBe(403)
    }
    expect((await fetch(gate.origin + path, { method: "HEAD" })).status).toBe(403)
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "TRACE"]) {
      const text = await sendRaw(
        gate.origin,
        `${method} ${path} HTTP/1.1\r\nhost: ${new URL(gate.origin).host}\r\n\r\n`,
      )
      expect(statusesOf(text)[0] ?? 400, method).toBeGreaterThanOrEqual(400)
    }
    expect(upstream.requests.filter((asked) => asked.endsWith(".tgz"))).toEqual([])
  })

  it("is not another build of itself", async () => {
    const { gate } = await open()
    expect((await gate.get("/npm/built/-/built-1.0.0.tgz")).status).toBe(403)
    const other = await gate.get("/npm/built/-/built-1.0.0%2Bx.tgz")
    // A rule that names one version names every spelling that SemVer takes for the same.
    expect(other.status).toBe(403)
    await other.body?.cancel()
  })
})

describe("the framing of requests", () => {
  it("hides no second request in a body", async () => {
    const { gate, host } = await open()
    const second = `GET /npm/good/-/good-1.0.0.tgz HTTP/1.1\r\nhost: ${host}\r\n\r\n`
    const head = `GET /npm/good HTTP/1.1\r\nhost: ${host}\r\n`
    const cases: Record<string, string> = {
      "a body on GET": `${head}content-length: ${second.length}\r\n\r\n${second}`,
      "a chunked body on GET": `${head}transfer-encoding: chunked\r\n\r\n${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`,
      "both lengths": `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${second}`,
      "two lengths": `${head}content-length: 0\r\ncontent-length: ${second.length}\r\n\r\n${second}`,
      "a list of lengths": `${head}content-length: 0, ${second.length}\r\n\r\n${second}`,
      "a length with a sign": `${head}content-length: +${second.length}\r\n\r\n${second}`,
      "an encoding that is none": `${head}transfer-encoding: xchunked\r\n\r\n${second}`,
      "an encoding twice": `${head}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n${second}`,
      "an encoding behind a tab": `${head}transfer-encoding\t: chunked\r\ncontent-length: ${second.length}\r\n\r\n${second}`,
      "a folded header": `${head}x: a\r\n content-length: 3\r\n\r\n${second}`,
      "bare line feeds": `GET /npm/good HTTP/1.1\nhost: ${host}\n\n${second}`,
      "a header that ends in a bare return": `${head}x: y\rcontent-length: 3\r\n\r\n${second}`,
      "a chunk extension with a line feed": `${head}transfer-encoding: chunked\r\n\r\n1;a\nb\r\n0\r\n\r\n${second}`,
    }
    for (const [what, bytes] of Object.entries(cases)) {
      const text = await sendRaw(gate.origin, bytes, 80)
      expect(text, what).not.toContain("archive of good")
      expect(statusesOf(text).length, what).toBeLessThanOrEqual(1)
    }
    // The oracle: two honest requests on one socket have two answers.
    const both = await sendRaw(gate.origin, `${head}\r\n${second}`)
    expect(statusesOf(both)).toEqual([200, 200])
  })

  it("is bounded in headers, in their number and in the address", async () => {
    const { gate, host } = await open()
    const line = `GET /npm/good HTTP/1.1\r\nhost: ${host}\r\n`
    expect(statusesOf(await sendRaw(gate.origin, `${line}x: ${"a".repeat(20_000)}\r\n\r\n`))).toEqual([431])
    const many = Array.from({ length: 3000 }, (_, i) => `x${i}: a\r\n`).join("")
    expect(statusesOf(await sendRaw(gate.origin, `${line}${many}\r\n`))[0] ?? 431).toBe(431)
    expect((await getRaw(gate.origin, `/npm/${"a".repeat(5000)}`)).status).toBe(400)
  })

  it("from a client that goes away in its body is nobody's trouble", async () => {
    const { gate, host } = await open()
    const head = `POST /npm/-/npm/v1/security/advisories/bulk HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 1000\r\n\r\n{`
    await sendRaw(gate.origin, head, 50, 200)
    expect((await gate.get("/npm/good")).status).toBe(200)
    expect(gate.troubles).toEqual([])
    expect(await (await gate.get("/-/metrics")).text()).toContain("nanoguard_record_failures_total 0")
  })
})

describe("other protocols on the gate's socket", () => {
  it("get no tunnel, no upgrade and no bytes", async () => {
    const { gate, host, upstream } = await open()
    const cases = {
      tunnel: `CONNECT ${new URL(upstream.base).host} HTTP/1.1\r\nhost: ${host}\r\n\r\nGET /good HTTP/1.1\r\n\r\n`,
      upgrade: `GET /npm/evil/-/evil-1.0.0.tgz HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n`,
      "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "HTTP/0.9": "GET /npm/good/-/good-1.0.0.tgz\r\n\r\n",
      "HTTP/1.0 without a host": "GET /npm/good/-/good-1.0.0.tgz HTTP/1.0\r\n\r\n",
      TLS: Buffer.from("16030100050100000100", "hex"),
    }
    for (const [what, bytes] of Object.entries(cases)) {
      const text = await sendRaw(gate.origin, bytes, 80, 500)
      expect(text, what).not.toMatch(/HTTP\/1\.1 [123]/)
      expect(text, what).not.toContain("archive of")
    }
    expect(upstream.requests).not.toContain("/good")
  })
})

describe("who is asked, and by whom", () => {
  it("is the gate under its own names alone", async () => {
    const { gate } = await open()
    const port = new URL(gate.origin).port
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      `user@127.0.0.1:${port}`,
      `127.0.0.1:${port}/x`,
      `127.0.0.1:${port}#`,
      `127.0.0.1:${port}?`,
      `[::ffff:127.0.0.1]:${port}`,
      "",
      `0.0.0.0:${port}`,
    ]) {
      expect((await getRaw(gate.origin, "/npm/good", { host })).status, host).toBeGreaterThanOrEqual(400)
    }
    const twice = await sendRaw(
      gate.origin,
      `GET /npm/good HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nhost: evil.example\r\n\r\n`,
    )
    expect(statusesOf(twice)[0]).not.toBe(200)
    expect((await getRaw(gate.origin, "/npm/good", { host: `localhost:${port}` })).status).toBe(200)
  })

  it("is no page in a browser", async () => {
    const { gate } = await open()
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" },
    ] as Record<string, string>[]) {
      const { text, status } = await getRaw(gate.origin, "/npm/good/-/good-1.0.0.tgz", headers)
      expect(status, JSON.stringify(headers)).toBe(400)
      expect(text.toLowerCase()).not.toContain("access-control-allow")
    }
    // A page asks nothing of people, and leaves nothing in the record.
    expect(await gate.records()).toEqual([])
  })

  it("is nobody with a token that is guessed, empty, or in two places at once", async () => {
    const { gate } = await open({ requireToken: true })
    const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`
    for (const authorization of [
      "",
      "Bearer",
      "Bearer ",
      "Bearer x",
      "Basic",
      basic(":"),
      basic("x"),
      "Digest a=b",
      `Bearer ${"a".repeat(8000)}`,
      "Bearer ngt_",
      "bearer __proto__",
      basic("a:constructor"),
      "Bearer \u00ff",
    ]) {
      expect((await getRaw(gate.origin, "/npm/good", { authorization })).status, authorization.slice(0, 40)).toBe(401)
    }
    expect((await getRaw(gate.origin, "/npm/good")).status).toBe(401)
    expect((await getRaw(gate.origin, "/t/__proto__/npm/good")).status).toBe(401)
  })

  it("tells strangers nothing of packages and agents", async () => {
    const { gate } = await open()
    await (await gate.get("/npm/good/-/good-1.0.0.tgz")).arrayBuffer()
    await gate.get("/npm/evil/-/evil-1.0.0.tgz")
    for (const path of ["/-/metrics", "/-/health"]) {
      const text = await (await gate.get(path)).text()
      for (const word of ["evil", "good", "local", "ana", "registry."]) expect(text, path).not.toContain(word)
    }
    for (const path of [
      "/-/",
      "/",
      "/v1/status",
      "/-/v1/status",
      "/v1/runs/local",
      "/-/metrics/",
      "/-/health/../metrics",
    ])
      expect((await getRaw(gate.origin, path)).status, path).toBe(404)
  })
})
