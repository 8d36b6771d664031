// kill -9 of a gate at random moments while plainly allowed requests go through it: every request that reached the origin is in the record
// once the next gate is there, and none is there twice.
import { createServer, request as send } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { openStore } from "../../../src/store/open.ts"
import { records } from "../../approvals/support.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { bundleProgram } from "./bundle.ts"
import { startHoldGate } from "./holds.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"

const CLIENTS = 8
const KILLS = SAMPLE ? 6 : 60

const ENGINES: [string, (ctx: TestContext) => Promise<Record<string, string>>][] = [
  ["files", async () => ({})],
  [
    "PostgreSQL",
    async (ctx) => ({ NANOGUARD_STORE: await (await newStoreDatabase(ctx)).login("gateway", "nanoguard_writer") }),
  ],
]

/** Requests that reached the origin, by path. */
async function startCounting() {
  const arrived = new Map<string, number>()
  const server = createServer((request, response) => {
    arrived.set(request.url!, (arrived.get(request.url!) ?? 0) + 1)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, arrived }
}

const get = (gate: number, host: string, path: string) =>
  new Promise<number>((resolve) => {
    const asked = send({ port: gate, path: `http://${host}${path}`, headers: { host }, agent: false }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode ?? 0))
    })
    asked.on("error", () => resolve(0)).end()
  })

describe.each(ENGINES)(`a gate on %s that is killed while requests go through (seed ${SEED})`, (_, prepare) => {
  it("has recorded what it forwarded, once", async (t) => {
    const random = makeRandom(SEED)
    const program = await bundleProgram(new URL("./journal-gate.ts", import.meta.url))
    const env = emptyHome(await prepare(t))
    const store = await openStore(testContext(temporaryDirectory(), { env, now: Date.now() }), { gateway: "person" })
    onTestFinished(() => store.close())
    const { port: origin, arrived } = await startCounting()
    const policy = `version: 1
network: [{ id: reads, allow: api.example.com, ports: [${origin}], addresses: [127.0.0.1] }]
`
    const start = () => startHoldGate(program, env, { name: "gate", policy })
    let gate = start()
    const all = [gate]
    let done = false
    /** Requests of each path that got no answer: at most one at a time is under way. */
    const unanswered = new Map<string, number>()
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      const path = `/of/${client}`
      while (!done) {
        const port = gate.port()
        const status = port === undefined ? -1 : await get(port, `api.example.com:${origin}`, path)
        if (status === 0) unanswered.set(path, (unanswered.get(path) ?? 0) + 1)
        if (status !== 200) await sleep(5)
      }
    })
    for (let kills = 0; kills < KILLS; kills++) {
      while (gate.port() === undefined) await sleep(10)
      // The first requests of a gate load libraries.
      await sleep(400 + random.below(800))
      gate.child.kill("SIGKILL")
      await gate.ended
      gate = start()
      all.push(gate)
    }
    done = true
    await Promise.all(clients)
    gate.child.kill("SIGKILL")
    await gate.ended
    const last = start()
    while (last.port() === undefined) await sleep(20)
    last.child.kill("SIGKILL")
    await last.ended

    expect(all.map((one) => one.err()).join("")).toBe("")
    const log = await records(store)
    const pathOf = new Map<number, string>()
    const recorded = new Map<string, number>()
    const count = (path: string, more: number) => recorded.set(path, (recorded.get(path) ?? 0) + more)
    let repeats = 0
    for (const [place, { type, action, detail }] of log.entries()) {
      if (type === "network.decided") {
        const { path } = action as { path: string }
        pathOf.set(place + 1, path)
        count(path, 1)
      }
      if (type !== "network.repeated") continue
      for (const one of (detail?.["of"] ?? []) as string[]) {
        const [seq, times] = one.split(" x").map(Number)
        count(pathOf.get(seq!)!, times!)
        repeats += times!
      }
    }
    const sum = [...arrived.values()].reduce((a, b) => a + b, 0)
    expect(sum).toBeGreaterThan(KILLS * 10)
    expect(repeats).toBeGreaterThan(sum / 2)
    for (const [path, times] of arrived) {
      // One that was recorded and did not arrive was under way when its gate died.
      expect(recorded.get(path)).toBeGreaterThanOrEqual(times)
      expect(recorded.get(path)).toBeLessThanOrEqual(times + (unanswered.get(path) ?? 0))
    }
  })
})
