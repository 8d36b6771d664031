// The power is cut, at many moments, on a disk that keeps no more than it promised.
import { expect, test } from "vitest"
import { cutAtRandom } from "./power-cuts.ts"
import { SAMPLE, SEED } from "./random.ts"

const [COUNT, CUTS] = SAMPLE ? [150, 30] : [1500, 240]

test(`${CUTS} power cuts (NANOGUARD_SEED=${SEED}) lose nothing acknowledged, and the log says what was torn`, async (t) => {
  const figures = await cutAtRandom(t, COUNT, CUTS, SEED)
  t.annotate(JSON.stringify(figures))
  expect(figures.recovered).toBeGreaterThan(CUTS / 2)
  expect(figures.torn).toBeGreaterThan(CUTS / 10)
  expect(figures.acknowledged).toBeGreaterThan(COUNT)
})
