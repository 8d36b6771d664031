// Ctrl-Z for boxes that do not get it themselves: all boxes of this process stand still before it stops, and go on with it.
import { setTimeout as sleep } from "node:timers/promises"
import { onSignals } from "./signals.ts"

/** What becomes of one box. That it does not is no reason for this process not to stop or go on. */
export interface Suspended {
  /** Has it stand still. */
  onPause: () => Promise<void>
  onResume: () => Promise<void>
  /** Told of what did not work. */
  onNote: (note: string) => void
}

/** Milliseconds that the boxes have to stand still before this process stops all the same. */
const PATIENCE = 5_000
/** Milliseconds after which a process that asked to stop did, or cannot: the first one of a container is not stopped by itself. */
const STOPPED = 100

const boxes = new Set<Suspended>()
/** Those that stand still, or are asked to. */
const paused = new Set<Suspended>()
/** The suspending that lasts; another one is no news meanwhile. */
let suspending: object | undefined
let closeSignals = () => {}

/** Has a box stand still while this process is suspended (SIGTSTP), until what is returned is called. */
export function suspendWith(box: Suspended): () => void {
  if (boxes.size === 0) {
    const closing = [onSignals(["SIGTSTP"], () => void suspend()), onSignals(["SIGCONT"], resume)]
    closeSignals = () => {
      for (const close of closing) close()
    }
  }
  boxes.add(box)
  return () => {
    paused.delete(box)
    if (boxes.delete(box) && boxes.size === 0) closeSignals()
  }
}

async function suspend(): Promise<void> {
  if (suspending !== undefined) return
  const own = {}
  suspending = own
  const asked = [...boxes]
  for (const box of asked) paused.add(box)
  const late = new AbortController()
  await Promise.race([
    Promise.all(
      asked.map((box) =>
        box.onPause().catch(() => box.onNote("the box could not be stopped where it stands (suspended)")),
      ),
    ),
    sleep(PATIENCE, undefined, { signal: late.signal }).catch(() => {}),
  ])
  late.abort()
  // Somebody had it go on meanwhile.
  if (suspending !== own) return
  process.kill(process.pid, "SIGSTOP")
  setTimeout(() => suspending === own && resume(), STOPPED).unref()
}

function resume(): void {
  suspending = undefined
  for (const box of [...paused]) {
    paused.delete(box)
    box.onResume().catch(() => box.onNote("the box could not be let go on (suspended)"))
  }
}
