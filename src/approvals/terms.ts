// What a plain yes means where a person says nothing more about it.
import type { Binding, Terms } from "./types.ts"

/** Milliseconds that an approval holds where nothing else is said. A kind is what another version wrote: `toString` may be one. */
const HOLDS: ReadonlyMap<string, number> = new Map([
  ["exception", 14 * 86_400_000],
  ["network", 3_600_000],
])
const OTHERWISE = 12 * 3_600_000

/** The terms of a plain yes: a request once, within the hour; a package as often as needed, for the run that asked. */
export function plainTerms({ kind, run }: Pick<Binding, "kind" | "run">, now: number): Terms {
  const whole = kind === "exception" || run === undefined
  return {
    ...{ scope: whole ? "agent" : "run", expires: now + (HOLDS.get(kind) ?? OTHERWISE) },
    ...(kind === "network" && { uses: 1 }),
  }
}
