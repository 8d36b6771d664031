// Gateways that are killed at random while they append, and replaced: before they are ready, while they begin, in the middle.
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { bundleWriter, type Gateway, runGateway, startGateway } from "./gateway.ts"
import { makeRandom, type Random } from "./random.ts"
import { expectWhole } from "./record.ts"

export interface Kills {
  /** How many append at once. */
  gateways: number
  milliseconds: number
  seed: number
}

export interface Killed {
  ctx: TestContext
  kills: number
  /** Gateways killed before they had any answer. */
  early: number
  acknowledged: number
  records: number
  /** `log.recovered` records. */
  recovered: number
  tornBytes: number
}

/** Kills for so long, then expects what was acknowledged to be there, and the log to tell of every gateway that died after an answer. */
export async function killAtRandom({ gateways, milliseconds, seed }: Kills): Promise<Killed> {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome(), now: Date.now() })
  const program = await bundleWriter()
  const end = performance.now() + milliseconds
  const lines = Array.from({ length: gateways }, (_, line) =>
    killInTurn(program, ctx, line, makeRandom(seed + line), end),
  )
  const dead = (await Promise.all(lines)).flat()
  const last = await runGateway({ program, env: ctx.env, name: "last", count: 1 })
  const told = [...dead.flatMap((gateway) => gateway.told), ...last]
  const { log } = await expectWhole(ctx, told)
  const ends = log.filter(({ type }) => type === "log.recovered")
  const named = new Set(ends.flatMap(({ detail }) => detail?.["gateways"] as string[]))
  for (const gateway of dead) {
    expect(gateway.err()).toBe("")
    expect(gateway.refused).toEqual([])
    if (gateway.told.length > 0) expect(named, `the end of ${gateway.name}`).toContain(gateway.name)
  }
  return {
    ...{ ctx, kills: dead.length, early: dead.filter((gateway) => gateway.told.length === 0).length },
    ...{ acknowledged: told.length, records: log.length, recovered: ends.length },
    tornBytes: ends.reduce((sum, { detail }) => sum + Number(detail?.["tornBytes"]), 0),
  }
}

/** One after the other, each killed. */
async function killInTurn(
  program: string,
  ctx: TestContext,
  line: number,
  random: Random,
  end: number,
): Promise<Gateway[]> {
  const dead: Gateway[] = []
  while (performance.now() < end) {
    // What was acknowledged without a sync outlives its process, too.
    const gateway = startGateway({ program, env: ctx.env, name: `gw${line}.${dead.length}`, mixed: true })
    // Most die at work, some while they start or open the store.
    if (random.chance(0.75)) await gateway.answered
    await sleep(random.below(random.pick([5, 100, 700])))
    gateway.child.kill("SIGKILL")
    await gateway.ended
    dead.push(gateway)
  }
  return dead
}
