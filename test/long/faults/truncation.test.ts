// Ends cut off a killed gateway's write-ahead log.
import { expect, test } from "vitest"
import { makeRandom, SAMPLE, SEED } from "./random.ts"
import { truncateAtRandom } from "./truncation.ts"

test(`WAL cut off at random (NANOGUARD_SEED=${SEED}): healed where nobody had seen more, else refused`, async (t) => {
  const cuts = SAMPLE ? 8 : 60
  const figures = await truncateAtRandom(cuts, makeRandom(SEED))
  t.annotate(JSON.stringify(figures))
  expect(figures.refused).toBeGreaterThan(0)
  expect(figures.refused + figures.healed).toBe(cuts)
})
