// The kill switch on real boxes: without a gate, beside one that hangs, with a store that is full, and cut short itself.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { beforeAll, describe, expect, type TestContext, test } from "vitest"
import { listBoxFiles } from "../../../src/sandbox/boxes.ts"
import { openEngines } from "../../../src/sandbox/engines/index.ts"
import { readKills } from "../../../src/sandbox/kills/chain.ts"
import { readWaiting } from "../../../src/sandbox/kills/sticky.ts"
import { processStart } from "../../../src/sandbox/owner.ts"
import { sweepBoxes } from "../../../src/sandbox/sweep.ts"
import type { EngineName } from "../../../src/sandbox/types.ts"
import { openReader } from "../../../src/store/open.ts"
import { temporaryDirectory } from "../../context.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { homeContext, startBox } from "../../sandbox/real-boxes.ts"

const CLI = resolve("bin/nanoguard.js")
const IMAGE = "nanoguard-test"
let next = 0
const newRun = () => `run-${process.pid.toString(16).padStart(8, "0")}${(next++).toString(16).padStart(4, "0")}`

async function newPlace(t: TestContext, name: EngineName) {
  await useEngine(t, name as "docker" | "bubblewrap")
  const home = temporaryDirectory()
  const ctx = homeContext(home)
  const engine = openEngines(ctx).find((one) => one.name === name)!
  t.onTestFinished(async () => {
    for (const box of await engine.list()) {
      await engine.kill(box)
      await engine.remove(box).catch(() => {})
    }
  })
  const run = (args: readonly string[], env = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
      ...{ env: { ...ctx.env, ...env }, cwd: home, encoding: "utf8", timeout: 60_000 },
    })
    return { status, out: stdout, err: stderr, json: () => JSON.parse(stdout) }
  }
  return {
    ...{ ctx, engine, home, state: join(home, "nanoguard", "state") },
    run,
    kill: (...args: string[]) => run(["kill", ...args, "--reason", "went wild", "--format", "json"]),
    start: async (agent: string, owner?: { pid: number; start: string }) => {
      const run = newRun()
      const directory = join(home, run)
      await startBox(ctx, name, { run, agent, directory, image: IMAGE }, owner)
      return { run, count: () => readFileSync(join(directory, "count"), "utf8") }
    },
    running: async () => (await engine.list()).filter(({ state }) => state !== "stopped").map(({ run }) => run),
    standing: async () => {
      const { db, close } = await openReader(ctx)
      return [...(await readKills(db).finally(close)).standing.keys()].sort()
    },
  }
}

/** Whether a box's program goes on. */
async function counts({ count }: { count: () => string }): Promise<boolean> {
  const before = count()
  await sleep(500)
  return count() !== before
}

/** A process of its own, to own a box. */
function newOwner(t: TestContext): { child: ChildProcess; owner: { pid: number; start: string } } {
  const child = spawn("sleep", ["300"], { stdio: "ignore" })
  t.onTestFinished(() => void child.kill("SIGKILL"))
  return { child, owner: { pid: child.pid!, start: processStart(child.pid!)! } }
}

