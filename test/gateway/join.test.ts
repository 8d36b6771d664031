// Commands that come to one gate at the same time, where none runs.
import { createServer } from "node:net"
import { describe, expect, it, onTestFinished } from "vitest"
import { readStart } from "../../src/commands/gateway-options.ts"
import type { GateStatus, OpenedRun } from "../../src/gateway/control.ts"
import { askGate, isGateRunning } from "../../src/gateway/control-client.ts"
import { GateGone } from "../../src/gateway/gone.ts"
import { joinGate } from "../../src/gateway/join.ts"
import type { TestContext } from "../context.ts"
import { adoptedProject } from "./adopted.ts"

const POLICY = "version: 1\npackages: { unknown: allow }\n"

/** Joins as a command does whose gate would listen at `port`. */
const join = (ctx: TestContext, port = "0") =>
  joinGate(
    ctx,
    {},
    async () => ({ ...readStart(ctx, { port }), onTrouble: () => {} }),
    () => {},
  )

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

describe("commands that start at once where no gate runs", () => {
  it.each([["at any port", undefined] as const, ["at one port", freePort] as const])(
    "have one gate between them (%s)",
    async (_, portOf) => {
      const ctx = await adoptedProject(POLICY)
      const port = await portOf?.()
      const joined = await Promise.all([join(ctx, port), join(ctx, port), join(ctx, port)])
      expect(joined.filter(({ own }) => own)).toHaveLength(1)
      expect(await askGate<GateStatus>(ctx, "GET", "/v1/status")).toMatchObject({ pid: process.pid })
      for (const one of joined.filter(({ own }) => !own)) await one.close()
      expect(await isGateRunning(ctx)).toBe(true)
      await joined.find(({ own }) => own)!.close()
      expect(await isGateRunning(ctx)).toBe(false)
    },
  )

  it("are told of a port that something else has", async () => {
    const ctx = await adoptedProject(POLICY)
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    await expect(join(ctx, String(port))).rejects.toThrow("the port is in use")
  })
})

describe("a command that joined another's gate", () => {
  const openRun = (ctx: TestContext) =>
    askGate<OpenedRun>(ctx, "POST", "/v1/runs", { agent: "a", operator: "o", boxed: false, lasts: 60_000 })

  it("has one of its own where that ended before it began anything", async () => {
    const ctx = await adoptedProject(POLICY)
    const first = await join(ctx)
    const second = await join(ctx)
    const begin = () => second.begin(() => openRun(ctx))
    // The first has nobody left, and ends while the second is on its way.
    const [, visit, other] = await Promise.all([first.close(), begin(), begin()])
    expect({ own: second.own, visits: [visit, other].map((one) => one?.run !== undefined) }).toEqual({
      own: true,
      visits: [true, true],
    })
    for (const one of [visit, other]) await askGate(ctx, "DELETE", `/v1/runs/${one!.visit}`)
    await second.close()
    expect(await isGateRunning(ctx)).toBe(false)
  })

  it("begins nothing twice, and does not try for ever", async () => {
    const ctx = await adoptedProject(POLICY)
    const first = await join(ctx)
    const second = await join(ctx)
    let [once, often] = [0, 0]
    const begunOnce = second.begin(async (begun) => {
      once += 1
      begun()
      throw new GateGone()
    })
    await expect(begunOnce).rejects.toThrow("no gateway is running here")
    await expect(
      second.begin(async () => {
        often += 1
        throw new GateGone()
      }),
    ).rejects.toThrow("no gateway is running here")
    await expect(second.begin(() => Promise.reject(new Error("another")))).rejects.toThrow("another")
    expect({ once, often }).toEqual({ once: 1, often: 4 })
    await first.close()
  })
})
