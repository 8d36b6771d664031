// Who hears of commits, how often, and until when.
import { Kysely } from "kysely"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import type { Tables } from "../../src/store/schema.ts"
import { sqliteDialect } from "../../src/store/sqlite/dialect.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { watchRecord } from "../../src/store/sqlite/watch.ts"
import { createSubscriptions } from "../../src/store/subscribe.ts"
import { makeDirectory } from "./directory.ts"

describe("subscriptions", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))
  afterEach(() => void vi.useRealTimers())

  test("call at once, and then once for all that comes within 10 ms", async () => {
    const { subscribe, notify } = createSubscriptions(() => () => {})
    const listener = vi.fn()
    subscribe(listener)
    for (let n = 0; n < 1000; n++) notify()
    await Promise.resolve()
    expect(listener).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(20)
    expect(listener).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(listener).toHaveBeenCalledTimes(2)
  })

  test("look for others' commits only while somebody listens", async () => {
    const log: string[] = []
    const { subscribe, notify } = createSubscriptions(() => {
      log.push("watch")
      return () => log.push("stop")
    })
    const listener = vi.fn()
    const ends = [subscribe(listener), subscribe(listener)]
    expect(log).toEqual(["watch"])
    for (const end of ends) end()
    ends[0]?.()
    expect(log).toEqual(["watch", "stop"])
    notify()
    await vi.advanceTimersByTimeAsync(100)
    expect(listener).not.toHaveBeenCalled()
    subscribe(listener)
    expect(log).toEqual(["watch", "stop", "watch"])
  })

  test("end with the store, and leave no timer", () => {
    const stop = vi.fn()
    const { subscribe, notify, close } = createSubscriptions(() => stop)
    subscribe(() => {})
    notify()
    close()
    expect(stop).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })
})

test("a record is watched: commits are heard, what is rolled back and what comes after the end is not", async () => {
  const directory = makeDirectory()
  const [writer, reader] = [await openRecord(directory), await openRecord(directory)]
  const db = new Kysely<Tables>({ dialect: sqliteDialect(reader, directory) })
  onTestFinished(() => {
    reader.close()
    writer.close()
  })
  let heard = 0
  const stop = watchRecord(directory, db, () => heard++)
  const pause = () => new Promise((resolve) => setTimeout(resolve, 600))
  await pause()
  writer.exec("BEGIN; INSERT INTO settings VALUES ('a', '1'); ROLLBACK")
  await pause()
  expect(heard).toBe(0)
  for (const name of ["b", "c"]) {
    writer.exec(`INSERT INTO settings VALUES ('${name}', '1')`)
    const before = heard
    await vi.waitFor(() => expect(heard).toBeGreaterThan(before), { timeout: 5000 })
  }
  stop()
  const before = heard
  writer.exec("INSERT INTO settings VALUES ('d', '1')")
  await pause()
  expect(heard).toBe(before)
})
