// Waiting for other processes that write: in short steps, so that nobody starves beside one that writes all the time.
import { SQLITE, sqliteCode } from "./errors.ts"
import type { Writer } from "./writer.ts"

/** Milliseconds until another process's lock is an error. */
const PATIENCE = 10_000

/** Longest step, in milliseconds. A commit takes about one. */
const LONGEST_STEP = 4

const clock = new Int32Array(new SharedArrayBuffer(4))

/**
 * Begins the transaction that writes; sleeps while another process has one, after a call of `onWait`. Throws SQLite's error after
 * `patience` milliseconds.
 */
export function beginWaiting(writer: Writer, patience: number = PATIENCE, onWait: () => void = () => {}): void {
  let deadline = 0
  for (let step = 0.2; ; step = Math.min(step * 1.5, LONGEST_STEP)) {
    try {
      writer.begin.run()
      return
    } catch (error) {
      const now = performance.now()
      if (sqliteCode(error) !== SQLITE.BUSY || (deadline > 0 && now > deadline)) throw error
      if (deadline === 0) {
        deadline = now + patience
        onWait()
      }
    }
    // Steps of different lengths, or processes that began to wait together collide each time.
    Atomics.wait(clock, 0, 0, step * (0.5 + Math.random()))
  }
}
