// The authorities of all runs: each made when it is first needed, and forgotten with its run.
import { openCa, type RunCa } from "./ca.ts"

export interface Cas {
  /** A run's authority, the same for all who ask; a new one where it would not last another `least` milliseconds. */
  of: (run: string, least?: number) => Promise<RunCa>
  drop: (run: string) => void
}

/** Runs whose authorities are kept; the one that was asked for longest ago gives way. */
const RUNS = 1_000

/** Keeps authorities in memory, and nowhere else. */
export function createCas(now: () => number = Date.now): Cas {
  const kept = new Map<string, Promise<RunCa>>()
  return {
    of: async (run, least = 0) => {
      const found = kept.get(run)
      if (found !== undefined) {
        const ca = await found
        if (ca.expires - now() > least) return ca
        // Who else found it expired has put a new one in its place already.
        if (kept.get(run) !== found) return kept.get(run) ?? ca
      }
      const opened = openCa(run, undefined, now)
      kept.delete(run)
      kept.set(run, opened)
      opened.catch(() => kept.delete(run))
      const oldest = kept.keys().next().value
      if (kept.size > RUNS && oldest !== undefined) kept.delete(oldest)
      return opened
    },
    drop: (run) => void kept.delete(run),
  }
}
