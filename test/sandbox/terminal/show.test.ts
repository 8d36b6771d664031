import { PassThrough, Writable } from "node:stream"
import { setImmediate as turn } from "node:timers/promises"
import { expect, it } from "vitest"
import type { Output } from "../../../src/context.ts"
import { show } from "../../../src/sandbox/terminal/show.ts"

it("leaves nothing behind of its waits for a slow terminal", async () => {
  let text = ""
  const to: Output = Object.assign(
    new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _, done) => {
        text += chunk.toString()
        setImmediate(done)
      },
    }),
    { isTTY: true },
  )
  const from = new PassThrough()
  const count = () => [from, to].flatMap((one) => ["close", "error", "drain"].map((name) => one.listenerCount(name)))
  const shown = show(from, to)
  from.write("first ")
  await turn()
  await turn()
  const before = count()
  for (let index = 0; index < 20; index++) {
    from.write(`${index} `)
    for (let turns = 0; turns < 5; turns++) await turn()
  }
  expect(count()).toEqual(before)
  from.end()
  await shown
  expect(text).toContain("first 0 1 2 ")
})

it("ends what it shows where nobody reads any more", async () => {
  const to: Output = new Writable({ highWaterMark: 1, write: () => {} })
  to.destroy()
  const from = new PassThrough()
  from.write("text")
  await show(from, to)
  expect(from.destroyed).toBe(true)
})
