// Faults in small, with what the long tests are made of; test/long/faults has each of them whole.
import { expect, test } from "vitest"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { bundlePrograms, countPoints, killAt } from "./faults/await-points.ts"
import { killAtRandom } from "./faults/kills.ts"
import { cutAtRandom } from "./faults/power-cuts.ts"
import { race } from "./faults/races.ts"
import { makeRandom, SEED } from "./faults/random.ts"

test(`gateways killed at random (NANOGUARD_SEED=${SEED}) lose nothing acknowledged`, async () => {
  const { kills, acknowledged } = await killAtRandom({ gateways: 2, milliseconds: 800, seed: SEED })
  expect(kills).toBeGreaterThan(1)
  expect(acknowledged).toBeGreaterThan(0)
})

test(`a power cut (NANOGUARD_SEED=${SEED}) loses nothing acknowledged`, async (t) => {
  const { recovered } = await cutAtRandom(t, 20, 3, SEED)
  expect(recovered).toBeGreaterThan(0)
})

test(`a gateway killed at points of its life (NANOGUARD_SEED=${SEED}) loses nothing acknowledged`, async () => {
  const programs = await bundlePrograms()
  const counts = await countPoints(programs)
  const random = makeRandom(SEED)
  for (const [thread, count] of Object.entries(counts)) await killAt(programs, { thread, at: 1 + random.below(count) })
})

test("of two gateways that race one wins", async () => {
  await race(testContext(temporaryDirectory(), { env: emptyHome(), now: Date.now() }), 40)
})
