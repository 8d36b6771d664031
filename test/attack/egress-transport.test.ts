// What every other proxy of this kind lets through in at least one form (the names are those of the checklist): each is refused, recorded,
// and never reaches the pipeline, let alone an origin.
import { createServer } from "node:net"
import { describe, expect, test, vi } from "vitest"
import { certificateFile, curl, dialProxy, openTls, openTunnel, run, type Wire } from "../gateway/egress/clients.ts"
import { HOST, listen, startOrigin, startProxy, type TestProxy } from "../gateway/egress/proxy.ts"

const OTHER = "other.example.com"

/** A proxy and an origin that must not be asked anything but what a test says. */
async function start(headers = 1_500) {
  const seen: string[] = []
  const origin = await startOrigin((request, response) => {
    seen.push(`${request.method} ${request.headers.host} ${request.url}`)
    request.resume()
    request.on("end", () => response.end("answered"))
  })
  const proxy = await startProxy({ originCa: origin.ca, limits: { headers } })
  return { seen, port: origin.port, proxy, authority: `${HOST}:${origin.port}` }
}

/** The violations' codes, once there is one or the connection has ended. */
async function codesOf(proxy: TestProxy, wire: Wire) {
  await wire.until(/never/)
  return proxy.violations.map((line) => line.split(" ").at(-1))
}

/** Bytes within an intercepted tunnel, and all that is answered until the connection ends. */
async function inside(proxy: TestProxy, port: number, bytes: string) {
  const wire = await openTls(proxy, port)
  wire.socket.write(bytes, "latin1")
  return { text: await wire.until(/never/), codes: proxy.violations.map((line) => line.split(" ").at(-1)), wire }
}

describe("N1, P1: a target in any spelling but one", () => {
  const targets = [
    ...[
      "0177.0.0.1:443",
      "2130706433:443",
      "0x7f000001:443",
      "127.1:443",
      "0x7f.1:443",
      "127.0.0.1.:443",
      "1.2.3.4.5:443",
    ],
    ...[
      "[::ffff:127.0.0.1]:443",
      "[::ffff:7f00:1]:443",
      "[::127.0.0.1]:443",
      "[fe80::1%25eth0]:443",
      "::1:443",
      "[::1:443",
    ],
    ...[
      "user@api.example.com:443",
      "api.example.com@other.example.com:443",
      "api%2eexample.com:443",
      "%61pi.example.com:443",
    ],
    ...["api..example.com:443", ".example.com:443", "api.example.com..:443", `${"a".repeat(64)}.example.com:443`],
    ...["api.example.com", "api.example.com:", "api.example.com:0", "api.example.com:0443", "api.example.com:65536"],
    ...[
      "api.example.com:44 3",
      "api.example.com:443:443",
      "https://api.example.com:443",
      "/api.example.com:443",
      "*:443",
    ],
    ...["xn--zzzzzzz--.example:443", "-api.example.com:443", "api.example.com\\@x:443", "m\xfcnchen.example:443"],
  ]
  test.each(targets)("%s", async (target) => {
    const { proxy, seen } = await start()
    const { text } = await openTunnel(proxy, target)
    expect(text()).toMatch(/^HTTP\/1\.1 400 /)
    expect(seen).toEqual([])
    expect(proxy.egress.connections).toBe(0)
  })

  test("with NUL, CR, LF or a tab in it", async () => {
    for (const byte of ["\0", "\r", "\n", "\t"]) {
      const { proxy } = await start()
      const { text } = await openTunnel(proxy, `evil.example${byte}.example.com:443`)
      expect(text()).toMatch(/^HTTP\/1\.1 400 /)
      expect(proxy.egress.connections).toBe(0)
    }
  })

  test("while case, and one dot at its end, are the same host", async () => {
    const { proxy, port } = await start()
    for (const target of [`API.Example.COM:${port}`, `${HOST}.:${port}`]) {
      const { text } = await openTunnel(proxy, target)
      expect(text()).toMatch(/^HTTP\/1\.1 200 /)
    }
  })
})

