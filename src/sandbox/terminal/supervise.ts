// Whatever ends or suspends a box from outside while a person has it before them: signals, the timeout, an abort.
import { type Stop, stopInOrder } from "./stop.ts"

export interface SuperviseOptions {
  /** Ends the box in order when it is aborted. */
  signal: AbortSignal
  /** Milliseconds until the box is ended; the code is 124 then. */
  timeout?: number
  /** Milliseconds between asking the box to end and making it; 10 s where absent. */
  grace?: number
  /** Called when the person suspends the command (ctrl-Z; a box that has a terminal gets that key itself), before it stops. */
  onPause?: () => Promise<void>
  /** Called when the command goes on after that. */
  onResume?: () => void
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
}

const GRACE = 10_000
/** setTimeout's longest, 24 days; a later end is none. */
const LONGEST = 2 ** 31 - 1

/** Watches until `close`; `cause` is what ended the box, once something did. A second cause while it ends makes it end at once. */
export function supervise(box: Box, options: SuperviseOptions): { cause: () => Cause | undefined; close: () => void } {
  let cause: Cause | undefined
  let hurry = () => {}
  const hurried = new Promise<false>((resolve) => {
    hurry = () => resolve(false)
  })
  const end = (why: Cause) => {
    if (cause !== undefined) return hurry()
    cause = why
    void stopInOrder(box.stop, { gone: box.gone, grace: options.grace ?? GRACE, hurry: hurried }).then((gone) => {
      if (!gone) box.destroy()
    })
  }

  const onAbort = () => end({ by: "abort" })
  options.signal.addEventListener("abort", onAbort)
  const { timeout = Number.POSITIVE_INFINITY } = options
  const timer = timeout > LONGEST ? undefined : setTimeout(end, timeout, { by: "timeout" })

  const handlers: [NodeJS.Signals, () => void][] = [
    ["SIGTERM", () => end({ by: "signal", signal: "SIGTERM" })],
    ["SIGHUP", () => end({ by: "signal", signal: "SIGHUP" })],
    // From a terminal the box has them already.
    ["SIGINT", () => box.terminal || box.forward("SIGINT")],
    ["SIGQUIT", () => box.terminal || box.forward("SIGQUIT")],
  ]
  const { onPause, onResume } = options
  if (onPause !== undefined) {
    const suspend = () => process.kill(process.pid, "SIGSTOP")
    handlers.push(["SIGTSTP", () => void onPause().then(suspend, suspend)], ["SIGCONT", () => onResume?.()])
  }
  for (const [signal, handler] of handlers) process.on(signal, handler)
  return {
    cause: () => cause,
    close: () => {
      clearTimeout(timer)
      options.signal.removeEventListener("abort", onAbort)
      for (const [signal, handler] of handlers) process.off(signal, handler)
    },
  }
}
