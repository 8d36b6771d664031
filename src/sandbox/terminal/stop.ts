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
}

/** Milliseconds that a killed box has to be gone. */
const AFTER_KILL = 5_000

/** Ends a box; resolves with whether it is gone. An engine that does not answer keeps no step from being taken. */
export async function stopInOrder(stop: Stop, { gone, grace, hurry }: StopOptions): Promise<boolean> {
  attempt(stop, "terminate")
  if (await within(grace, gone, hurry)) return true
  attempt(stop, "kill")
  return within(AFTER_KILL, gone)
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
function attempt(stop: Stop, how: "terminate" | "kill"): void {
  void (async () => stop(how))().catch(() => {})
}