describe("P2: ports", () => {
  test("are a part of the target: a request to another one is refused", async () => {
    const { proxy, port, seen } = await start()
    const { text, codes } = await inside(proxy, port, `GET / HTTP/1.1\r\nHost: ${HOST}:22\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 421 /)
    expect(codes).toEqual(["authority.mismatch"])
    expect(seen).toEqual([])
  })

  test("are not implied where they are no scheme's own", async () => {
    const { proxy, port, seen } = await start()
    const { text } = await inside(proxy, port, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 421 /)
    expect(seen).toEqual([])
  })
})

describe("N8: the gate asked to ask itself", () => {
  test("is no place that it dials", async () => {
    const seen: string[] = []
    const proxy = await startProxy({ origins: { listening: () => [{ address: "0.0.0.0", port: proxyPort }] } })
    const proxyPort: number = proxy.port
    const asked = await curl(proxy, "-w", "%{http_code}", `http://127.0.0.1:${proxy.port}/`)
    expect(asked.stdout).toBe("loop502")
    expect(seen).toEqual([])
  })

  test("keep-alive does not carry one host's decision to another", async () => {
    const { proxy, port, seen } = await start()
    const first = `GET /1 HTTP/1.1\r\nHost: ${HOST}:${port}\r\n\r\n`
    const second = `GET /2 HTTP/1.1\r\nHost: ${OTHER}:${port}\r\n\r\n`
    const wire = await openTls(proxy, port)
    wire.socket.write(first)
    await wire.until(/answered/)
    wire.socket.write(second)
    expect(await wire.until(/never/)).toMatch(/HTTP\/1\.1 421 /)
    expect(seen).toEqual([`GET ${HOST}:${port} /1`])
  })
})

describe("T1: what the ClientHello names", () => {
  test("another host than the tunnel's", async () => {
    const { proxy, port } = await start()
    await expect(openTls(proxy, port, { servername: OTHER })).rejects.toThrow(/unrecognized name/)
    expect(proxy.violations).toEqual([`anonymous ${HOST} tls.sni-mismatch`])
  })

  test("nothing, for a host that has a name", async () => {
    const { proxy, port } = await start()
    await expect(openTls(proxy, port, { servername: "" })).rejects.toThrow(/unrecognized name/)
    expect(proxy.violations).toEqual([`anonymous ${HOST} tls.sni-missing`])
  })

  test("a name, for a host that is an address", async () => {
    const { proxy, authority } = await start()
    const file = certificateFile(proxy.certificate)
    const args = ["s_client", "-proxy", `127.0.0.1:${proxy.port}`, "-connect", "127.0.0.1:443", "-CAfile", file]
    const named = await run("openssl", [...args, "-servername", HOST])
    expect(named.stderr).toMatch(/unrecognized name/)
    expect(proxy.violations).toEqual(["anonymous 127.0.0.1 tls.sni-mismatch"])
    const unnamed = await run("openssl", [...args, "-noservername", "-verify_ip", "127.0.0.1", "-verify_return_error"])
    expect(unnamed.stdout).toMatch(/Verification: OK/)
    expect(authority).toContain(HOST)
  })

  test("host and port together, as load generators do", async () => {
    const { proxy, port } = await start()
    await expect(openTls(proxy, port, { servername: `${HOST}:${port}` })).rejects.toThrow(/unrecognized name/)
    expect(proxy.violations).toEqual([`anonymous ${HOST} tls.sni-mismatch`])
  })

  test("with curl's own means to connect elsewhere, is what was asked for", async () => {
    const { proxy, port, seen } = await start()
    const asked = await curl(proxy, "--connect-to", `${HOST}:${port}:${OTHER}:${port}`, `https://${HOST}:${port}/`)
    expect(asked.code).not.toBe(0)
    expect(proxy.violations).toEqual([`run-1 ${OTHER} tls.sni-mismatch`])
    expect(seen).toEqual([])
  })
})

describe("T2, T3: what a request within a tunnel is for", () => {
  const heads: [string, (port: number) => string, string][] = [
    ["Host of another", () => `GET / HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`, "authority.mismatch"],
    ["two Hosts", (port) => `GET / HTTP/1.1\r\nHost: ${HOST}:${port}\r\nHost: ${OTHER}\r\n\r\n`, "request.malformed"],
    [
      "the same Host twice",
      (p) => `GET / HTTP/1.1\r\nHost: ${HOST}:${p}\r\nHost: ${HOST}:${p}\r\n\r\n`,
      "request.malformed",
    ],
    ["no Host", () => "GET / HTTP/1.1\r\n\r\n", "request.malformed"],
    ["no Host in HTTP/1.0", () => "GET / HTTP/1.0\r\n\r\n", "request.malformed"],
    ["an empty Host", () => "GET / HTTP/1.1\r\nHost:\r\n\r\n", "authority.mismatch"],
    ["Host with a user", (port) => `GET / HTTP/1.1\r\nHost: ${OTHER}@${HOST}:${port}\r\n\r\n`, "authority.mismatch"],
    [
      "absolute form to another",
      (p) => `GET https://${OTHER}/ HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`,
      "authority.mismatch",
    ],
    [
      "absolute form, Host of another",
      (p) => `GET https://${HOST}:${p}/ HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`,
      "authority.mismatch",
    ],
    [
      "absolute form in plain",
      (p) => `GET http://${HOST}:${p}/ HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`,
      "authority.mismatch",
    ],
    ["another scheme", (p) => `GET ftp://${HOST}:${p}/ HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "request.malformed"],
    ["an address without a slash", (p) => `GET ${HOST} HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "request.malformed"],
    ["dot segments", (p) => `GET /a/../b HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "request.malformed"],
    ["encoded dot segments", (p) => `GET /a/%2e%2E/b HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "request.malformed"],
    ["a fragment", (p) => `GET /a#b HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "request.malformed"],
    ["TRACE", (p) => `TRACE / HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "request.malformed"],
    ["T4: a nested CONNECT", (p) => `CONNECT ${OTHER}:443 HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, "connect.nested"],
    ["T7: h2 by prior knowledge", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "request.malformed"],
  ]
  test.each(heads)("%s", async (_, head, code) => {
    const { proxy, port, seen } = await start()
    const { text, codes } = await inside(proxy, port, head(port))
    expect(codes).toEqual([code])
    expect(text).not.toContain("answered")
    expect(seen).toEqual([])
    expect(proxy.requests).toEqual([])
  })

  test("absolute form to the target itself is its origin form", async () => {
    const { proxy, port, seen } = await start()
    const wire = await openTls(proxy, port)
    wire.socket.write(`GET https://${HOST}:${port}/x?y HTTP/1.1\r\nHost: ${HOST}:${port}\r\n\r\n`)
    await wire.until(/answered/)
    expect(seen).toEqual([`GET ${HOST}:${port} /x?y`])
  })
})

describe("T4, T5: what is no TLS in a tunnel", () => {
  const first: [string, string | Buffer, string][] = [
    ["a nested CONNECT", `CONNECT ${OTHER}:443 HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`, "connect.nested"],
    ["plain HTTP", `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, "tls.expected"],
    ["an SSH banner", "SSH-2.0-OpenSSH_9.6\r\n", "tls.expected"],
    ["any bytes", Buffer.from([0, 1, 2, 3, 255]), "tls.expected"],
    ["a TLS alert", Buffer.from([21, 3, 1, 0, 2, 1, 0]), "tls.expected"],
    ["SSL 2", Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]), "tls.expected"],
    ["a TLS record that holds no ClientHello", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]), "tls.expected"],
    ["the h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "tls.expected"],
  ]
  test.each(first)("%s", async (_, bytes, code) => {
    const { proxy, authority, seen } = await start()
    const wire = await openTunnel(proxy, authority)
    wire.socket.write(bytes)
    expect(await codesOf(proxy, wire)).toEqual([code])
    expect(wire.socket.destroyed || wire.socket.readableEnded).toBe(true)
    expect(seen).toEqual([])
  })

  test("a second CONNECT sent along with the first", async () => {
    const { proxy, authority } = await start()
    const wire = dialProxy(proxy)
    const connect = (to: string) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`
    wire.socket.write(connect(authority) + connect(`${OTHER}:443`))
    expect(await codesOf(proxy, wire)).toEqual(["connect.nested"])
  })

  test("nothing at all, for too long", async () => {
    const { proxy, authority } = await start(300)
    const wire = await openTunnel(proxy, authority)
    await wire.until(/never/)
    expect(wire.socket.destroyed).toBe(true)
    await vi.waitFor(() => expect(proxy.egress.connections).toBe(0))
  })
})

describe("T6: requests that two readers would take apart differently", () => {
  const host = (port: number) => `Host: ${HOST}:${port}\r\n`
  const requests: [string, (port: number) => string][] = [
    [
      "CL and TE",
      (p) => `POST / HTTP/1.1\r\n${host(p)}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      "TE and CL",
      (p) => `POST / HTTP/1.1\r\n${host(p)}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ],
    ["two lengths", (p) => `POST / HTTP/1.1\r\n${host(p)}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`],
    ["the same length twice", (p) => `POST / HTTP/1.1\r\n${host(p)}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
    ["a list of lengths", (p) => `POST / HTTP/1.1\r\n${host(p)}Content-Length: 1, 1\r\n\r\na`],
    ["a signed length", (p) => `POST / HTTP/1.1\r\n${host(p)}Content-Length: +1\r\n\r\na`],
    [
      "two codings",
      (p) => `POST / HTTP/1.1\r\n${host(p)}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    ],
    ["an unknown coding", (p) => `POST / HTTP/1.1\r\n${host(p)}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a list of codings", (p) => `POST / HTTP/1.1\r\n${host(p)}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["a coding in HTTP/1.0", (p) => `POST / HTTP/1.0\r\n${host(p)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["a space before the colon", (p) => `POST / HTTP/1.1\r\n${host(p)}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ["obs-fold", (p) => `GET / HTTP/1.1\r\n${host(p)}X-A: b\r\n c: d\r\n\r\n`],
    ["bare LF", (p) => `GET / HTTP/1.1\n${host(p)}\n\n`],
    ["bare LF in a header", (p) => `GET / HTTP/1.1\r\n${host(p)}X-A: b\nX-C: d\r\n\r\n`],
    ["bare CR in a header", (p) => `GET / HTTP/1.1\r\n${host(p)}X-A: b\rX-C: d\r\n\r\n`],
    ["NUL in a header", (p) => `GET / HTTP/1.1\r\n${host(p)}X-A: b\0c\r\n\r\n`],
    ["Connection names Host", (p) => `GET / HTTP/1.1\r\n${host(p)}Connection: host\r\n\r\n`],
    ["Connection names a header", (p) => `GET / HTTP/1.1\r\n${host(p)}X-A: b\r\nConnection: x-a\r\n\r\n`],
    ["a head that is too large", (p) => `GET / HTTP/1.1\r\n${host(p)}X-A: ${"b".repeat(20_000)}\r\n\r\n`],
    ["a version that is none", (p) => `GET / HTTP/1.9\r\n${host(p)}\r\n\r\n`],
    ["no version", (p) => `GET /\r\n${host(p)}\r\n`],
    ["a method in lower case", (p) => `get / HTTP/1.1\r\n${host(p)}\r\n\r\n`],
  ]
  test.each(requests)("%s", async (_, request) => {
    const { proxy, port, seen } = await start()
    const follow = `GET /smuggled HTTP/1.1\r\n${host(port)}\r\n`
    const { text, codes } = await inside(proxy, port, request(port) + follow)
    expect(codes).toEqual(["request.malformed"])
    expect(text).not.toContain("answered")
    expect(seen).toEqual([])
    expect(proxy.requests).toEqual([])
  })

  test("a chunk that is none ends what was begun", async () => {
    const { proxy, port, seen } = await start()
    const bytes = `POST / HTTP/1.1\r\n${host(port)}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nXX\r\n`
    const { text, codes } = await inside(proxy, port, `${bytes}GET /smuggled HTTP/1.1\r\n${host(port)}\r\n`)
    expect(codes).toEqual(["request.malformed"])
    expect(text).not.toContain("answered")
    expect(seen).not.toContain(`GET ${HOST}:${port} /smuggled`)
  })

  test("chunk extensions, and a GET with a body, arrive in new framing", async () => {
    const { proxy, port, seen } = await start()
    const wire = await openTls(proxy, port)
    wire.socket.write(
      `GET /a HTTP/1.1\r\n${host(port)}Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nabcde\r\n0\r\n\r\n` +
        `GET /b HTTP/1.1\r\n${host(port)}Connection: close\r\n\r\n`,
    )
    const text = await wire.until(/never/)
    expect(text.match(/answered/g)).toHaveLength(2)
    expect(seen).toEqual([`GET ${HOST}:${port} /a`, `GET ${HOST}:${port} /b`])
  })
})

describe("T7: other protocols", () => {
  test.each(["h2c", "TLS/1.0", "h2c, websocket"])("Upgrade: %s", async (protocol) => {
    const { proxy, port, seen } = await start()
    const head = `GET / HTTP/1.1\r\nHost: ${HOST}:${port}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\n`
    const { text } = await inside(proxy, port, `${head}HTTP2-Settings: AAMAAABk\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 501 /)
    expect(seen).toEqual([])
  })

  test("HTTP/2 where no rule names it", async () => {
    const { proxy, port } = await start()
    const { socket } = await openTls(proxy, port, { ALPNProtocols: ["h2", "http/1.1"] })
    expect((socket as import("node:tls").TLSSocket).alpnProtocol).toBe("http/1.1")
    await expect(openTls(proxy, port, { ALPNProtocols: ["h2"] })).rejects.toThrow(/application protocol/)
  })
})

describe("T8: clients that are too slow", () => {
  test("with a head, byte by byte", async () => {
    const { proxy, port } = await start(300)
    const wire = await openTls(proxy, port)
    wire.socket.write("GET / HTTP/1.1\r\n")
    const timer = setInterval(() => wire.socket.write("X"), 50)
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (!wire.socket.destroyed) return
        clearInterval(look)
        resolve()
      }, 50)
    })
    clearInterval(timer)
    expect(proxy.requests).toEqual([])
  })

  test("with a ClientHello, byte by byte", async () => {
    const { proxy, authority } = await start(300)
    const wire = await openTunnel(proxy, authority)
    wire.socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
    const timer = setInterval(() => wire.socket.write(Buffer.from([1])), 50)
    await wire.until(/never/)
    clearInterval(timer)
    expect(wire.socket.destroyed).toBe(true)
  })
})

describe("T8: origins whose answers two readers would take apart differently", () => {
  const evil = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
  const answers: [string, string][] = [
    ["CL and TE", `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${evil}`],
    ["two lengths", `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 90\r\n\r\n${evil}`],
    ["more than was promised", `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${evil}`],
    ["an answer before the question", `HTTP/1.1 204 No Content\r\n\r\n${evil}`],
    ["obs-fold", `HTTP/1.1 200 OK\r\nX-A: b\r\n c: d\r\nContent-Length: 2\r\n\r\nok${evil}`],
    [
      "a protocol that nobody asked for",
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n${evil}`,
    ],
    ["an answer that is none", `${"x".repeat(100)}\r\n${evil}`],
  ]
  test.each(answers)("%s: no later request gets what they left", async (_, answer) => {
    const server = createServer((socket) => {
      socket.on("error", () => {})
      socket.once("data", () => socket.write(answer))
    })
    const port = await listen(server as never)
    const proxy = await startProxy()
    const url = `http://${HOST}:${port}/`
    const { stdout } = await curl(proxy, "-m", "1", "-w", " %{http_code}", url, url)
    expect(stdout).not.toContain("poison")
  })
})

describe("T9: an origin that is not who it should be", () => {
  test.each([
    ["of an authority that nobody trusts", HOST, false],
    ["of another host", OTHER, true],
  ])("with a certificate %s gets nothing", async (_, name, trusted) => {
    const seen: string[] = []
    const origin = await startOrigin((request, response) => {
      seen.push(request.url!)
      response.end("answered")
    }, name)
    const proxy = await startProxy(trusted ? { originCa: origin.ca } : {})
    const asked = await curl(
      proxy,
      "-w",
      "%{http_code}",
      "-H",
      "authorization: secret",
      `https://${HOST}:${origin.port}/`,
    )
    expect(asked.stdout).toMatch(/502$/)
    expect(seen).toEqual([])
  })
})
