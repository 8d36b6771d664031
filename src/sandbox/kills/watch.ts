// Kills, as a gate follows them: read at its start and after every commit, and never forgotten while it runs.
import type { NanoguardError } from "../../errors.ts"
import type { Store } from "../../store/types.ts"
import { type KillChain, keepHead, readKills, readKillsMark } from "./chain.ts"
import { readWaiting } from "./sticky.ts"
import { type Kill, type KillWatch, killsOn } from "./types.ts"

export type { KillWatch } from "./types.ts"

/** Milliseconds between two looks for kills that could not be written to the store. */
const LOOK = 500

/**
 * Follows the kills of a store and, where it is given, of a state directory (`stateHome`): what could not be written to the store waits
 * there, and how far the chain had come. Rejects where they cannot be read at all; later `onTrouble` is told, and what was known stays: a kill that was seen ends by a
 * signed resume alone, whatever becomes of its row.
 */
export async function createKillWatch(
  store: Pick<Store, "db" | "subscribe">,
  onTrouble: (error: NanoguardError) => void,
  directory?: string,
): Promise<KillWatch> {
  const listeners = new Set<() => void>()
  const look = () => (directory === undefined ? new Map<string, Kill>() : readWaiting(directory))
  const readChain = async () => {
    const read = await readKills(store.db, directory)
    if (directory !== undefined && read.cut === undefined) await keepHead(store.db, directory, read)
    return read
  }
  let chain = await readChain()
  let mark = ""
  let waiting = look()
  let standing = join(chain.standing, waiting)
  let isReading = false
  let again = false
  let isClosed = false

  const settle = () => {
    const before = standing
    standing = join(chain.standing, waiting)
    if (!isSame(before, standing)) for (const listener of listeners) queueMicrotask(listener)
  }
  const read = async () => {
    isReading = true
    do {
      again = false
      try {
        const current = await readKillsMark(store.db)
        // What is missing is found, or lifted, without another row: the head is kept after that.
        if (current === mark && chain.cut === undefined) continue
        const next = await readChain()
        if (isClosed) return
        mark = current
        chain = withoutReturn(chain, next)
        settle()
      } catch (error) {
        if (!isClosed) onTrouble(error as NanoguardError)
      }
    } while (again && !isClosed)
    isReading = false
  }
  const wake = () => {
    again = true
    if (!isReading) void read()
  }
  const unsubscribe = store.subscribe(wake)
  // What was committed between the first look and the subscription.
  wake()
  const timer = setInterval(() => {
    waiting = look()
    settle()
    if (chain.cut !== undefined) wake()
  }, LOOK).unref()
  return {
    isKilled: (who) => killsOn(standing, who).length > 0,
    killOn: (who) => killsOn(standing, who)[0],
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      isClosed = true
      listeners.clear()
      clearInterval(timer)
      unsubscribe()
    },
  }
}

/** A chain whose last rows were cut off does not give back whom they stopped; a resume that was signed since then does. */
function withoutReturn(before: KillChain, now: KillChain): KillChain {
  if (now.links.has(before.link)) return now
  const isLifted = (target: string) => {
    const link = now.lifted.get(target)
    return link !== undefined && !before.links.has(link)
  }
  const kept = [...before.standing].filter(([target]) => !isLifted(target))
  // What was known to be there stays what is looked for.
  const { link, links } = before
  return { ...now, standing: new Map([...kept, ...now.standing]), link, links }
}

function join(standing: ReadonlyMap<string, Kill>, waiting: ReadonlyMap<string, Kill>): ReadonlyMap<string, Kill> {
  return waiting.size === 0 ? standing : new Map([...waiting, ...standing])
}

function isSame(a: ReadonlyMap<string, Kill>, b: ReadonlyMap<string, Kill>): boolean {
  return a.size === b.size && [...a.keys()].every((target) => b.has(target))
}
