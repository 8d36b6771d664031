// A box that several reasons stop, and whose engine takes its time.
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { boxDirectory } from "../../src/sandbox/box-directory.ts"
import { createHand } from "../../src/sandbox/hand.ts"
import { markKilled } from "../../src/sandbox/neighbours/questions.ts"
import type { FoundBox } from "../../src/sandbox/types.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { deadOwner, keepBox, processEngine } from "./process-engine.ts"

const RUN = "run-00000000aaaa"
const box = { run: RUN, agent: "claude" }
/** A state directory in which nobody kills anything. */
const ctx = { env: { NANOGUARD_HOME: "/nowhere" } }

test("a box stands still for as long as any reason lasts", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const hand = createHand(ctx, engine, box)
  await hand.freeze("log-not-durable")
  await hand.freeze("no-approver")
  await expect.poll(() => engine.stateOf(RUN)).toBe("T")
  await hand.thaw("log-not-durable")
  await expect.poll(() => engine.stateOf(RUN)).toBe("T")
  await hand.thaw("no-approver")
  await expect.poll(() => engine.stateOf(RUN)).not.toBe("T")
  expect(engine.asked).toEqual([`freeze ${RUN}`, `thaw ${RUN}`])
})

test("a box is acted on whatever lists of boxes say", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  engine.broken.set("list", "its file cannot be read")
  const hand = createHand(ctx, engine, box)
  await hand.freeze("gate-gone")
  await expect.poll(() => engine.stateOf(RUN)).toBe("T")
  await hand.remove()
  expect(engine.stateOf(RUN)).toBeUndefined()
})

test("a box that is let go on while it is being frozen does not stand still for good", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const held = Promise.withResolvers<void>()
  const { freeze } = engine
  const hand = createHand(
    ctx,
    {
      ...engine,
      freeze: async (found) => {
        await held.promise
        await freeze(found)
      },
    },
    box,
  )
  const frozen = hand.freeze("gate-gone")
  // Its freezing has begun, and waits.
  await new Promise(setImmediate)
  const thawed = hand.thaw("gate-gone")
  held.resolve()
  await Promise.all([frozen, thawed])
  expect(engine.asked).toEqual([`freeze ${RUN}`, `thaw ${RUN}`])
  await expect.poll(() => engine.stateOf(RUN)).not.toBe("T")
})

test("a box that stands still is not asked to end, for an engine may let it go on by that; it is killed", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const hand = createHand(ctx, engine, box)
  await hand.freeze("neighbour")
  await hand.stop("terminate")
  expect(engine.asked).toEqual([`freeze ${RUN}`])
  await hand.stop("kill")
  expect(engine.asked).toEqual([`freeze ${RUN}`, `kill ${RUN}`])
})

test("a container that stands still is killed before it is removed, which would let it go on", async () => {
  const engine = processEngine("docker")
  engine.start(RUN, "claude")
  const hand = createHand(ctx, { ...engine, images: true }, box)
  await hand.freeze("gate-gone")
  await hand.remove()
  expect(engine.asked).toEqual([`freeze ${RUN}`, `kill ${RUN}`, `remove ${RUN}`])
})

test("whoever froze a box hears that the engine could not, and a later reason tries again", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const hand = createHand(ctx, engine, box)
  engine.broken.set("freeze", "no such cgroup")
  await expect(hand.freeze("gate-gone")).rejects.toThrow("no such cgroup")
  engine.broken.delete("freeze")
  await hand.freeze("no-approver")
  await expect.poll(() => engine.stateOf(RUN)).toBe("T")
})

test("a box whose freezing failed late is let go on all the same", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  // The order stands, and is carried out after it was given up.
  const freeze = async (found: FoundBox) => {
    await engine.freeze(found)
    throw new Error("did not stop within 5 s")
  }
  const hand = createHand(ctx, { ...engine, freeze }, box)
  await expect(hand.freeze("neighbour")).rejects.toThrow("did not stop")
  await expect.poll(() => engine.stateOf(RUN)).toBe("T")
  await hand.thaw("neighbour")
  await expect.poll(() => engine.stateOf(RUN)).not.toBe("T")
})

