// Ctrl-C, and whatever else asks a run to end, while no box is there that would get it: before it starts, and after it.
import { constants } from "node:os"
import { onSignals } from "./signals.ts"
import { isSupervising } from "./supervise.ts"

/** Signals that ask a run to end. */
export type InterruptSignal = "SIGINT" | "SIGTERM" | "SIGHUP"

/** Why a run does not go on: a person, or the system, asked it to end. */
export class Interrupted extends Error {
  readonly signal: InterruptSignal
  /** The code to exit with: 128 and the signal's number. */
  readonly exit: number

  constructor(signal: InterruptSignal) {
    super(`ended by ${signal}`)
    this.name = "Interrupted"
    this.signal = signal
    this.exit = 128 + constants.signals[signal]
  }
}

export interface Interrupts {
  /** Aborted by the first signal; the reason is an `Interrupted`. */
  readonly signal: AbortSignal
  /** Leaves signals to somebody else (`supervise`, which takes this as `interrupts`) until what is returned is called: once, or again. */
  stepAside: () => () => void
  /** Gives the signals back to Node: the next one ends the process. Once, or again. */
  close: () => void
}

/** Milliseconds in which the same signal is the same wish: of one ctrl-C npm passes a second one on to what the terminal sent it to, too. */
const SAME_WISH = 100

/**
 * From now on until `close` the first SIGINT, SIGTERM or SIGHUP aborts `signal`, in the place of ending the process: what was begun can be undone.
 * A second SIGINT or SIGTERM ends the process at once, with the first one's code; a terminal that closes sends SIGHUP more than once. One watch
 * for each run of a process: beside a box that is supervised the watch of another run hears the first signal all the same, and the second ends
 * that box at once, and not the process. While its own box is supervised it hears nothing: give it to `attachLaunch` as `interrupts`.
 */
export function watchInterrupts(): Interrupts {
  const controller = new AbortController()
  let first: { why: Interrupted; at: number } | undefined
  let aside = 0
  const close = onSignals(["SIGINT", "SIGTERM", "SIGHUP"], (name) => {
    if (aside > 0) return
    const signal = name as InterruptSignal
    if (first === undefined) {
      first = { why: new Interrupted(signal), at: performance.now() }
      return controller.abort(first.why)
    }
    if (signal === "SIGHUP" || (signal === first.why.signal && performance.now() - first.at < SAME_WISH)) return
    // Others are being ended in order: by the same signals, which make them end at once.
    if (!isSupervising()) process.exit(first.why.exit)
  })
  return {
    signal: controller.signal,
    stepAside: () => {
      let isAside = true
      aside++
      return () => {
        if (isAside) aside--
        isAside = false
      }
    },
    close,
  }
}
