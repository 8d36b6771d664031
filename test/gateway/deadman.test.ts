// The dead-man switch over a real store whose disk fills up, as far as it can be told.
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { createDeadman, type DeadmanOptions } from "../../src/gateway/deadman.ts"
import { newPlace } from "../approvals/support.ts"

test("tells of a record that cannot be written, and of its return, without anybody who asks", async (t) => {
  const { store, ctx } = await newPlace(async () => ({}), t)
  let isFull = true
  const told: string[] = []
  const failing: DeadmanOptions["store"] = {
    ...store,
    db: store.db,
    append: (event) =>
      isFull ? Promise.reject(new NanoguardError("disk full", { exit: EXIT.environment })) : store.append(event),
  }
  const deadman = createDeadman({
    ...{ ctx, store: failing, gateway: "test", wanted: () => ["log-failing"], isWaiting: () => false },
    onPause: (why, on) => void told.push(`${why} ${on}`),
  })
  onTestFinished(deadman.close)
  const event = { type: "sandbox.started", subject: "a", gateway: "test" }
  await expect(deadman.store.append(event)).rejects.toThrow("disk full")
  expect(told).toEqual(["log-failing true"])
  isFull = false
  while (told.length < 2) await sleep(50)
  expect(told).toEqual(["log-failing true", "log-failing false"])
})
