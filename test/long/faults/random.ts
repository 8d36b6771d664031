// The random choices of the fault tests, all of one seed.
import { randomOf } from "../../audit/events.ts"

/** NANOGUARD_SEED, which .ci/run prints, or always the same. */
export const SEED = Number(process.env["NANOGUARD_SEED"]) || 20_261_121

/** Whether only a sample is to be run. */
export const SAMPLE = process.env["NANOGUARD_SAMPLE"] === "1"

export interface Random {
  /** From 0 up to 1. */
  next: () => number
  /** A whole number from 0 up to `end`, which is not among them. */
  below: (end: number) => number
  /** True so often of 1. */
  chance: (of: number) => boolean
  pick: <T>(from: readonly T[]) => T
}

/** Random choices, the same for the same seed. */
export function makeRandom(seed: number): Random {
  const next = randomOf(seed)
  const below = (end: number) => Math.floor(next() * end)
  return { next, below, chance: (of) => next() < of, pick: (from) => from[below(from.length)]! }
}
