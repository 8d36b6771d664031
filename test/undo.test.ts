// What was opened is closed in the reverse of its order, all of it, whatever fails.
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { createUndo } from "../src/undo.ts"

test("every step once, the last one first, each after the one before has ended", async () => {
  const undo = createUndo<boolean>()
  const done: string[] = []
  undo.push((keep) => done.push(`first ${keep}`))
  undo.push(async () => {
    await sleep(10)
    done.push("second")
  })
  undo.push(() => done.push("third"))
  await undo.close(true)
  await undo.close(false)
  expect(done).toEqual(["third", "second", "first true"])
})

test("what fails keeps nothing else open, and the first failure is thrown at the end", async () => {
  const undo = createUndo()
  const done: string[] = []
  undo.push(() => done.push("first"))
  undo.push(() => {
    throw new Error("at once")
  })
  undo.push(() => Promise.reject(new Error("later")))
  await expect(undo.close()).rejects.toThrow("later")
  expect(done).toEqual(["first"])
})

test("a second close does what was added since", async () => {
  const undo = createUndo()
  const done: string[] = []
  undo.push(() => done.push("first"))
  await undo.close()
  undo.push(() => done.push("second"))
  await undo.close()
  expect(done).toEqual(["first", "second"])
})
