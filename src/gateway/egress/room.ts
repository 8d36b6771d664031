// How much of all bodies is in memory at once: bounded over all runs, and a part of that for each. A body that was read before its request was
// decided is there until the answer passed, and so is its place.

/** Bytes of all bodies that are kept at once, and of one run's. */
const ALL = 256 * 1024 * 1024
const PER_RUN = 32 * 1024 * 1024

/** There is no room for more of a body: of all bodies together, or of those of its run. */
export class Crowded extends Error {
  override name = "Crowded"
  of: "run" | "all"
  constructor(of: "run" | "all") {
    super(of === "run" ? "too many bodies of this run are read at once" : "too many bodies are read at once")
    this.of = of
  }
}

/** What one request has of the room. */
export interface Place {
  /** Takes room for so many more bytes; throws `Crowded` where there is none. */
  take: (bytes: number) => void
  /** Gives all of it back. */
  leave: () => void
}

export interface Room {
  enter: (run: string) => Place
  /** Bytes that are taken. */
  readonly used: number
}

/** A room of `all` bytes, of which one run takes `perRun` at most. */
export function createRoom({ all = ALL, perRun = PER_RUN }: { all?: number; perRun?: number } = {}): Room {
  const runs = new Map<string, number>()
  let used = 0
  const change = (run: string, bytes: number) => {
    used += bytes
    const own = (runs.get(run) ?? 0) + bytes
    if (own === 0) runs.delete(run)
    else runs.set(run, own)
  }
  return {
    get used() {
      return used
    },
    enter: (run) => {
      let taken = 0
      return {
        take: (bytes) => {
          if ((runs.get(run) ?? 0) + bytes > perRun) throw new Crowded("run")
          if (used + bytes > all) throw new Crowded("all")
          taken += bytes
          change(run, bytes)
        },
        leave: () => {
          if (taken > 0) change(run, -taken)
          taken = 0
        },
      }
    },
  }
}
