// How a box ends that does not end by itself: asked first, then made to.
import { setTimeout as sleep } from "node:timers/promises"

/** Asks the box to end, or makes it. */
export type Stop = (how: "terminate" | "kill") => unknown

export interface StopOptions {
  /** Settles with true once the box is gone. */
  gone: Promise<true>
  /** Milliseconds between asking and making. */
  grace: number
  /** Settles where nobody wants to wait that long. */
  hurry: Promise<unknown>
  /** Whether there is anything in the box that could be asked; there is where absent. */
  isBegun?: () => boolean
}

/** Milliseconds that a killed box has to be gone. */
const AFTER_KILL = 5_000
/** Between two tries to kill one that has not begun. */
const AGAIN = 100

/** Ends a box; resolves with whether it is gone. An engine that does not answer keeps no step from being taken. */
export async function stopInOrder(stop: Stop, { gone, grace, hurry, isBegun }: StopOptions): Promise<boolean> {
  if (isBegun?.() === false) return killEarly(stop, gone)
  void attempt(stop, "terminate")
  if (await within(grace, gone, hurry)) return true
  void attempt(stop, "kill")
  return within(AFTER_KILL, gone)
}

/** Nothing in it would hear a question. Until it begins its engine may not even know it: it is killed again and again. */
async function killEarly(stop: Stop, gone: Promise<true>): Promise<boolean> {
  const end = performance.now() + AFTER_KILL
  for (let left = AFTER_KILL; left > 0; left = end - performance.now()) {
    const tried = Promise.all([attempt(stop, "kill"), sleep(AGAIN)])
    if (await within(left, gone, tried)) return true
  }
  return false
}

/** Whether the first of them settles in time, with true. */
async function within(milliseconds: number, ...either: Promise<unknown>[]): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false)
  const first = await Promise.race([...either, late])
  timer.abort()
  return first === true
}

/** What it fails with is not told: that the box is not gone says it. */
async function attempt(stop: Stop, how: "terminate" | "kill"): Promise<void> {
  try {
    await stop(how)
  } catch {
    // Nothing but its being gone counts.
  }
}
