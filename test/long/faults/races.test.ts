// Two gateways on one store, and a clock that is set back while both append.
import { expect, test } from "vitest"
import { openStore } from "../../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { race } from "./races.ts"
import { readRecord, verifyNow } from "./record.ts"

const context = () => testContext(temporaryDirectory(), { env: emptyHome(), now: Date.now() })

test("of a thousand races between two gateways each has one winner, whose event alone is in the log", async (t) => {
  const ctx = context()
  const wins = await race(ctx, 1000)
  t.annotate(JSON.stringify(wins))
  expect(wins["left"]! + wins["right"]!).toBe(1000)
  expect(Math.min(wins["left"]!, wins["right"]!)).toBeGreaterThan(50)
  expect((await verifyNow(ctx)).problems).toEqual([])
})

test("a clock set back under two gateways: records keep the clock's time, the log says so, order and tree stand", async () => {
  const ctx = context()
  const start = Date.UTC(2026, 10, 21, 12)
  let time = start
  const clock = { ...ctx, now: () => time }
  const [one, two] = [await openStore(clock, { gateway: "one" }), await openStore(clock, { gateway: "two" })]
  const append = (store: typeof one, subject: string) =>
    store.append({ type: "policy.adopted", subject, gateway: "gw" })
  const seqs: number[] = []
  for (const [turn, hours] of [0, 1, -3, -2.9999, -30, 5].entries()) {
    time = start + hours * 3_600_000
    seqs.push(await append(one, `one ${turn}`), await append(two, `two ${turn}`))
    await one.checkpoint()
  }
  await Promise.all([one.close(), two.close()])
  const { log } = await readRecord(ctx)
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
  expect(seqs.map((seq) => log[seq - 1]?.subject)).toEqual(
    Array.from({ length: 6 }, (_, turn) => [`one ${turn}`, `two ${turn}`]).flat(),
  )
  // One for each time that it went back, and a tree over all of it.
  const back = log.filter(({ type }) => type === "log.clock-back")
  expect(back.length).toBe(2)
  expect(log[seqs[4]! - 1]?.time).toBe("2026-11-21T09:00:00.000Z")
  expect(log[seqs[8]! - 1]?.time).toBe("2026-11-20T06:00:00.000Z")
  const report = await verifyNow(ctx)
  expect(report.problems.filter(({ code }) => code !== "checkpoint.time")).toEqual([])
})
