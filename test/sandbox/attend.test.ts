// A box whose gate goes and comes back: what it stands still for afterwards.
import { mkdirSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import { dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import type { BoxEvent, OpenedBox } from "../../src/gateway/boxes/types.ts"
import type { PolicyInForce } from "../../src/gateway/control.ts"
import { controlPath } from "../../src/gateway/control-path.ts"
import { attend } from "../../src/sandbox/attend.ts"
import { createHand } from "../../src/sandbox/hand.ts"
import { markKilled } from "../../src/sandbox/neighbours/questions.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { keepBox, processEngine, runId } from "./process-engine.ts"

const RUN = runId(1)

/** A gate of one box: `say` sends lines to whoever follows it, `drop` breaks that off. Each follower is told `first`. */
async function fakeGate(ctx: ReturnType<typeof testContext>) {
  const followers: ServerResponse[] = []
  const first: BoxEvent[][] = []
  const say = (event: object) => followers.at(-1)!.write(`${JSON.stringify(event)}\n`)
  const server = createServer((request, response) => {
    if (request.method === "POST") return void response.end(JSON.stringify({ run: RUN }))
    followers.push(response)
    for (const event of first.shift() ?? []) say(event)
  })
  mkdirSync(dirname(controlPath(ctx)), { recursive: true })
  await new Promise<void>((done) => void server.listen(controlPath(ctx), done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { first, say, drop: () => followers.at(-1)!.destroy(), followed: () => followers.length }
}

test.each([
  ["over while nobody listened, it goes on", { event: "open", paused: [] }, []],
  ["not over, it stands still", { event: "open", paused: ["log-failing"] }, ["log-failing"]],
  ["something that an older gate does not speak of, it stands still", { event: "open" }, ["log-failing"]],
])("a box that the gate had stand still for what is %s", async (_, opening, left) => {
  const ctx = testContext(temporaryDirectory())
  const gate = await fakeGate(ctx)
  const pause = { event: "pause", why: "log-failing" } as const
  gate.first.push([{ event: "open", paused: [] }, pause], [opening as BoxEvent, ...left.map(() => pause)])
  const reasons = new Set<string>()
  const said: string[] = []
  const attended = attend(ctx, {
    asked: { agent: "a", operator: "o", engine: "bubblewrap", workspace: "none", command: ["true"] },
    opened: { run: RUN } as OpenedBox,
    law: { sandbox: { "pause-when": ["gate-gone", "log-failing"] } } as unknown as PolicyInForce,
    hand: {
      engine: "bubblewrap",
      freeze: async (why) => reasons.add(why).has(why),
      thaw: async (why) => reasons.delete(why),
      ...{ settled: async () => {}, kill: async () => {}, stop: async () => {}, remove: async () => {} },
    },
    hooks: {
      ...{ onStart: () => {}, onEvent: () => {}, onNote: () => {} },
      onPause: (why, paused) => void said.push(`${paused ? "stands" : "goes on"}: ${why}`),
    },
  })
  onTestFinished(attended.end)
  await expect.poll(() => [...reasons]).toEqual(["log-failing"])
  gate.drop()
  await expect.poll(gate.followed, { timeout: 5000 }).toBe(2)
  await expect.poll(() => reasons.has("gate-gone")).toBe(false)
  await expect.poll(() => [...reasons]).toEqual(left)
  // Nor is a person told that it goes on as long as it does not.
  await expect.poll(() => said.some((line) => line.startsWith("goes on"))).toBe(left.length === 0)
})

test("a box that could not be stopped at first, or let go on: a person is told so, and once it is so after all", async () => {
  const ctx = testContext(temporaryDirectory())
  const gate = await fakeGate(ctx)
  gate.first.push([{ event: "open", paused: [] }])
  const engine = processEngine()
  engine.start(RUN, "a")
  const said: string[] = []
  const attended = attend(ctx, {
    asked: { agent: "a", operator: "o", engine: "bubblewrap", workspace: "none", command: ["true"] },
    opened: { run: RUN } as OpenedBox,
    law: { sandbox: { "pause-when": ["log-failing"] } } as unknown as PolicyInForce,
    hand: createHand(ctx, engine, { run: RUN, agent: "a" }),
    hooks: {
      ...{ onStart: () => {}, onEvent: () => {} },
      onNote: (note) => void said.push(note),
      onPause: (why, paused) => void said.push(`${paused ? "stands" : "goes on"}: ${why}`),
    },
  })
  onTestFinished(attended.end)
  await expect.poll(gate.followed).toBe(1)
  engine.broken.set("freeze", "the daemon is busy")
  gate.say({ event: "pause", why: "log-failing" })
  const first = "the box could not be stopped where it stands (log-failing): it is tried again"
  await expect.poll(() => said).toEqual([first])
  engine.broken.set("thaw", "the daemon is busy")
  engine.broken.delete("freeze")
  await expect.poll(() => said, { timeout: 5000 }).toEqual([first, "stands: log-failing"])
  expect(engine.stateOf(RUN)).toBe("T")
  gate.say({ event: "resume", why: "log-failing" })
  const second = "the box could not be let go on (log-failing): it is tried again"
  await expect.poll(() => said.slice(2)).toEqual([second])
  engine.broken.delete("thaw")
  await expect.poll(() => said.slice(2), { timeout: 5000 }).toEqual([second, "goes on: log-failing"])
})

test("of a box that somebody kills nobody is told that it goes on, until it does because the kill came to nothing", async () => {
  const ctx = testContext(temporaryDirectory())
  const gate = await fakeGate(ctx)
  gate.first.push([{ event: "open", paused: [] }])
  const engine = processEngine()
  engine.start(RUN, "a")
  keepBox(ctx, RUN, "a")
  const said: string[] = []
  const attended = attend(ctx, {
    asked: { agent: "a", operator: "o", engine: "bubblewrap", workspace: "none", command: ["true"] },
    opened: { run: RUN } as OpenedBox,
    law: { sandbox: { "pause-when": ["log-failing"] } } as unknown as PolicyInForce,
    hand: createHand(ctx, engine, { run: RUN, agent: "a" }),
    hooks: {
      ...{ onStart: () => {}, onEvent: ({ event }) => void said.push(event) },
      onNote: (note) => void said.push(note),
      onPause: (why, paused) => void said.push(`${paused ? "stands" : "goes on"}: ${why}`),
    },
  })
  onTestFinished(attended.end)
  await expect.poll(gate.followed).toBe(1)
  gate.say({ event: "pause", why: "log-failing" })
  await expect.poll(() => said).toEqual(["open", "pause", "stands: log-failing"])
  const end = markKilled(ctx, [RUN])
  gate.say({ event: "resume", why: "log-failing" })
  await expect.poll(() => said.at(-1)).toBe("resume")
  // It is tried again meanwhile.
  await sleep(700)
  expect(said.slice(3)).toEqual(["resume"])
  expect(engine.stateOf(RUN)).toBe("T")
  end()
  await expect.poll(() => said.slice(3), { timeout: 5000 }).toEqual(["resume", "goes on: log-failing"])
  await expect.poll(() => engine.stateOf(RUN)).not.toBe("T")
})
