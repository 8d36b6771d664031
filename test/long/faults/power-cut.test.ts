// The power is cut, at many moments, on a disk that keeps no more than it promised. Most of what is appended is lax: of that the end of
// the log may be lost, and nothing else.
import { expect, test } from "vitest"
import { cutAtRandom, cutWhenIdle } from "./power-cuts.ts"
import { SAMPLE, SEED } from "./random.ts"

const [COUNT, CUTS] = SAMPLE ? [150, 30] : [1500, 240]

test(`${CUTS} power cuts (NANOGUARD_SEED=${SEED}) lose nothing that was synced, and the log says what was torn`, async (t) => {
  const figures = await cutAtRandom(t, COUNT, CUTS, SEED)
  t.annotate(JSON.stringify(figures))
  expect(figures.recovered).toBeGreaterThan(CUTS / 2)
  expect(figures.torn).toBeGreaterThan(CUTS / 10)
  expect(figures.lost).toBeGreaterThan(0)
  expect(figures.acknowledged).toBeGreaterThan(COUNT)
})

test(`a power cut (NANOGUARD_SEED=${SEED}) some time after the last record loses nothing, though nothing was closed`, async (t) => {
  expect(await cutWhenIdle(t, 100, 10, SEED)).toBe(100)
})