for (const name of ["bubblewrap", "docker"] as const)
  describe(`the kill switch on ${name}`, () => {
    test("ends one agent's box and lets another's be; what ran is gone, and stays stopped after it", async (t) => {
      const place = await newPlace(t, name)
      const [wild, tame] = [await place.start("wild"), await place.start("tame")]
      expect([await counts(wild), await counts(tame)]).toEqual([true, true])
      const { status, json } = place.kill("wild")
      expect([status, json().boxes.length, json().boxes[0].run]).toEqual([0, 1, wild.run])
      expect([await counts(wild), await counts(tame)]).toEqual([false, true])
      expect(await place.running()).toEqual([tame.run])
      expect(await place.standing()).toEqual(["agent:wild"])
      const shown = place.run(["ps"])
      expect(shown.out).toMatch(new RegExp(`tame +${tame.run} +olga +${name} .*running`))
      expect(shown.out).toContain("stopped: agent:wild")
    })

    test("freezes before it kills: a drill answers for the engine and touches nothing", async (t) => {
      const place = await newPlace(t, name)
      const box = await place.start("wild")
      const drill = place.kill("--all", "--dry-run").json()
      expect(drill).toMatchObject({ state: "drilled", boxes: [{ run: box.run }] })
      expect(drill.engines.find(({ engine }: { engine: string }) => engine === name)).toMatchObject({ boxes: 1 })
      expect(await counts(box)).toBe(true)
      const [found] = (await place.engine.list()).filter(({ run }) => run === box.run)
      await place.engine.freeze(found!)
      expect(await counts(box)).toBe(false)
      expect(place.run(["ps"]).out).toContain("frozen")
      // What stands still already is killed as well.
      expect(place.kill("--all").status).toBe(0)
      expect(await place.running()).toEqual([])
    })

    test("where the store has no room the boxes end all the same, and the kill stands until it is lifted", async (t) => {
      const place = await newPlace(t, name)
      const box = await place.start("wild")
      mkdirSync(place.state, { recursive: true, mode: 0o700 })
      // A record that is a directory: nothing can be written there, whatever the rights of whoever tries.
      mkdirSync(join(place.state, "record.db"))
      const { status, json } = place.kill("--all")
      expect(status).toBe(5)
      expect(json()).toMatchObject({ unstored: { waiting: true }, boxes: [{ run: box.run }] })
      expect(await counts(box)).toBe(false)
      expect(await place.running()).toEqual([])
      expect([...readWaiting(place.state).keys()]).toEqual(["all"])
      execFileSync("rmdir", [join(place.state, "record.db")])
      expect(place.kill("another").status).toBe(0)
      expect(await place.standing()).toEqual(["agent:another", "all"])
      expect(readWaiting(place.state).size).toBe(0)
    })

    test("killed midway, at any moment, it can be repeated, and then all is gone", async (t) => {
      const place = await newPlace(t, name)
      for (const delay of [60, 200, 350, 500]) {
        const boxes = [await place.start("wild"), await place.start("wild")]
        const args = [CLI, "kill", "--all", "--reason", "went wild"]
        const child = spawn(process.execPath, args, { env: place.ctx.env as NodeJS.ProcessEnv, stdio: "ignore" })
        const ended = new Promise((done) => child.once("exit", done))
        await sleep(delay)
        child.kill("SIGKILL")
        await ended
        expect(place.kill("--all").status).toBe(0)
        expect(await place.running()).toEqual([])
        for (const box of boxes) expect(await counts(box)).toBe(false)
      }
      expect(await place.standing()).toEqual(["all"])
    })

    test("after kill -9 of its owner a box is ended and removed by the next command", async (t) => {
      const place = await newPlace(t, name)
      const { child, owner } = newOwner(t)
      const [lost, kept] = [await place.start("lost", owner), await place.start("kept")]
      expect(place.run(["ps"]).out).not.toContain("left behind")
      child.kill("SIGKILL")
      await new Promise((done) => child.once("exit", done))
      expect(await counts(lost)).toBe(true)
      // Two at once.
      await Promise.all([1, 2].map(() => sweepBoxes(place.ctx, openEngines(place.ctx))))
      expect(await counts(lost)).toBe(false)
      expect(await place.running()).toEqual([kept.run])
      expect(listBoxFiles(place.ctx).boxes.map(({ run }) => run)).toEqual([kept.run])
      expect(place.run(["ps"]).out).not.toContain(lost.run)
    })
  })

describe("the kill switch on a full disk", () => {
  test("ends boxes, and keeps the kill by a name alone", async (t) => {
    const place = await newPlace(t, "bubblewrap")
    mkdirSync(place.state, { recursive: true, mode: 0o700 })
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", place.state])
    if (mounted.status !== 0) t.skip("no file system can be mounted here")
    t.onTestFinished(() => void spawnSync("umount", ["-l", place.state]))
    expect(place.kill("another").status).toBe(0)
    const box = await place.start("wild")
    const filler = join(place.state, "filler")
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k", "count=4096"])
    const { status, json } = place.kill("--all")
    expect(status).toBe(5)
    expect(json()).toMatchObject({ unstored: { waiting: true }, boxes: [{ run: box.run }] })
    expect(await counts(box)).toBe(false)
    expect(await place.running()).toEqual([])
    expect([...readWaiting(place.state).values()]).toMatchObject([{ target: { kind: "all" } }])
    rmSync(filler)
    expect(place.kill("another").status).toBe(0)
    expect(await place.standing()).toEqual(["agent:another", "all"])
  })
})

describe("the kill switch beside a gate that hangs", () => {
  beforeAll(() => expect(existsSync("dist/cli.js")).toBe(true))

  test("ends boxes without it", async (t) => {
    const place = await newPlace(t, "bubblewrap")
    // Whoever listens there answers nobody.
    const control = join(place.state, "gateway")
    mkdirSync(control, { recursive: true, mode: 0o700 })
    const script = `require("node:net").createServer(() => {}).listen(${JSON.stringify(join(control, "control.sock"))}, () => process.kill(process.pid, "SIGSTOP"))`
    const gate = spawn(process.execPath, ["-e", script], { stdio: "ignore" })
    t.onTestFinished(() => void gate.kill("SIGKILL"))
    for (let i = 0; i < 100 && !existsSync(join(control, "control.sock")); i++) await sleep(50)
    const box = await place.start("wild")
    expect(place.kill("--all").status).toBe(0)
    expect(await counts(box)).toBe(false)
    expect(await place.running()).toEqual([])
    expect(place.run(["ps"]).out).toContain("stopped: all")
  })
})
