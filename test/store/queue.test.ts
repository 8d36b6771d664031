// The main thread's side alone, in front of a committer that answers as the test wants.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { NewEvent } from "../../src/audit/types.ts"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { decodeBatch, encodeBatch, type Failure } from "../../src/store/committer-messages.ts"
import { Conflict } from "../../src/store/conflict.ts"
import { createQueue, type QueueOptions } from "../../src/store/queue.ts"
import type { Batch } from "../../src/store/types.ts"

const event = (subject: string): NewEvent => ({ type: "package.decided", subject, gateway: "gw" })
const batch = (subject: string): Batch => ({ events: [event(subject)] })
const turn = () => new Promise((resolve) => setImmediate(resolve))
const gone = new NanoguardError("gone", { exit: EXIT.environment })

/** A queue whose messages are kept. */
function newQueue(more: Partial<QueueOptions> = {}) {
  const messages: string[][] = []
  const log: string[] = []
  const queue = createQueue({
    send: (texts) => messages.push(texts),
    onBusy: () => log.push("busy"),
    onIdle: () => log.push("idle"),
    ...more,
  })
  return { queue, messages, log }
}

describe("a queue", () => {
  test("sends the calls of one turn as one message, as they were when they were made", async () => {
    const { queue, messages, log } = newQueue()
    const changing = { ...event("a") }
    const calls = [queue.write({ events: [changing] })]
    changing.subject = "changed since"
    calls.push(Promise.resolve().then(() => queue.write(batch("b"))))
    await turn()
    expect(messages.map((texts) => texts.map((text) => decodeBatch(text).events[0]?.subject))).toEqual([["a", "b"]])
    queue.settle({ kind: "done", count: 2, seqs: [7, 8], failures: [] })
    expect(await Promise.all(calls)).toEqual([{ seqs: [7] }, { seqs: [8] }])
    expect(log).toEqual(["busy", "idle"])
  })

  test("does not keep many calls until the end of their turn", async () => {
    const { queue, messages } = newQueue()
    const subjects = Array.from({ length: 100 }, (_, n) => String(n))
    for (const subject of subjects) void queue.write(batch(subject))
    expect(messages.flat().length).toBeGreaterThan(50)
    await turn()
    expect(messages.flat().map((text) => decodeBatch(text).events[0]?.subject)).toEqual(subjects)
  })

  test("gives each call its own answer, whatever groups the committer makes", async () => {
    const failure: Failure = { message: "no", exit: EXIT.usage }
    const calls = fc.array(fc.record({ events: fc.nat(3), fails: fc.boolean() }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(calls, fc.array(fc.integer({ min: 1, max: 9 })), async (wanted, sizes) => {
        const { queue } = newQueue()
        const answers = wanted.map(({ events }) => queue.write({ events: Array(events).fill(event("x")) }))
        const settled = Promise.allSettled(answers)
        let seq = 0
        const expected = wanted.map(({ events, fails }) =>
          fails ? "failed" : Array.from({ length: events }, () => ++seq),
        )
        const rest = [...expected]
        while (rest.length > 0) {
          const group = rest.splice(0, sizes.pop() ?? 5)
          const failures = group.flatMap((one, place): [number, Failure][] =>
            one === "failed" ? [[place, failure]] : [],
          )
          queue.settle({
            kind: "done",
            count: group.length,
            seqs: group.flatMap((one) => (one === "failed" ? [] : one)),
            failures,
          })
        }
        const found = (await settled).map((one) => (one.status === "fulfilled" ? one.value.seqs : "failed"))
        expect(found).toEqual(expected)
        expect(queue.pending).toBe(0)
      }),
    )
  })

  test("refuses at once what is more than it may hold, and takes more when there is room", async () => {
    const { queue, messages } = newQueue({ maxPending: 3 })
    const taken = ["a", "b", "c"].map((subject) => queue.write(batch(subject)))
    await expect(queue.write(batch("d"))).rejects.toMatchObject({ exit: EXIT.environment })
    await turn()
    expect(messages.flat()).toHaveLength(3)
    queue.settle({ kind: "done", count: 1, seqs: [1], failures: [] })
    taken.push(queue.write(batch("e")))
    await expect(queue.write(batch("f"))).rejects.toThrow(/3 writes wait already/)
    queue.settle({ kind: "done", count: 2, seqs: [2, 3], failures: [] })
    await turn()
    queue.settle({ kind: "done", count: 1, seqs: [4], failures: [] })
    expect((await Promise.all(taken)).map(({ seqs }) => seqs[0])).toEqual([1, 2, 3, 4])
  })

  test("counts characters as well as calls", async () => {
    const { queue } = newQueue({ maxPendingSize: 10_000 })
    const one = queue.write(batch("x".repeat(6000)))
    await expect(queue.write(batch("x".repeat(6000)))).rejects.toThrow(/cannot keep up/)
    queue.settle({ kind: "done", count: 1, seqs: [1], failures: [] })
    await one
  })

  test("refuses what waits when the committer is lost, and everything after", async () => {
    const { queue, log } = newQueue()
    const waiting = [queue.write(batch("a")), queue.write(batch("b"))]
    queue.stop(gone, new NanoguardError("lost", { exit: EXIT.environment }))
    for (const one of waiting) await expect(one).rejects.toThrow("lost")
    await expect(queue.write(batch("c"))).rejects.toThrow("gone")
    await queue.drain()
    expect(log).toEqual(["busy", "idle"])
  })

  test("drains: sends without waiting for the turn to end, and resolves with the last answer", async () => {
    const { queue, messages } = newQueue()
    const one = queue.write(batch("a"))
    let drained = false
    const end = queue.drain().then(() => {
      drained = true
    })
    expect(messages).toHaveLength(1)
    await turn()
    expect(drained).toBe(false)
    queue.settle({ kind: "done", count: 1, seqs: [1], failures: [] })
    await end
    expect(await one).toEqual({ seqs: [1] })
    await turn()
    expect(messages).toHaveLength(1)
  })
})

describe("a batch's text", () => {
  test("brings parameters of every kind over as they were", () => {
    const scalar = fc.oneof(
      ...[fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0), fc.boolean()],
      ...[fc.constant(null), fc.bigInt(), fc.uint8Array().map((bytes) => Buffer.from(bytes))],
    )
    fc.assert(
      fc.property(fc.array(scalar), fc.option(fc.nat(), { nil: undefined }), (parameters, expect_) => {
        const change = { sql: "s", parameters, ...(expect_ !== undefined && { expect: expect_ }) }
        const events = [event("a")]
        expect(decodeBatch(encodeBatch({ changes: [change], events }))).toEqual({ changes: [change], events })
      }),
    )
  })

  const cycle: Record<string, unknown> = {}
  cycle["self"] = cycle
  test.each([
    ["a number that is none", { events: [{ ...event("a"), detail: { score: Number.NaN } }] }],
    [
      "an endless one, far inside",
      { events: [{ ...event("a"), decision: { evidence: { facts: { score: Infinity } } } }] },
    ],
    ["a cycle", { events: [{ ...event("a"), detail: cycle }] }],
    ["a bigint in an event", { events: [{ ...event("a"), detail: { n: 1n } }] }],
    ["a parameter that is an object", { changes: [{ sql: "s", parameters: [{}] }] }],
    ["a parameter that is no number", { changes: [{ sql: "s", parameters: [Number.NaN] }] }],
    ["more than a store should hold", { events: [event("x".repeat(17 * 1024 * 1024))] }],
  ])("refuses %s, with an error that the caller can act on", async (_, wrong) => {
    const { queue, messages } = newQueue()
    await expect(queue.write(wrong as unknown as Batch)).rejects.toMatchObject({
      exit: EXIT.usage,
      name: "NanoguardError",
    })
    await turn()
    expect(messages).toEqual([])
    expect(queue.pending).toBe(0)
  })

  test("keeps a null that is meant", () => {
    const meant = { ...event("a"), decision: { evidence: { facts: { lookalike: null } } } } as unknown as NewEvent
    expect(decodeBatch(encodeBatch({ events: [meant] })).events).toEqual([meant])
  })

  test("brings a conflict over as one", async () => {
    const { queue } = newQueue()
    const one = queue.write(batch("a"))
    queue.settle({ kind: "done", count: 1, seqs: [], failures: [[0, { conflict: [1, 1, 0] }]] })
    await expect(one).rejects.toBeInstanceOf(Conflict)
    await expect(one).rejects.toMatchObject({ change: 1, expected: 1, affected: 0 })
  })
})
