// Clients that wait for people, woken by what is committed: one subscription for all of them, and one look at the log for each wake.
import { FEED_PAGE, lastRecord, readFeed } from "../../approvals/feed.ts"
import { approvalState } from "../../approvals/queue.ts"
import type { Store } from "../../store/types.ts"
import type { SettledState } from "./types.ts"

export interface Waiting {
  /** Resolves once a request is decided or over, or its client has left. `expires` in milliseconds since the epoch. Never rejects. */
  wait: (id: string, expires: number, signal: AbortSignal) => Promise<SettledState>
  readonly size: number
  /** Looks at once for what was decided. */
  wake: () => void
  /** Ends all waiting, in this way. */
  release: (settled: SettledState) => void
}

interface Waiter {
  expires: number
  settle: (settled: SettledState) => void
}

const OUTCOMES: Readonly<Record<string, SettledState>> = {
  "approval.granted": "granted",
  "approval.denied": "denied",
  "approval.expired": "expired",
  "approval.cancelled": "cancelled",
}

/** Milliseconds between looks that nobody asked for: a subscription may miss a commit. */
const LOOK = 1_000

/** `now` in milliseconds since the epoch; `onDecided` is told before anybody who waited is. */
export function createWaiting(
  store: Pick<Store, "db" | "subscribe">,
  now: () => number,
  onDecided: () => void,
): Waiting {
  const waiters = new Map<string, Set<Waiter>>()
  let stop: (() => void) | undefined
  /** The last record that was looked at; undefined where nobody waits. */
  let position: number | undefined
  let looking: Promise<void> | undefined
  let again = false
  let size = 0
  /** When it was last looked for those whose time is up. */
  let expiredAt = 0

  const settle = (id: string, settled: SettledState) => {
    for (const waiter of [...(waiters.get(id) ?? [])]) waiter.settle(settled)
  }
  const readState = async (id: string): Promise<SettledState | undefined> => {
    const found = await approvalState(store.db, id, now())
    switch (found?.state) {
      case "pending":
        return undefined
      // Used by somebody else, perhaps: whoever is told decides again.
      case "granted":
      case "consumed":
        return "granted"
      case "denied":
        return "denied"
      default:
        // What is over before its time was withdrawn.
        return found !== undefined && now() < Date.parse(found.expires) ? "cancelled" : "expired"
    }
  }
  const expiredNow = () => {
    const time = now()
    return [...waiters].flatMap(([id, set]) => ([...set].some(({ expires }) => expires <= time) ? [id] : []))
  }
  const round = async () => {
    const end = await lastRecord(store.db)
    for (let from = position ?? end; from < end; ) {
      const found = await readFeed(store.db, from, end)
      const told = found.flatMap(({ approval, type }) => {
        const settled = OUTCOMES[type]
        return settled !== undefined && waiters.has(approval) ? [{ id: approval, settled }] : []
      })
      if (told.length > 0) onDecided()
      for (const one of told) settle(one.id, one.settled)
      from = found.length < FEED_PAGE ? end : found.at(-1)!.seq
      position = from
    }
    position ??= end
    if (performance.now() - expiredAt < LOOK) return
    expiredAt = performance.now()
    for (const id of expiredNow()) {
      // Somebody may have decided in the last moment.
      const settled = await readState(id)
      if (settled === "granted") onDecided()
      settle(id, settled ?? "expired")
    }
  }
  const look = (): Promise<void> => {
    if (looking) {
      again = true
      return looking
    }
    again = false
    looking = round()
      // A store that cannot be read is read again; nobody is let through meanwhile.
      .catch(() => {
        for (const id of expiredNow()) settle(id, "expired")
      })
      .finally(() => {
        looking = undefined
        if (again && waiters.size > 0) void look()
      })
    return looking
  }
  const start = () => {
    if (stop) return
    const unsubscribe = store.subscribe(() => void look())
    const timer = setInterval(() => void look(), LOOK).unref()
    stop = () => {
      unsubscribe()
      clearInterval(timer)
      stop = undefined
      position = undefined
    }
  }

  return {
    get size() {
      return size
    },
    wait: (id, expires, signal) =>
      new Promise((resolve) => {
        const set = waiters.get(id) ?? new Set()
        const waiter: Waiter = {
          expires,
          settle: (settled) => {
            if (!set.delete(waiter)) return
            size--
            if (set.size === 0) waiters.delete(id)
            if (waiters.size === 0) stop?.()
            signal.removeEventListener("abort", leave)
            resolve(settled)
          },
        }
        const leave = () => waiter.settle("left")
        set.add(waiter)
        waiters.set(id, set)
        size++
        start()
        if (signal.aborted) return leave()
        signal.addEventListener("abort", leave)
        // What was decided before anybody looked at the log is in the row.
        const known = position === undefined ? look() : Promise.resolve()
        void known
          .then(() => readState(id))
          .then((settled) => {
            if (settled === "granted") onDecided()
            if (settled) waiter.settle(settled)
          })
          .catch(() => {})
      }),
    wake: () => {
      if (waiters.size > 0) void look()
    },
    release: (settled) => {
      for (const id of [...waiters.keys()]) settle(id, settled)
    },
  }
}
