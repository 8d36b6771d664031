// Gateways killed at random for a minute (six seconds as a sample), and what the built program says of the record then.
import { join } from "node:path"
import { expect, test } from "vitest"
import { nanoguard } from "../../e2e/nanoguard.ts"
import { killAtRandom } from "./kills.ts"
import { SAMPLE, SEED } from "./random.ts"

const SECONDS = SAMPLE ? 6 : 60

test(`four gateways killed at random for ${SECONDS} s (NANOGUARD_SEED=${SEED}) lose nothing acknowledged`, async (t) => {
  const { ctx, ...figures } = await killAtRandom({ gateways: 4, milliseconds: SECONDS * 1000, seed: SEED })
  t.annotate(JSON.stringify(figures))
  expect(figures.kills).toBeGreaterThan(SECONDS / 2)
  expect(figures.acknowledged).toBeGreaterThan(SECONDS * 10)
  expect(figures.recovered).toBeGreaterThan(SECONDS / 6)
  const home = ctx.env["NANOGUARD_HOME"]!
  const { exit, out } = await nanoguard(join(home, ".."), ["audit", "verify"], { NANOGUARD_HOME: home })
  expect(out).toContain(`${figures.records.toLocaleString("en-US")} records`)
  expect(exit).toBe(0)
})
