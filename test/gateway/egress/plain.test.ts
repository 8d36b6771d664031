import { createServer } from "node:http"
import { describe, expect, test } from "vitest"
import type { EgressLimits } from "../../../src/gateway/egress/connect.ts"
import { curl, dialProxy } from "./clients.ts"
import { HOST, listen, startProxy } from "./proxy.ts"

async function start(limits: Partial<EgressLimits> = {}) {
  const heads: string[][] = []
  const server = createServer((request, response) => {
    heads.push(request.rawHeaders)
    request.pipe(response)
  })
  const port = await listen(server)
  return { heads, port, proxy: await startProxy({ limits }) }
}

describe("plain HTTP through the proxy", () => {
  test("is sent in origin form, without what was for the proxy", async () => {
    const { heads, port, proxy } = await start()
    const { stdout } = await curl(
      proxy,
      "-d",
      "body",
      "-H",
      "Proxy-Connection: keep-alive",
      `http://${HOST}:${port}/a?b`,
    )
    expect(stdout).toBe("body")
    expect(proxy.requests).toEqual([`POST http://${HOST}:${port}/a?b`])
    const names = heads[0]!.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    expect(names).not.toContain("proxy-authorization")
    expect(names).not.toContain("proxy-connection")
  })

  const heads: [string, (port: number) => string, number, string[]][] = [
    [
      "T2: Host of another",
      (p) => `GET http://${HOST}:${p}/ HTTP/1.1\r\nHost: other.example.com\r\n\r\n`,
      421,
      ["authority.mismatch"],
    ],
    [
      "two Hosts",
      (p) => `GET http://${HOST}:${p}/ HTTP/1.1\r\nHost: ${HOST}:${p}\r\nHost: x\r\n\r\n`,
      400,
      ["request.malformed"],
    ],
    [
      "P1: a user in the address",
      (p) => `GET http://u@${HOST}:${p}/ HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`,
      400,
      ["authority.malformed"],
    ],
    [
      "N1: an odd address",
      () => "GET http://0x7f.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      400,
      ["authority.malformed"],
    ],
    ["an https address", () => `GET https://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 400, []],
    ["another scheme", () => `GET ftp://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 400, ["authority.malformed"]],
    ["TRACE", (p) => `TRACE http://${HOST}:${p}/ HTTP/1.1\r\nHost: ${HOST}:${p}\r\n\r\n`, 405, ["request.malformed"]],
  ]
  test.each(heads)(
    "%s is refused, and what comes after it in the same packet goes nowhere",
    async (_, head, status, codes) => {
      const { port, proxy, heads: seen } = await start()
      const wire = dialProxy(proxy)
      wire.socket.write(`${head(port)}GET http://${HOST}:${port}/smuggled HTTP/1.1\r\nHost: ${HOST}:${port}\r\n\r\n`)
      const text = await wire.until(/never/)
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(proxy.violations.map((line) => line.split(" ").at(-1))).toEqual(codes)
      expect(seen).toEqual([])
    },
  )

  test("many requests on one connection are one connection at a time", async () => {
    const { port, proxy, heads: seen } = await start({ perRun: 1 })
    const wire = dialProxy(proxy)
    for (const mark of ["mark-1", "mark-2", "mark-3", "mark-4", "mark-5"]) {
      const head = `POST http://${HOST}:${port}/ HTTP/1.1\r\nHost: ${HOST}:${port}\r\nContent-Length: 6\r\n\r\n`
      wire.socket.write(head + mark)
      expect(await wire.until(new RegExp(`${mark}\r\n0\r\n\r\n`))).toContain(mark)
    }
    expect(seen).toHaveLength(5)
    expect(proxy.egress.connections).toBe(0)
  })

  test("the gate's own addresses are its own", async () => {
    const { proxy } = await start()
    const wire = dialProxy(proxy)
    wire.socket.write(`GET /npm/x HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\n\r\n`)
    expect(await wire.until(/own/)).toContain("the gate's own")
  })
})
