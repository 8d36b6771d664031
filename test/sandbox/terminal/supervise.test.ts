// Many boxes before one person, and ends that are far away.
import { once } from "node:events"
import { afterEach, describe, expect, test, vi } from "vitest"
import { onSignals } from "../../../src/sandbox/terminal/signals.ts"
import { type SuperviseOptions, supervise } from "../../../src/sandbox/terminal/supervise.ts"

const DAY = 86_400_000
const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGCONT"] as const

/** Supervises a box that does what it is told. */
function superviseOne(more: Partial<SuperviseOptions> = {}) {
  const gone = Promise.withResolvers<true>()
  const box = {
    ...{ gone: gone.promise, stop: () => gone.resolve(true), destroy: () => {}, forward: () => {} },
    ...{ terminal: false, holdsTerminal: false },
  }
  return supervise(box, { signal: new AbortController().signal, ...more })
}

afterEach(() => void vi.useRealTimers())

test("a swarm of boxes has one handler for each signal, and leaves none behind", async () => {
  const before = SIGNALS.map((signal) => process.listenerCount(signal))
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on("warning", onWarning)
  const pausing = { onPause: async () => {}, onResume: async () => {} }
  const boxes = Array.from({ length: 12 }, () => superviseOne(pausing))
  expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual(before.map((count) => count + 1))
  // Warnings come a turn later.
  await new Promise((resolve) => setTimeout(resolve, 10))
  for (const { close } of boxes) close()
  process.off("warning", onWarning)
  expect(warnings).toEqual([])
  expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual(before)
})

test("a box that holds the terminal itself is not stopped by ctrl-Z: what runs in it leaves the screen first", () => {
  const before = process.listenerCount("SIGTSTP")
  const box = { gone: new Promise<true>(() => {}), stop: () => {}, destroy: () => {}, forward: () => {} }
  const signal = new AbortController().signal
  const watch = supervise({ ...box, terminal: true, holdsTerminal: true }, { signal, onPause: async () => {} })
  expect(process.listenerCount("SIGTSTP")).toBe(before)
  watch.close()
})

const ABORTED = new AbortController()

test.each([
  ["a run that is ended", () => ABORTED.abort(), { by: "abort" }],
  ["ctrl-C", () => process.kill(process.pid, "SIGINT"), { by: "signal", signal: "SIGINT" }],
])(
  "by %s a box of which nothing runs yet is not asked: it is killed until its engine knows it",
  async (_, act, cause) => {
    const gone = Promise.withResolvers<true>()
    const asked: string[] = []
    const box = {
      ...{ gone: gone.promise, destroy: () => {}, terminal: false, holdsTerminal: false },
      forward: (signal: string) => void asked.push(signal),
      stop: async (how: string) => {
        asked.push(how)
        if (asked.length < 3) throw new Error("no such container")
        gone.resolve(true)
      },
    }
    // A grace that lasts longer than this test.
    const signal = cause.by === "abort" ? ABORTED.signal : new AbortController().signal
    const watch = supervise(box, { signal, grace: DAY, isBegun: () => false })
    act()
    await gone.promise
    watch.close()
    expect(watch.cause()).toEqual(cause)
    expect(asked).toEqual(["kill", "kill", "kill"])
  },
)

test("a terminal that closes ends a box in order, however often it says so; whoever else asks again has it end at once", async () => {
  const gone = Promise.withResolvers<true>()
  const asked: string[] = []
  const stop = (how: string) => {
    asked.push(how)
    if (how === "kill") gone.resolve(true)
  }
  const box = { gone: gone.promise, stop, destroy: () => {}, forward: () => {}, terminal: true, holdsTerminal: false }
  const watch = supervise(box, { signal: new AbortController().signal, grace: DAY })
  const send = async (signal: NodeJS.Signals) => {
    const arrived = once(process, signal)
    process.kill(process.pid, signal)
    await arrived
    // What is done about it takes a turn.
    await new Promise(setImmediate)
  }
  await send("SIGHUP")
  await send("SIGHUP")
  expect(asked).toEqual(["terminate"])
  await send("SIGTERM")
  await gone.promise
  watch.close()
  expect(asked).toEqual(["terminate", "kill"])
  expect(watch.cause()).toEqual({ by: "signal", signal: "SIGHUP" })
})

describe("a timeout", () => {
  test.each([1, 24, 25, 30, 700])("of %i days ends the run then, and not before", async (days) => {
    vi.useFakeTimers()
    const watch = superviseOne({ timeout: days * DAY })
    await vi.advanceTimersByTimeAsync(days * DAY - 1)
    expect(watch.cause()).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(watch.cause()).toEqual({ by: "timeout" })
    watch.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  test("that is never reached leaves nothing behind", async () => {
    vi.useFakeTimers()
    const watch = superviseOne({ timeout: 60 * DAY })
    await vi.advanceTimersByTimeAsync(30 * DAY)
    watch.close()
    expect(vi.getTimerCount()).toBe(0)
    superviseOne().close()
  })
})

test("whoever listens to a signal hears it once, until it listens no more", async () => {
  const before = process.listenerCount("SIGCONT")
  const heard: string[] = []
  const send = async () => {
    const arrived = once(process, "SIGCONT")
    process.kill(process.pid, "SIGCONT")
    await arrived
  }
  const listen = (name: string) => onSignals(["SIGCONT", "SIGUSR2"], (signal) => heard.push(`${name} ${signal}`))
  const closings = [listen("one"), listen("other")]
  await send()
  expect(heard).toEqual(["one SIGCONT", "other SIGCONT"])
  closings[0]!()
  closings[0]!()
  await send()
  expect(heard.slice(2)).toEqual(["other SIGCONT"])
  closings[1]!()
  expect(process.listenerCount("SIGCONT")).toBe(before)
  expect(process.listenerCount("SIGUSR2")).toBe(0)
})
