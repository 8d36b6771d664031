// The connections that go through the gate: how many there may be, and how they are cut.
import type { Duplex } from "node:stream"
import type { Attribution } from "../types.ts"
import type { Target } from "./types.ts"

/** A client's connection, and where it leads. */
export interface Link {
  who: Attribution
  target: Target
  socket: Duplex
}

export interface Live {
  /** Counts a connection until its socket closes, or until what is returned is called; undefined where there are too many already. */
  add: (link: Link) => (() => void) | undefined
  /** Ends all connections that `matches` is true of, and says how many these were. */
  cut: (matches: (link: Link) => boolean) => number
  readonly size: number
}

/** Bounds the connections of one run, and of all together. */
export function createLive(limits: { perRun: number; all: number }): Live {
  const links = new Set<Link>()
  const perRun = new Map<string, number>()
  const count = ({ run }: Attribution, change: number) => {
    const now = (perRun.get(run) ?? 0) + change
    if (now > 0) perRun.set(run, now)
    else perRun.delete(run)
  }
  return {
    add: (link) => {
      if (links.size >= limits.all || (perRun.get(link.who.run) ?? 0) >= limits.perRun) return undefined
      links.add(link)
      count(link.who, 1)
      const drop = () => {
        link.socket.off("close", drop)
        if (links.delete(link)) count(link.who, -1)
      }
      link.socket.once("close", drop)
      return drop
    },
    cut: (matches) => {
      const found = [...links].filter(matches)
      for (const { socket } of found) socket.destroy()
      return found.length
    },
    get size() {
      return links.size
    },
  }
}
