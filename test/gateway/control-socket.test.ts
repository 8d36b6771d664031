// The control socket's place, with several gates that start and end at once.
import { existsSync, linkSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { type Controls, listenControl } from "../../src/gateway/control.ts"
import { temporaryDirectory } from "../context.ts"
import { askSocket } from "./control/support.ts"

async function listen(path: string, gateway: string) {
  const controls = { status: async () => ({ gateway }) } as Partial<Controls> as Controls
  const server = await listenControl(path, controls)
  const close = () => new Promise((resolve) => server.close(resolve))
  onTestFinished(() => void close())
  return { gateway, leave: server.leave, close }
}

const whoAnswers = async (path: string) => (await askSocket(path)("GET /v1/status")).json()["gateway"]

/** A socket whose listener is gone and whose name is not, as of a gate that was killed. */
async function deadSocket(): Promise<string> {
  const path = join(temporaryDirectory(), "gateway", "control.sock")
  const first = await listen(path, "first")
  // Node takes the name away that it listened by.
  linkSync(path, `${path}.kept`)
  await first.close()
  rmSync(path, { force: true })
  linkSync(`${path}.kept`, path)
  rmSync(`${path}.kept`)
  return path
}

describe("the place of a dead gate's socket", () => {
  it("is one gate's where several start at once, and stays that one's", async () => {
    const path = await deadSocket()
    for (let round = 0; round < 10; round++) {
      const started = await Promise.allSettled(["a", "b", "c"].map((name) => listen(path, name)))
      const winners = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
      expect(winners.length).toBe(1)
      for (const one of started)
        if (one.status === "rejected") expect(String(one.reason)).toContain("a gateway runs here already")
      const [winner] = winners
      expect(await whoAnswers(path)).toBe(winner!.gateway)
      const isKilled = round % 2 === 1
      if (!isKilled) winner!.leave()
      await winner!.close()
      expect(existsSync(path)).toBe(isKilled)
    }
    expect(readdirSync(dirname(path)).sort()).toEqual(["control.lock", "control.sock"])
  })

  it("that another gate has by now is not taken away by one that ends", async () => {
    const path = await deadSocket()
    const first = await listen(path, "first")
    rmSync(path)
    await listen(path, "second")
    first.leave()
    await first.close()
    expect(await whoAnswers(path)).toBe("second")
  })

  it("and what one left that was killed before it had a place is removed; one that listens, or is no socket, is not", async () => {
    const path = await deadSocket()
    const at = (name: string) => join(dirname(path), name)
    linkSync(path, at("0123abcd.new"))
    writeFileSync(at("11111111.new"), "")
    const other = createServer().listen(at("22222222.new"))
    await vi.waitFor(() => expect(other.listening).toBe(true))
    onTestFinished(() => void other.close())
    await listen(path, "first")
    expect(await whoAnswers(path)).toBe("first")
    expect(
      readdirSync(dirname(path))
        .filter((name) => name.endsWith(".new"))
        .sort(),
    ).toEqual(["11111111.new", "22222222.new"])
  })

  it("is left alone where it is no socket", async () => {
    const path = await deadSocket()
    rmSync(path)
    linkSync(join(dirname(path), "control.lock"), path)
    await expect(listen(path, "a")).rejects.toThrow("a gateway runs here already")
    expect(existsSync(path)).toBe(true)
  })
})

it("a socket that takes no more callers is none of a dead gate", async () => {
  const path = await deadSocket()
  rmSync(path)
  const full = createServer().listen({ path, backlog: 0 })
  await vi.waitFor(() => expect(full.listening).toBe(true))
  onTestFinished(() => void full.close())
  await expect(listen(path, "a")).rejects.toThrow("a gateway runs here already")
})
