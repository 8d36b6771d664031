// Requests put together at random, and clients that leave at every moment: what reaches an origin is what the pipeline saw, and the gate
// stands.
import fc from "fast-check"
import { expect, test, vi } from "vitest"
import { dialProxy, openTls, openTunnel } from "../gateway/egress/clients.ts"
import { HOST, startOrigin, startProxy } from "../gateway/egress/proxy.ts"

test("T6: of requests put together at random, an origin sees what the pipeline saw, and no other", async () => {
  const seen: string[] = []
  const origin = await startOrigin((request, response) => {
    seen.push(`${request.method} https://${request.headers.host}${request.url}`)
    request.resume()
    response.end("ok")
  })
  const proxy = await startProxy({ originCa: origin.ca, limits: { headers: 300, stall: 300, idle: 300 } })
  let reached = 0
  const own = `${HOST}:${origin.port}`
  const line = fc.constantFrom(
    ...[
      `Host: ${own}\r\n`,
      "Host: other.example.com\r\n",
      `Host:${own}\r\n`,
      "Content-Length: 0\r\n",
      "Content-Length: 40\r\n",
    ],
    ...[
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding:\tchunked\r\n",
      "Transfer-Encoding: identity\r\n",
      "X: a\nY: b\r\n",
    ],
    ...[
      "Connection: close, host\r\n",
      "Connection: keep-alive\r\n",
      " folded\r\n",
      "X-A: \x01\r\n",
      "Expect: 100-continue\r\n",
    ],
    ...["Content-Length : 5\r\n", "\tX: y\r\n", "X\r\n", ": y\r\n", "Upgrade: h2c\r\n", "X: \xff\r\n"],
  )
  const start = fc.constantFrom(
    ...["GET / HTTP/1.1\r\n", "POST /a HTTP/1.1\r\n", `GET https://${own}/b HTTP/1.1\r\n`, "GET /%2e%2e HTTP/1.1\r\n"],
    ...[
      "GET https://other.example.com/ HTTP/1.1\r\n",
      "GET /c HTTP/1.0\r\n",
      "GET  /d HTTP/1.1\r\n",
      "GET /e\r\n",
      "\r\nGET /f HTTP/1.1\r\n",
    ],
  )
  const body = fc.constantFrom(
    "",
    "0\r\n\r\n",
    "5\r\nabcde\r\n0\r\n\r\n",
    "5\nabcde\r\n0\r\n\r\n",
    `GET /g HTTP/1.1\r\nHost: ${own}\r\n\r\n`,
  )
  const last = `GET /z HTTP/1.1\r\nHost: ${own}\r\nConnection: close\r\n\r\n`
  await fc.assert(
    fc.asyncProperty(start, fc.nat(3), fc.array(line, { maxLength: 3 }), body, async (first, hosts, lines, rest) => {
      seen.length = 0
      proxy.requests.length = 0
      const wire = await openTls(proxy, origin.port)
      const host = hosts === 0 ? "" : `Host: ${own}\r\n`
      wire.socket.write(Buffer.from(`${first}${host}${lines.join("")}\r\n${rest}${last}`, "latin1"))
      await wire.until(/never/)
      reached += seen.length
      expect(proxy.requests).toEqual(expect.arrayContaining(seen))
      for (const one of seen) expect(one).toMatch(new RegExp(`^(?:GET|POST) https://${own}/[abcdfgz]?$`))
    }),
    { numRuns: 80 },
  )
  expect(proxy.troubles).toEqual([])
  // Some of them have nothing wrong about them.
  expect(reached).toBeGreaterThan(0)
})

test("clients that leave at any moment leave nothing behind", async () => {
  const origin = await startOrigin((_, response) => {
    response.write("begun")
    setTimeout(() => response.end("ended"), 5)
  })
  const proxy = await startProxy({ originCa: origin.ca })
  const authority = `${HOST}:${origin.port}`
  const early = dialProxy(proxy)
  early.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, () =>
    early.socket.resetAndDestroy(),
  )
  const opened = await openTunnel(proxy, authority)
  opened.socket.resetAndDestroy()
  const greeted = await openTunnel(proxy, authority)
  greeted.socket.write(Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196]), () => greeted.socket.resetAndDestroy())
  for (const wait of [0, 1, 5, 20]) {
    const wire = await openTls(proxy, origin.port)
    wire.socket.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
    await new Promise((resolve) => setTimeout(resolve, wait))
    wire.socket.destroy()
  }
  await vi.waitFor(() => expect(proxy.egress.connections).toBe(0))
  const after = await openTls(proxy, origin.port)
  after.socket.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`)
  expect(await after.until(/never/)).toContain("ended")
  expect(proxy.troubles).toEqual([])
})
