// Two gateways on one store that each want the same things at the same time.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { expect, onTestFinished } from "vitest"
import { openReader, openStore } from "../../../src/store/open.ts"
import type { TestContext } from "../../context.ts"
import { bundleProgram } from "./bundle.ts"

/** Lets two gateways race so often; expects one winner of each race, whose event alone is in the log. Returns their wins. */
export async function race(ctx: TestContext, races: number): Promise<Record<string, number>> {
  const program = await bundleProgram(new URL("./racer.ts", import.meta.url))
  const store = await openStore({ ...ctx, now: Date.now }, { gateway: "starter" })
  const changes = Array.from({ length: races }, (_, number) =>
    store.db
      .insertInto("settings")
      .values({ name: `race ${number}`, value: "free" })
      .compile(),
  )
  await store.write({ changes })
  await store.close()

  const gateways = ["left", "right"].map((name) => startRacer(program, ctx, name))
  await Promise.all(gateways.map(({ ready }) => ready))
  // Some alone, some at once; the next ones when both know how these ended, or the one that is ahead would win them all.
  for (let number = 0, round = 0; number < races; round++) {
    const count = Math.min(1 + (round % 8), races - number)
    const lines = Array.from({ length: count }, (_, i) => `${number + i}\n`).join("")
    for (const { child } of round % 2 ? gateways : gateways.toReversed()) child.stdin.write(lines)
    number += count
    await Promise.all(gateways.map((gateway) => gateway.answers(number)))
  }
  for (const { child } of gateways) child.stdin.end()
  await Promise.all(gateways.map(({ ended }) => ended))
  expect(gateways.flatMap(({ failed }) => failed)).toEqual([])
  await expectOneWinner(ctx, races, gateways)
  return Object.fromEntries(gateways.map(({ name, won }) => [name, won.size]))
}

type Racer = ReturnType<typeof startRacer>

function startRacer(program: string, ctx: TestContext, name: string) {
  const child = spawn(process.execPath, [program, name], {
    env: ctx.env as NodeJS.ProcessEnv,
    stdio: ["pipe", "pipe", "inherit"],
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  const ready = Promise.withResolvers<void>()
  const won = new Map<string, number>()
  const lost = new Set<string>()
  const failed: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on("line", (line) => {
    const [what, number, seq] = line.split(" ")
    if (what === "ready") ready.resolve()
    else if (what === "won") won.set(number!, Number(seq))
    else if (what === "lost") lost.add(number!)
    else failed.push(line)
  })
  const answers = async (count: number) => {
    while (won.size + lost.size + failed.length < count) await once(lines, "line")
  }
  return {
    answers,
    name,
    child,
    won,
    lost,
    failed,
    ready: ready.promise,
    ended: Promise.all([once(child, "exit"), once(lines, "close")]),
  }
}

async function expectOneWinner(ctx: TestContext, races: number, gateways: readonly Racer[]): Promise<void> {
  const reader = await openReader(ctx)
  onTestFinished(() => reader.close())
  const settings = await reader.db.selectFrom("settings").selectAll().where("name", "like", "race %").execute()
  const owners = new Map(settings.map(({ name, value }) => [name, value]))
  const events = await reader.db.selectFrom("events").selectAll().orderBy("seq").execute()
  expect(events.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: races }, (_, i) => i + 1))
  for (let number = 0; number < races; number++) {
    const winners = gateways.filter(({ won }) => won.has(String(number)))
    const losers = gateways.filter(({ lost }) => lost.has(String(number)))
    expect([winners.length, losers.length], `race ${number}`).toEqual([1, 1])
    const { name, won } = winners[0]!
    expect(owners.get(`race ${number}`)).toBe(name)
    const body = events[won.get(String(number))! - 1]!.body
    expect(JSON.parse(body)).toMatchObject({ subject: `race ${number}`, gateway: name })
  }
}
