import { describe, expect, test, vi } from "vitest"
import { openCa } from "../../../src/gateway/egress/ca.ts"
import type { Verdict } from "../../../src/policy/types.ts"
import { certificateFile, curl, dialProxy, openTls, openTunnel, run } from "./clients.ts"
import { HOST, startOrigin, startProxy } from "./proxy.ts"

describe("a request through the proxy", () => {
  test("is intercepted, found to be its tunnel's, and sent to the vetted address", async () => {
    const seen: string[] = []
    const origin = await startOrigin((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.host}`)
      response.setHeader("alt-svc", 'h3=":443"').setHeader("strict-transport-security", "max-age=60").end("hello")
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const { stdout, stderr, code } = await curl(proxy, "-i", `https://${HOST}:${origin.port}/a/b?c=d`)
    expect(stderr).toBe("")
    expect(code).toBe(0)
    expect(stdout).toContain("hello")
    expect(stdout).not.toContain("alt-svc")
    expect(stdout).toContain("strict-transport-security: max-age=60")
    expect(seen).toEqual([`GET /a/b?c=d ${HOST}:${origin.port}`])
    expect(proxy.requests).toEqual([`GET https://${HOST}:${origin.port}/a/b?c=d`])
    expect(proxy.violations).toEqual([])
  })

  test("comes through a gate that is itself reached over TLS", async () => {
    const gateCa = await openCa("gate")
    const origin = await startOrigin((request, response) => void request.pipe(response))
    const proxy = await startProxy({ originCa: origin.ca, gateCa })
    const trust = [
      "--proxy-cacert",
      certificateFile(gateCa.certificate),
      "--cacert",
      certificateFile(proxy.certificate),
    ]
    const body = "x".repeat(500_000)
    const url = `https://${HOST}:${origin.port}/`
    const args = ["-sS", "-x", `https://x:y@127.0.0.1:${proxy.port}`, ...trust, "--data-binary", "@-", url]
    expect(await run("curl", args, {}, body)).toMatchObject({ stdout: body, stderr: "" })
  })

  test("of many, all go over one connection to the origin", async () => {
    const origin = await startOrigin((_, response) => void response.end("ok"))
    let connections = 0
    origin.server.on("secureConnection", () => {
      connections += 1
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const url = `https://${HOST}:${origin.port}/`
    const { stdout } = await curl(proxy, url, url, url)
    expect(stdout).toBe("okokok")
    expect(connections).toBe(1)
  })

  test("whose token is nobody's is asked for one", async () => {
    const proxy = await startProxy()
    const wire = dialProxy(proxy)
    const token = Buffer.from("x:nobody").toString("base64")
    wire.socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\nProxy-Authorization: Basic ${token}\r\n\r\n`)
    const text = await wire.until(/\}$/)
    expect(text).toMatch(/^HTTP\/1\.1 407 /)
    expect(text).toMatch(/\r\nproxy-authenticate: Basic realm="nanoguard"\r\n/)
  })

  test("that policy refuses early says so in the status line", async () => {
    const verdict: Verdict = {
      ...{
        effect: "deny",
        code: "network.default",
        rule: "network.default",
        subject: `CONNECT ${HOST}`,
        reason: "No.",
      },
      ...{ evidence: [], mode: "enforce", policyHash: "0" },
    }
    const proxy = await startProxy({ tunnel: async () => ({ go: "refuse", verdict, requestId: "ng-7" }) })
    const { text } = await openTunnel(proxy, `${HOST}:443`)
    expect(text()).toMatch(/^HTTP\/1\.1 403 [^\r\n]*network\.default[^\r\n]*\[ng-7\]\r\n/)
    expect(text()).toContain("application/problem+json")
    const { stderr } = await curl(proxy, `https://${HOST}/`)
    expect(stderr).toContain("403")
  })

  test("whose client leaves while it is decided is over", async () => {
    const proxy = await startProxy({ tunnel: () => new Promise(() => {}) })
    const wire = dialProxy(proxy)
    wire.socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    await vi.waitFor(() => expect(proxy.egress.connections).toBe(1))
    wire.socket.end()
    await vi.waitFor(() => expect(proxy.egress.connections).toBe(0))
  })

  test("that cannot be decided lets nothing through", async () => {
    const proxy = await startProxy({ tunnel: () => Promise.reject(new Error("no store")) })
    const { text } = await openTunnel(proxy, `${HOST}:443`)
    expect(text()).toMatch(/^HTTP\/1\.1 503 /)
    expect(proxy.troubles).toHaveLength(1)
  })
})

describe("connections", () => {
  test("of one run are bounded, and cut with it", async () => {
    const origin = await startOrigin((_, response) => void response.end("ok"))
    const proxy = await startProxy({ originCa: origin.ca, limits: { perRun: 2 } })
    const first = await openTls(proxy, origin.port)
    const second = await openTls(proxy, origin.port)
    const third = await openTunnel(proxy, `${HOST}:${origin.port}`)
    expect(third.text()).toMatch(/^HTTP\/1\.1 503 /)
    expect(proxy.egress.connections).toBe(2)
    expect(proxy.egress.cutTunnels(({ who }) => who.run === "another")).toBe(0)
    expect(proxy.egress.cutTunnels(({ who }) => who.run === "anonymous")).toBe(2)
    await Promise.all([first.until(/never/), second.until(/never/)])
    expect([first.socket.destroyed, second.socket.destroyed]).toEqual([true, true])
    expect(proxy.egress.connections).toBe(0)
  })
})
