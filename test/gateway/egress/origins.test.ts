import { createServer } from "node:http"
import { connect } from "node:net"
import { describe, expect, onTestFinished, test } from "vitest"
import { createResolver, isOwnAddress } from "../../../src/gateway/egress/dial.ts"
import { createOrigins, type Destination } from "../../../src/gateway/egress/origins.ts"
import { curl } from "./clients.ts"
import { HOST, listen, startOrigin, startProxy } from "./proxy.ts"

function openOrigins() {
  const origins = createOrigins({ listening: () => [{ address: "127.0.0.1", port: 8471 }] })
  onTestFinished(() => origins.close())
  return origins
}

const at = (more: Partial<Destination & { port: number; host: string }> = {}): Destination => ({
  target: { scheme: "https", host: more.host ?? HOST, port: more.port ?? 443 },
  addresses: more.addresses ?? ["192.0.2.1"],
  ...(more.http2 !== undefined && { http2: more.http2 }),
  ...(more.scope !== undefined && { scope: more.scope }),
})

describe("connections to origins", () => {
  test("are shared by the same place and addresses, and by nothing else", async () => {
    const origins = openOrigins()
    const one = await origins.dispatcherOf(at({ addresses: ["192.0.2.1", "192.0.2.2"] }))
    expect(await origins.dispatcherOf(at({ addresses: ["192.0.2.2", "192.0.2.1"] }))).toBe(one)
    const others = [
      at({ addresses: ["192.0.2.1"] }),
      at({ addresses: ["192.0.2.1", "192.0.2.3"] }),
      at({ addresses: ["192.0.2.1", "192.0.2.2"], port: 8443 }),
      at({ addresses: ["192.0.2.1", "192.0.2.2"], host: "b.example" }),
      at({ addresses: ["192.0.2.1", "192.0.2.2"], http2: true }),
      at({ addresses: ["192.0.2.1", "192.0.2.2"], scope: "run-1" }),
    ]
    for (const other of others) expect(await origins.dispatcherOf(other)).not.toBe(one)
  })

  test("of many places are bounded: the one that was used longest ago is closed", async () => {
    const origins = openOrigins()
    const first = await origins.dispatcherOf(at({ host: "first.example" }))
    for (let index = 0; index < 600; index++) await origins.dispatcherOf(at({ host: `h${index}.example` }))
    expect(first).toMatchObject({ closed: true })
  })

  test.each([
    ["the gate's own address", at({ addresses: ["127.0.0.1"], port: 8471 }), "loop"],
    ["no address", at({ addresses: [] }), "unresolved"],
    ["a name in place of an address", at({ addresses: ["internal.example"] }), "unresolved"],
  ])("to %s are not made", async (_, destination, fault) => {
    const origins = openOrigins()
    await expect(origins.dispatcherOf(destination)).rejects.toMatchObject({ fault })
    await expect(origins.open(destination, true)).rejects.toMatchObject({ fault })
  })

  test("go to the vetted address, whatever the name leads to", async () => {
    const origin = await startOrigin((request, response) => void response.end(request.headers.host), "localhost")
    const proxy = await startProxy({ originCa: origin.ca })
    // The pipeline of these tests vets 127.0.0.1 for every name.
    const asked = await curl(proxy, `https://localhost:${origin.port}/`)
    expect(asked.stdout).toBe(`localhost:${origin.port}`)
  })

  test("go through a proxy of the network's, where there is one", async () => {
    const seen: string[] = []
    const parent = createServer()
    parent.on("connect", (request, socket, head) => {
      seen.push(`${request.url} ${request.headers["proxy-authorization"] ?? ""}`)
      const out = connect(Number(request.url!.split(":")[1]), "127.0.0.1")
      socket.write("HTTP/1.1 200 OK\r\n\r\n")
      if (head.length > 0) out.write(head)
      socket
        .on("error", () => {})
        .pipe(out)
        .on("error", () => {})
        .pipe(socket)
    })
    const parentPort = await listen(parent)
    const origin = await startOrigin((request, response) => void request.pipe(response))
    const options = { parent: { host: "127.0.0.1", port: parentPort, authorization: "Basic eDp5" } }
    const proxy = await startProxy({ originCa: origin.ca, origins: { ca: [origin.ca.certificate], ...options } })
    const asked = await curl(proxy, "-d", "body", `https://${HOST}:${origin.port}/`)
    expect(asked.stdout).toBe("body")
    expect(seen).toEqual([`${HOST}:${origin.port} Basic eDp5`])
  })
})

describe("resolving", () => {
  test("asks once for all who ask at the same time or soon after, and again for those who come later", async () => {
    let asked = 0
    const lookup = async () => [`192.0.2.${++asked}`]
    const resolve = createResolver(1_000, lookup, 60_000)
    expect(await Promise.all([resolve("a.example"), resolve("a.example")])).toEqual([["192.0.2.1"], ["192.0.2.1"]])
    expect(await resolve("a.example")).toEqual(["192.0.2.1"])
    const forgetful = createResolver(1_000, lookup, 0)
    expect(await forgetful("a.example")).toEqual(["192.0.2.2"])
    expect(await forgetful("a.example")).toEqual(["192.0.2.3"])
    expect(await resolve("192.0.2.9")).toEqual(["192.0.2.9"])
  })

  test("keeps no failure", async () => {
    let asked = 0
    const resolve = createResolver(1_000, async () =>
      ++asked === 1 ? Promise.reject(new Error("EAI_AGAIN")) : ["192.0.2.1"],
    )
    await expect(resolve("a.example")).rejects.toMatchObject({ fault: "unresolved" })
    expect(await resolve("a.example")).toEqual(["192.0.2.1"])
  })

  test("ends in time, and with an address, or fails", async () => {
    await expect(createResolver(20, () => new Promise(() => {}))("a.example")).rejects.toMatchObject({
      fault: "unresolved",
    })
    await expect(createResolver(20, async () => [])("a.example")).rejects.toMatchObject({ fault: "unresolved" })
    await expect(createResolver(20, () => Promise.reject(new Error("ENOTFOUND")))("a.example")).rejects.toMatchObject({
      fault: "unresolved",
    })
  })
})

test.each([
  ["127.0.0.1", 1, "127.0.0.1", true],
  ["127.0.0.1", 2, "127.0.0.1", false],
  ["127.0.0.1", 1, "0.0.0.0", true],
  ["127.8.8.8", 1, "::", true],
  ["0.0.0.0", 1, "0.0.0.0", true],
  ["::1", 1, "::", true],
  ["192.0.2.1", 1, "0.0.0.0", false],
  ["::ffff:127.0.0.1", 1, "127.0.0.1", true],
  ["::ffff:7f00:1", 1, "0.0.0.0", true],
  ["::ffff:c000:201", 1, "0.0.0.0", false],
  ["0.0.0.0", 1, "127.0.0.1", true],
  ["::", 1, "127.0.0.1", true],
  ["0.0.0.0", 2, "127.0.0.1", false],
])("%s:%i is the gate's own where it listens at port 1 of %s: %s", (address, port, own, expected) => {
  expect(isOwnAddress(address, port, [{ address: own, port: 1 }])).toBe(expected)
})
