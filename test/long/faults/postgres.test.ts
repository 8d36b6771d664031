// PostgreSQL whose processes are killed with SIGKILL while two gateways append; test/long/postgres.test.ts ends the whole server.
import { expect, test } from "vitest"
import { runStorm } from "../../store/storm.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"

const SECONDS = SAMPLE ? 4 : 40

test(`processes of PostgreSQL killed (NANOGUARD_SEED=${SEED}): nothing acknowledged is lost, nothing is written twice`, async (t) => {
  const random = makeRandom(SEED)
  const pauses: number[] = []
  for (let sum = 0; sum < SECONDS * 1000; sum += pauses.at(-1)!) pauses.push(50 + random.below(1450))
  const figures = await runStorm(t, { gateways: 2, pauses, backends: true })
  t.annotate(JSON.stringify(figures))
  expect(figures.written).toBeGreaterThan(SECONDS * 10)
  expect(figures.kills).toBeGreaterThan(pauses.length / 4)
})
