// Kills in the gate: whoever is under one is refused whatever they ask, cut off from what is under way, and never comes back under the same
// run. What a `resume` lifts is for runs that begin after it.
import type { Duplex } from "node:stream"
import { createKillWatch } from "../sandbox/kills/watch.ts"
import type { Store } from "../store/types.ts"
import type { Boxes } from "./boxes/boxes.ts"
import type { OpenEgress } from "./egress/open.ts"
import type { RunBook } from "./runs.ts"
import type { Attribution } from "./types.ts"

export interface Stops {
  killed: (who: Attribution) => boolean
  /** A connection answers somebody, until what is returned is called. */
  answering: (who: Attribution, socket: Duplex) => () => void
  /** Somebody waits for a person, until what is returned is called. */
  waiting: (who: Attribution) => () => void
  close: () => void
}

export interface StopsOptions {
  store: Pick<Store, "db" | "subscribe">
  /** Where kills wait that the store could not take. */
  directory: string
  runs: RunBook
  egress: () => Pick<OpenEgress, "holds" | "cutTunnels" | "endVisit"> | undefined
  boxes: () => Pick<Boxes, "cut"> | undefined
  onTrouble: (error: unknown) => void
}

/** Milliseconds for requests that wait for a person: their answer says that the agent is stopped. All else is cut at once. */
const LAST_WORD = 250

/** Follows the kills of a store. Errors: environment (it cannot be read). */
export async function openStops({ store, directory, runs, egress, boxes, onTrouble }: StopsOptions): Promise<Stops> {
  const watch = await createKillWatch(store, onTrouble, directory)
  const asking = new Set<{ who: Attribution; socket: Duplex }>()
  const waits = new Map<string, number>()
  const killed = (who: Attribution) => runs.isStopped(who) || watch.isKilled(who)

  const cut = (matches: (who: Attribution) => boolean) => {
    egress()?.cutTunnels(({ who }) => matches(who))
    for (const { who, socket } of asking) if (matches(who)) socket.destroy()
    boxes()?.cut(matches)
  }
  const apply = () => {
    const found = runs.everyone().filter((who) => !runs.isStopped(who) && watch.isKilled(who))
    if (found.length === 0) return
    for (const who of found) runs.stop(who)
    // What is held is decided again, and refused.
    egress()?.holds.recall()
    cut((who) => killed(who) && !waits.has(who.run))
    setTimeout(() => {
      cut(killed)
      for (const who of found) egress()?.endVisit(who, true)
    }, LAST_WORD).unref()
  }
  const unsubscribe = watch.onChange(apply)
  return {
    killed,
    answering: (who, socket) => {
      const one = { who, socket }
      asking.add(one)
      return () => void asking.delete(one)
    },
    waiting: ({ run }) => {
      waits.set(run, (waits.get(run) ?? 0) + 1)
      return () => {
        const left = (waits.get(run) ?? 1) - 1
        if (left > 0) waits.set(run, left)
        else waits.delete(run)
      }
    },
    close: () => {
      unsubscribe()
      watch.close()
    },
  }
}