test("a box that could not be stopped is stopped later, as long as a reason lasts", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const hand = createHand(ctx, engine, box)
  engine.broken.set("freeze", "it has not begun")
  await expect(hand.freeze("gate-gone")).rejects.toThrow("not begun")
  engine.broken.delete("freeze")
  await expect.poll(() => engine.stateOf(RUN), { timeout: 3000 }).toBe("T")
  await hand.thaw("gate-gone")
  engine.broken.set("freeze", "the daemon is busy")
  await expect(hand.freeze("gate-gone")).rejects.toThrow("busy")
  engine.broken.delete("freeze")
  await hand.thaw("gate-gone")
  await sleep(600)
  expect(engine.stateOf(RUN)).not.toBe("T")
})

test("a box that could not be let go on is let go on later", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const hand = createHand(ctx, engine, box)
  await hand.freeze("neighbour")
  engine.broken.set("thaw", "the daemon is busy")
  await expect(hand.thaw("neighbour")).rejects.toThrow("busy")
  await sleep(600)
  expect(engine.stateOf(RUN)).toBe("T")
  engine.broken.delete("thaw")
  await expect.poll(() => engine.stateOf(RUN), { timeout: 3000 }).not.toBe("T")
})

test("a box that stands still is asked to end once it goes on", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const asked: string[] = []
  const hand = createHand(ctx, { ...engine, terminate: async ({ run }) => void asked.push(run) }, box)
  await hand.freeze("suspended")
  await hand.stop("terminate")
  expect(asked).toEqual([])
  await hand.thaw("suspended")
  expect(asked).toEqual([RUN])
  await hand.freeze("suspended")
  await hand.thaw("suspended")
  expect(asked).toEqual([RUN])
})

test("a box that could not be made to stand still is asked to end at once, and again once it goes on", async () => {
  const engine = processEngine()
  engine.start(RUN, "claude")
  const asked: string[] = []
  const hand = createHand(ctx, { ...engine, terminate: async ({ run }) => void asked.push(run) }, box)
  engine.broken.set("freeze", "the daemon is busy")
  await expect(hand.freeze("gate-gone")).rejects.toThrow("busy")
  await hand.stop("terminate")
  expect(asked).toEqual([RUN])
  // Not with each try to stop it.
  const tries = () => engine.asked.filter((one) => one.startsWith("freeze")).length
  await expect.poll(tries, { timeout: 5000 }).toBeGreaterThan(3)
  expect(asked).toEqual([RUN])
  // It may have come about all the same, and an engine refused to ask.
  await hand.thaw("gate-gone")
  expect(asked).toEqual([RUN, RUN])
})

test("a box is asked to end after a kill that came to nothing, also where it ran all the time", async () => {
  const killed = testContext(temporaryDirectory())
  const engine = processEngine()
  engine.start(RUN, "claude")
  keepBox(killed, RUN, "claude")
  const asked: string[] = []
  const hand = createHand(killed, { ...engine, terminate: async ({ run }) => void asked.push(run) }, box)
  const end = markKilled(killed, [RUN])
  await hand.stop("terminate")
  expect(asked).toEqual([])
  end()
  await expect.poll(() => asked, { timeout: 5000 }).toEqual([RUN])
})

test("a box that somebody kills is neither let go on nor asked to end; it goes on where the kill came to nothing", async () => {
  const killed = testContext(temporaryDirectory())
  const engine = processEngine()
  engine.start(RUN, "claude")
  keepBox(killed, RUN, "claude")
  const hand = createHand(killed, engine, box)
  await hand.freeze("gate-gone")
  const end = markKilled(killed, [RUN])
  await hand.thaw("gate-gone")
  await hand.stop("terminate")
  expect(engine.asked).toEqual([`freeze ${RUN}`])
  await sleep(700)
  expect(engine.stateOf(RUN)).toBe("T")
  end()
  await expect.poll(() => engine.stateOf(RUN), { timeout: 3000 }).not.toBe("T")
})

test("a kill by a process that is gone keeps no box still", async () => {
  const killed = testContext(temporaryDirectory())
  const engine = processEngine()
  engine.start(RUN, "claude")
  keepBox(killed, RUN, "claude")
  const still = join(boxDirectory(killed, RUN), "still")
  mkdirSync(still)
  writeFileSync(join(still, "kill-1-x"), JSON.stringify(await deadOwner()))
  const hand = createHand(killed, engine, box)
  await hand.freeze("gate-gone")
  await hand.thaw("gate-gone")
  expect(engine.asked).toEqual([`freeze ${RUN}`, `thaw ${RUN}`])
})
