// What `nanoguard selftest` finds: one outcome for each probe that ran inside of a box.
import type { EngineName } from "../types.ts"

export type ProbeState = "held" | "broke" | "cannot-tell"

export interface Outcome {
  probe: string
  /** Of the checklist of escapes: N1 to N8, F1 to F4, K1 to K6, or `beyond`. */
  item: string
  /** What was tried. */
  title: string
  state: ProbeState
  /** What came of it. Written inside of the box: nothing to trust on a terminal. */
  saw: string
}

/** What a box has to keep to, as its probes are told. */
export interface ProbeLimits {
  memory: number
  pids: number
  files: number
}

export interface SelftestReport {
  schema: "nanoguard.selftest/1"
  engine: EngineName
  /** OCI runtime, where it is not the engine's default. */
  runtime?: string
  image?: string
  /** Exit code of the box. */
  exit: number
  /** What it said on stderr, where it did not end well. Nothing to trust on a terminal. */
  said?: string
  counts: Record<ProbeState, number>
  outcomes: Outcome[]
}
