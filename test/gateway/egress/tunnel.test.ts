import { describe, expect, test, vi } from "vitest"
import type { Pipeline } from "../../../src/gateway/egress/types.ts"
import { certificateFile, openTls, openTunnel, run } from "./clients.ts"
import { HOST, startOrigin, startProxy } from "./proxy.ts"

type Passed = { sent: number; received: number }

/** A proxy that looks into nothing. */
async function startPassing(addresses = ["127.0.0.1"], tunnelIdle = 60_000) {
  const origin = await startOrigin((request, response) => {
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
    })
    request.on("end", () => response.end(`${size} ${"y".repeat(100_000)}`))
  })
  const passed: Passed[] = []
  const tunnel: Pipeline["tunnel"] = async () => ({ go: "pass", addresses, done: (bytes) => void passed.push(bytes) })
  const proxy = await startProxy({ tunnel, limits: { tunnelIdle } })
  return { origin, proxy, passed }
}

describe("a tunnel that is not looked into", () => {
  test("carries the origin's own certificate, and counts what passes", async () => {
    const { origin, proxy, passed } = await startPassing()
    const file = certificateFile(origin.ca.certificate)
    const url = `https://${HOST}:${origin.port}/`
    const data = "z".repeat(200_000)
    const args = ["-sS", "-x", `http://x:run-1@127.0.0.1:${proxy.port}`, "--cacert", file, "--data-binary", "@-", url]
    const { stdout, stderr } = await run("curl", args, {}, data)
    expect(stderr).toBe("")
    expect(stdout).toMatch(/^200000 y+$/)
    await vi.waitFor(() => expect(passed).toHaveLength(1))
    expect(passed[0]!.sent).toBeGreaterThan(200_000)
    expect(passed[0]!.received).toBeGreaterThan(100_000)
    expect(proxy.requests).toEqual([])
  })

  test("is held to the name in its ClientHello all the same", async () => {
    const { origin, proxy, passed } = await startPassing()
    await expect(openTls(proxy, origin.port, { servername: "other.example.com" })).rejects.toThrow(/unrecognized name/)
    const plain = await openTunnel(proxy, `${HOST}:${origin.port}`)
    plain.socket.write("SSH-2.0-x\r\n")
    await plain.until(/never/)
    expect(proxy.violations.map((line) => line.split(" ").at(-1))).toEqual(["tls.sni-mismatch", "tls.expected"])
    expect(passed.every(({ sent }) => sent === 0)).toBe(true)
  })

  test("is told when it passed nothing: nobody was there", async () => {
    const { proxy, passed } = await startPassing()
    await expect(openTls(proxy, 1)).rejects.toThrow()
    await vi.waitFor(() => expect(passed).toEqual([{ sent: 0, received: 0, failed: "ORIGIN_UNREACHABLE" }]))
  })

  test("ends where nothing moves, and where it is cut", async () => {
    const { origin, proxy } = await startPassing(["127.0.0.1"], 100)
    const idle = await openTls(proxy, origin.port, { ca: origin.ca.certificate })
    await idle.until(/never/)
    expect(idle.socket.destroyed).toBe(true)
    const cut = await openTls(proxy, origin.port, { ca: origin.ca.certificate })
    expect(proxy.egress.cutTunnels(({ target }) => target.port === origin.port)).toBe(1)
    await cut.until(/never/)
    expect(cut.socket.destroyed).toBe(true)
  })
})
