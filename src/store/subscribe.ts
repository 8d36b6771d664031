// Who wants to hear of commits, and how often: soon after the first one, then at most every 10 ms, however many there are.
import type { Kysely } from "kysely"
import type { StoreLocation } from "./location.ts"
import type { Tables } from "./schema.ts"

/** Milliseconds between two calls of a listener. */
const PAUSE = 10

export interface Subscriptions {
  subscribe(listener: () => void): () => void
  /** Something was committed: by this process, or seen from outside. */
  notify(): void
  close(): void
}

/** Starts to look for the commits of other processes. Returns what ends it. */
export type StartWatching = (notify: () => void) => () => void

/** Listeners of one store; other processes' commits are looked for only while there is one. */
export function createSubscriptions(startWatching: StartWatching): Subscriptions {
  const listeners = new Set<{ call: () => void }>()
  let stopWatching: (() => void) | undefined
  let pause: NodeJS.Timeout | undefined
  let missed = false

  const callAll = () => {
    missed = false
    pause = setTimeout(() => {
      pause = undefined
      if (missed) callAll()
    }, PAUSE).unref()
    // A listener that throws is its owner's affair: it ends like any error in a timer, and keeps nobody else from hearing.
    for (const { call } of listeners) queueMicrotask(call)
  }
  const notify = () => {
    if (listeners.size === 0) return
    if (pause === undefined) callAll()
    else missed = true
  }
  const stop = () => {
    stopWatching?.()
    stopWatching = undefined
  }
  return {
    notify,
    subscribe(call) {
      const one = { call }
      listeners.add(one)
      stopWatching ??= startWatching(notify)
      return () => {
        if (listeners.delete(one) && listeners.size === 0) stop()
      }
    },
    close() {
      listeners.clear()
      clearTimeout(pause)
      stop()
    },
  }
}

/** How the commits of other processes are seen, for each kind of store. */
export async function watchingOf(location: StoreLocation, db: Kysely<Tables>): Promise<StartWatching> {
  if (location.kind === "postgres") {
    const { listenForCommits } = await import("./postgres/listen.ts")
    return (notify) => listenForCommits(location.url, notify)
  }
  const { watchRecord } = await import("./sqlite/watch.ts")
  return (notify) => watchRecord(location.directory, db, notify)
}
