// Boxes that were opened and never began, where their gate ends: nothing of them is left, and of those that did everything is.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { dirname, join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { makeMounted, mountedDirectory } from "../../../src/gateway/boxes/directory.ts"
import { sweepUnbegun } from "../../../src/gateway/boxes/unbegun.ts"
import { controlPath } from "../../../src/gateway/control-path.ts"
import { boxDirectory, boxesDirectory } from "../../../src/sandbox/box-directory.ts"
import { emptyHome } from "../../context.ts"
import { askSocket } from "../control/support.ts"
import { openTestGate } from "../gate.ts"
import { BOX, followBox, openTestBox } from "./box.ts"

describe("a gate that ends", () => {
  test("opens nothing more, and what it is opening just then leaves nothing behind", async () => {
    const gate = await openTestGate({ policy: "version: 1\n", egress: {} })
    const control = askSocket(controlPath(gate.ctx))
    const asking = control("POST /v1/boxes", BOX)
    while (gate.visits() === 0) await turn()
    const closing = gate.close()
    const { status, headers, json } = await asking
    expect({ status, after: headers["retry-after"], json: json() }).toMatchObject({
      ...{ status: 503, after: "1" },
      json: { error: "no gateway is running here" },
    })
    await closing
    expect(readdirSync(boxesDirectory(gate.ctx))).toEqual([])
    expect((await gate.records()).map(({ type }) => type)).toEqual(["sandbox.started", "sandbox.ended"])
  })

  test("refuses runs as well", async () => {
    const gate = await openTestGate({ policy: "version: 1\n", egress: {} })
    const body = JSON.stringify({ agent: "a", operator: "o", boxed: false, lasts: 60_000 })
    // Its head came before: it is answered as long as the connection is.
    const sent = request({ socketPath: controlPath(gate.ctx), method: "POST", path: "/v1/runs", agent: false })
    const answer = new Promise<number | undefined>((resolve, reject) => {
      sent.on("response", ({ statusCode }) => resolve(statusCode)).on("error", reject)
    })
    sent.write(body.slice(0, 5))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const closing = gate.close()
    sent.end(body.slice(5))
    expect(await answer).toBe(503)
    await closing
  })

  test("removes what was opened and never attended, and leaves what began to the next gate", async () => {
    const { gate, open, path, box: forgotten } = await openTestBox()
    const begun = await open()
    writeFileSync(join(boxDirectory(gate.ctx, begun.run), "box.json"), "{}")
    const attended = await open()
    const { next } = await followBox(path, attended.run)
    expect(await next()).toEqual({ event: "open", paused: [] })
    await gate.close()
    const there = [forgotten, begun, attended].map(({ run }) => existsSync(boxDirectory(gate.ctx, run)))
    expect(there).toEqual([false, true, true])
    const ended = (await gate.records()).filter(({ type }) => type === "sandbox.ended")
    expect(ended.map(({ run }) => run)).toEqual([forgotten.run])
  })
})

describe("a gate that starts", () => {
  const HOUR = 3_600_000
  const name = (index: number) => `run-00000000000${index}`

  /** The state directory of a gate that was killed, with a directory of a box for each of `names`. */
  function leave(count: number, env: Record<string, string> = {}) {
    const ctx = { env: emptyHome(env) }
    for (let index = 0; index < count; index++) makeMounted(ctx, name(index), [])
    return ctx
  }
  const troubles: unknown[] = []
  const sweep = (ctx: ReturnType<typeof leave>, later: number) =>
    sweepUnbegun(ctx, Date.now() + later, (error) => troubles.push(error))

  test("removes what another one left of boxes that never began, once they are old", () => {
    const ctx = leave(2)
    sweep(ctx, HOUR - 60_000)
    expect(readdirSync(boxesDirectory(ctx))).toEqual([name(0), name(1)])
    sweep(ctx, HOUR + 60_000)
    expect(readdirSync(boxesDirectory(ctx))).toEqual([])
    sweep(ctx, HOUR + 60_000)
    expect(troubles).toEqual([])
  })

  test("also where the directory is elsewhere, as its name would be too long", () => {
    const home = join(emptyHome()["NANOGUARD_HOME"] ?? "/tmp", "x".repeat(90))
    const ctx = leave(2, { NANOGUARD_HOME: home })
    const [first, second] = [0, 1].map((index) => mountedDirectory(ctx, name(index)))
    expect(first!.startsWith(home)).toBe(false)
    mkdirSync(boxDirectory(ctx, name(1)), { recursive: true })
    writeFileSync(join(boxDirectory(ctx, name(1)), "box.json"), "{}")
    sweep(ctx, HOUR + 60_000)
    expect([first, second].map((one) => existsSync(dirname(one!)))).toEqual([false, true])
    rmSync(dirname(dirname(second!)), { recursive: true })
  })

  test("also beside one that it cannot look at, which it tells", () => {
    const home = join(emptyHome()["NANOGUARD_HOME"] ?? "/tmp", "x".repeat(90))
    const ctx = leave(3, { NANOGUARD_HOME: home })
    const places = [0, 1, 2].map((index) => dirname(mountedDirectory(ctx, name(index))))
    mkdirSync(boxesDirectory(ctx), { recursive: true })
    writeFileSync(boxDirectory(ctx, name(0)), "no directory")
    const told: unknown[] = []
    sweepUnbegun(ctx, Date.now() + HOUR + 60_000, (error) => told.push(error))
    expect(places.map((one) => existsSync(one))).toEqual([true, false, false])
    expect(told).toMatchObject([{ code: "ENOTDIR" }])
    rmSync(dirname(places[0]!), { recursive: true })
  })

  test("leaves everything else alone", () => {
    const ctx = leave(5)
    const at = (index: number, ...path: string[]) => join(boxDirectory(ctx, name(index)), ...path)
    writeFileSync(at(0, "box.json"), "{}")
    writeFileSync(at(1, "kept.json"), "{}")
    mkdirSync(at(2, "copy"))
    mkdirSync(join(boxesDirectory(ctx), "mine", "box"), { recursive: true })
    mkdirSync(join(boxesDirectory(ctx), name(5)))
    symlinkSync(at(0, "box"), join(boxesDirectory(ctx), name(5), "box"))
    symlinkSync(at(3), join(boxesDirectory(ctx), name(6)))
    sweep(ctx, HOUR + 60_000)
    expect(readdirSync(boxesDirectory(ctx)).sort()).toEqual(["mine", name(0), name(1), name(2), name(5), name(6)])
    expect(existsSync(at(0, "box", "relay.mjs"))).toBe(true)
  })
})
