// A gateway killed at the points of its life, in each of its threads: at as many as ten minutes allow, a few as a sample.
import { expect, test } from "vitest"
import { bundlePrograms, countPoints, killAt, type Point } from "./await-points.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"

const MILLISECONDS = SAMPLE ? 12_000 : 540_000

test(`killed at its await points (NANOGUARD_SEED=${SEED}), a gateway loses nothing acknowledged`, async (t) => {
  const programs = await bundlePrograms()
  const counts = await countPoints(programs)
  expect(Object.keys(counts).toSorted()).toEqual(["main", "nanoguard-committer", "nanoguard-deriver"])
  const points = Object.entries(counts).flatMap(([thread, count]) =>
    Array.from({ length: count }, (_, i): Point => ({ thread, at: i + 1 })),
  )
  // Spread over all of them, whenever time is up: an order that bisects, beginning somewhere.
  const order = spread(points.length).map((at) => points[(at + makeRandom(SEED).below(points.length)) % points.length]!)
  const end = performance.now() + MILLISECONDS
  let [tried, killed] = [0, 0]
  const line = async () => {
    while (tried < order.length && performance.now() < end) {
      const point = order[tried++]!
      const died = await killAt(programs, point).catch((cause) => {
        throw new Error(`killed at point ${point.at} of ${point.thread}: ${cause.message}`, { cause })
      })
      if (died) killed++
    }
  }
  await Promise.all([line(), line()])
  t.annotate(`${JSON.stringify(counts)}: ${points.length} points, ${tried} tried, ${killed} killed there`)
  expect(killed).toBeGreaterThan(tried * 0.8)
})

/** 0 up to `count`, each once, so that the first ones of any number lie evenly (bits reversed). */
function spread(count: number): number[] {
  const bits = Math.ceil(Math.log2(count))
  const reverse = (value: number) =>
    Number.parseInt(value.toString(2).padStart(bits, "0").split("").toReversed().join(""), 2)
  return Array.from({ length: 2 ** bits }, (_, i) => reverse(i)).filter((value) => value < count)
}
