// Many clients, slow ones, and ones that leave: what a gate spends on them is bounded, and nothing unapproved is ever complete.
import { readdirSync } from "node:fs"
import { Agent, get } from "node:http"
import { connect, type Socket } from "node:net"
import { describe, expect, it, onTestFinished } from "vitest"
import { openTestGate, startNpmUpstream } from "../../gateway/gate.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"

const CLIENTS = SAMPLE ? 300 : 1_000
const POLICY = `version: 1
packages:
  rules: [{ id: no-evil, deny: "pkg:npm/evil" }]
  unknown: allow
`
const MB = 1024 * 1024
const BIG = Buffer.alloc(8 * MB, "0123456789abcdef")

async function open(limits = {}) {
  const upstream = await startNpmUpstream()
  upstream.publish("big", { "1.0.0": { bytes: BIG } })
  upstream.publish("evil", { "1.0.0": { bytes: Buffer.alloc(400_000, "evil bytes ") } })
  // What a listing promises and what comes are two things: the second must never be whole.
  upstream.publish("lying", { "1.0.0": { bytes: Buffer.alloc(600_000, "a") } })
  upstream.answer("/lying/-/lying-1.0.0.tgz", (_, response) => response.end(Buffer.alloc(600_000, "b")))
  for (let i = 0; i < 50; i++) upstream.publish(`p${i}`, { "1.0.0": {} })
  const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base }, limits })
  return { upstream, gate }
}

const openFiles = () => readdirSync("/proc/self/fd").length

/** Waits until a number falls to a bound; the last one. */
async function settles(read: () => number, bound: number): Promise<number> {
  let value = read()
  for (let i = 0; i < 100 && value > bound; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    value = read()
  }
  return value
}

interface Got {
  status: number
  whole: boolean
  bytes: number
  text: string
}

function download(url: string, agent: Agent, leaves = false): Promise<Got> {
  return new Promise((resolve) => {
    const request = get(url, { agent }, (response) => {
      let bytes = 0
      let text = ""
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (text.length < 100) text += chunk.toString("latin1", 0, 100)
        if (leaves) request.destroy()
      })
      response.on("error", () => {})
      response.on("close", () => resolve({ status: response.statusCode ?? 0, whole: response.complete, bytes, text }))
    })
    request.on("error", () => resolve({ status: 0, whole: false, bytes: 0, text: "" }))
  })
}

describe(`clients of the gate (seed ${SEED})`, () => {
  it(`${CLIENTS} at once get what is approved, and nothing else whole`, async () => {
    const { gate, upstream } = await open()
    const random = makeRandom(SEED)
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    onTestFinished(() => agent.destroy())
    await download(`${gate.origin}/npm/p0`, agent)
    const before = { files: openFiles(), memory: process.memoryUsage.rss() }
    let peak = 0
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }, 50)
    const kinds = ["small", "evil", "lying", "leaves", "listing"] as const
    const run = async () => {
      const kind = random.pick(kinds)
      const small = `p${random.below(50)}`
      const path = {
        small: `${small}/-/${small}-1.0.0.tgz`,
        evil: "evil/-/evil-1.0.0.tgz",
        lying: "lying/-/lying-1.0.0.tgz",
        leaves: "big/-/big-1.0.0.tgz",
        listing: small,
      }[kind]
      return { kind, got: await download(`${gate.origin}/npm/${path}`, agent, kind === "leaves") }
    }
    const all = await Promise.all(Array.from({ length: CLIENTS }, run))
    clearInterval(watch)
    const seen = new Set<string>()
    for (const { kind, got } of all) {
      seen.add(kind)
      if (kind === "small" || kind === "listing") expect(got).toMatchObject({ status: 200, whole: true })
      if (kind === "evil") expect(got.status).toBe(403)
      if (kind === "lying") expect(got.status === 200 && got.whole).toBe(false)
      expect(got.text).not.toContain("evil bytes")
    }
    expect([...seen].sort()).toEqual([...kinds].sort())
    // One download for all who asked at once, and another for those that came when everybody had left.
    expect(upstream.requests.filter((path) => path === "/p1/-/p1-1.0.0.tgz").length).toBeLessThanOrEqual(1)
    expect(peak - before.memory).toBeLessThan(400 * MB)
    agent.destroy()
    expect(await settles(openFiles, before.files + 20)).toBeLessThanOrEqual(before.files + 20)
    expect(gate.troubles).toEqual([])
    expect((await gate.get("/npm/p1")).status).toBe(200)
  })

  it("that say nothing, or little by little, lose their sockets while others are served", async () => {
    const { gate } = await open({ headers: 1_000, request: 2_000, stall: 2_000 })
    const { hostname, port, host } = new URL(gate.origin)
    const starts = [
      "",
      "GET /npm/p1 HTTP/1.1\r\nhost: x\r\nx-a: ",
      `POST /npm/-/npm/v1/security/advisories/bulk HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 100000\r\n\r\n{`,
    ]
    const closed = Array.from({ length: 60 }, (_, i) => drip(Number(port), hostname, starts[i % starts.length]!))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await gate.get("/npm/p1")).status).toBe(200)
    const ends = await Promise.all(closed)
    expect(ends.every((end) => end < 15_000)).toBe(true)
    expect(gate.troubles).toEqual([])
  })

  it("that read nothing lose theirs, with the files behind them", async () => {
    const { gate } = await open({ stall: 1_500 })
    const { hostname, port, host } = new URL(gate.origin)
    await (await gate.get("/npm/big/-/big-1.0.0.tgz")).arrayBuffer()
    const before = openFiles()
    const sockets = Array.from({ length: 40 }, () => {
      const socket = connect(Number(port), hostname)
      socket.pause()
      socket.on("error", () => {})
      socket.write(`GET /npm/big/-/big-1.0.0.tgz HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
      return socket
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(openFiles()).toBeGreaterThan(before + 40)
    // Each of ours is still open here until it reads; the gate's side and its file are not.
    expect(await settles(openFiles, before + 45)).toBeLessThanOrEqual(before + 45)
    for (const socket of sockets) socket.destroy()
    expect((await gate.get("/npm/p1")).status).toBe(200)
  })
})

/** A socket that sends a byte every 100 ms; milliseconds until the gate closed it. */
function drip(port: number, host: string, start: string): Promise<number> {
  const begun = performance.now()
  return new Promise((resolve) => {
    const socket: Socket = connect(port, host)
    const timer = setInterval(() => start !== "" && socket.write("a"), 100)
    socket.on("connect", () => start !== "" && socket.write(start))
    socket.on("error", () => {})
    socket.resume()
    socket.on("close", () => {
      clearInterval(timer)
      resolve(performance.now() - begun)
    })
    setTimeout(() => socket.destroy(), 20_000).unref()
  })
}
