// PostgreSQL killed once in the middle of appends by two gateways; postgres.test.ts has the storm.
import { expect, test } from "vitest"
import { runStorm } from "../store/storm.ts"

test("a killed and restarted server loses nothing acknowledged, and nothing is written twice", async (t) => {
  const { written } = await runStorm(t, { gateways: 2, pauses: [300] })
  expect(written).toBeGreaterThan(50)
})
