// PostgreSQL killed at random for a minute (five seconds as a sample) while four gateways append.
import { expect, test } from "vitest"
import { runStorm } from "../store/storm.ts"

const SECONDS = process.env["NANOGUARD_SAMPLE"] === "1" ? 5 : 60
const SEED = Number(process.env["NANOGUARD_SEED"]) || 20_261_121

/** Pauses between kills, 50 ms to 1.5 s: some come while the server is still recovering or gateways still reconnect. */
function randomPauses(seed: number, total: number): number[] {
  const pauses: number[] = []
  let state = seed >>> 0
  for (let sum = 0; sum < total; sum += pauses.at(-1)!) {
    // Numerical Recipes' linear congruential generator: any spread will do.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    pauses.push(50 + Math.floor((state / 2 ** 32) * 1450))
  }
  return pauses
}

test(`a storm of restarts (NANOGUARD_SEED=${SEED}) loses nothing acknowledged and writes nothing twice`, async (t) => {
  const { written } = await runStorm(t, { gateways: 4, pauses: randomPauses(SEED, SECONDS * 1000) })
  expect(written).toBeGreaterThan(SECONDS * 10)
})
