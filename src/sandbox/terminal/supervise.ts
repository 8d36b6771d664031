// Whatever ends or suspends a box from outside while a person has it before them: signals, the timeout, an abort.
import type { Interrupts } from "./interrupts.ts"
import { onSignals } from "./signals.ts"
import { type Stop, stopInOrder } from "./stop.ts"
import { suspendWith } from "./suspend.ts"

export interface SuperviseOptions {
  /** Ends the box in order when it is aborted. */
  signal: AbortSignal
  /** Milliseconds until the box is ended, however many; the code is 124 then. */
  timeout?: number
  /** Milliseconds between asking the box to end and making it; 10 s where absent. */
  grace?: number
  /** Whether anything of the agent's may run: until then the box is not asked, but ended at once. It may where absent. */
  isBegun?: () => boolean
  /** Called when the person suspends the command (ctrl-Z; a box that has a terminal gets that key itself), before it stops: 5 s at most. */
  onPause?: () => Promise<void>
  /** Called when the command goes on after that. */
  onResume?: () => Promise<void>
  /** Told what is not as it should be: one sentence. */
  onNote?: (note: string) => void
  /** The run's own watch for signals, which leaves them to the box meanwhile. */
  interrupts?: Pick<Interrupts, "stepAside">
}

/** Why a box ended that was ended. */
export type Cause = { by: "timeout" } | { by: "abort" } | { by: "signal"; signal: NodeJS.Signals }

interface Box {
  stop: Stop
  /** Settles with true once it is gone. */
  gone: Promise<true>
  /** Ends what started it, whatever the box does. */
  destroy: () => void
  /** Passes a signal on. */
  forward: (signal: NodeJS.Signals) => void
  /** Whether a terminal sends its own signals to the box, too. */
  terminal: boolean
  /** Whether the box holds the person's terminal itself: ctrl-Z is its own then, and it has to be let leave the screen in order. */
  holdsTerminal: boolean
}

const GRACE = 10_000
/** setTimeout's longest, 24 days: what is longer would end at once. */
const LONGEST = 2 ** 31 - 1

const supervised = new Set<Box>()

/** Whether any box of this process is before a person: signals are theirs then. */
export const isSupervising = (): boolean => supervised.size > 0

/** Watches until `close`; `cause` is what ended the box, once something did. A second cause while it ends makes it end at once; a SIGHUP is none. */
export function supervise(box: Box, options: SuperviseOptions): { cause: () => Cause | undefined; close: () => void } {
  const { grace = GRACE, isBegun = () => true } = options
  let cause: Cause | undefined
  let hurry = () => {}
  const hurried = new Promise<false>((resolve) => {
    hurry = () => resolve(false)
  })
  const end = (why: Cause) => {
    if (cause !== undefined) return hurry()
    cause = why
    void stopInOrder(box.stop, { gone: box.gone, grace, hurry: hurried, isBegun }).then((gone) => {
      if (!gone) box.destroy()
    })
  }

  const onAbort = () => end({ by: "abort" })
  options.signal.addEventListener("abort", onAbort)
  const closeTimer = after(options.timeout ?? Number.POSITIVE_INFINITY, () => end({ by: "timeout" }))
  const { onPause, onResume = async () => {}, onNote = () => {} } = options
  const closing = [
    onSignals(["SIGTERM", "SIGHUP"], (signal) => {
      // A terminal that closes sends more than one: that is no wish for more haste.
      if (signal !== "SIGHUP" || cause === undefined) end({ by: "signal", signal })
    }),
    // From a terminal the box has them already; where nothing of it runs yet they would be lost.
    onSignals(["SIGINT", "SIGQUIT"], (signal) => {
      if (!isBegun()) end({ by: "signal", signal })
      else if (!box.terminal) box.forward(signal)
    }),
    onPause === undefined || box.holdsTerminal ? () => {} : suspendWith({ onPause, onResume, onNote }),
    // They are heard here from now on, and once only.
    options.interrupts?.stepAside() ?? (() => {}),
  ]
  supervised.add(box)
  return {
    cause: () => cause,
    close: () => {
      supervised.delete(box)
      closeTimer()
      options.signal.removeEventListener("abort", onAbort)
      for (const close of closing) close()
    },
  }
}

/** Calls `late` after so many milliseconds, in steps that `setTimeout` takes; never after an infinity of them. What is returned ends it. */
function after(milliseconds: number, late: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const arm = (left: number) => {
    timer = setTimeout(() => (left > LONGEST ? arm(left - LONGEST) : late()), Math.min(left, LONGEST))
  }
  if (milliseconds !== Number.POSITIVE_INFINITY) arm(milliseconds)
  return () => clearTimeout(timer)
}
