// The one failure that callers of the store expect: somebody else was first.
import { EXIT, NanoguardError } from "../errors.ts"

/**
 * An expectation of a batch did not hold: a compare-and-set affected another number of rows than it had to. Nothing of
 * the batch happened, and nothing is wrong with the store.
 */
export class Conflict extends NanoguardError {
  /** Which of the batch's changes, from 0. */
  readonly change: number
  readonly expected: number
  readonly affected: number

  constructor(change: number, expected: number, affected: number) {
    super(`another process was first: change ${change + 1} affected ${affected} rows instead of ${expected}`, {
      exit: EXIT.environment,
      hint: "read again what is stored now, and decide on that",
    })
    this.name = "Conflict"
    this.change = change
    this.expected = expected
    this.affected = affected
  }
}
