// The contract of `nanoguard doctor`: what a check is given, and what it says.
import type { AdoptedPolicy } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import type { GateStatus } from "../gateway/control.ts"
import type { LayerText } from "../policy/load.ts"
import type { Reader } from "../store/reader.ts"

/** `skip`: could not be told, or does not apply here. */
export type CheckState = "ok" | "warn" | "fail" | "skip"

export type FactValue = string | number | boolean | readonly string[]

/** What one check found. */
export interface Finding {
  state: CheckState
  facts?: Readonly<Record<string, FactValue>>
  /** One sentence: how it stands, or what is wrong with it. */
  why: string
  /** The exact command that mends it. */
  fix?: string
}

export interface CheckResult extends Finding {
  /** Stable: `store`, `engine.docker`. */
  id: string
  title: string
}

/** One part of nanoguard that is looked at. It may throw a `NanoguardError`, which is a failure. */
export interface Check {
  id: string
  title: string
  run: (tools: Tools) => Promise<Finding>
}

/** How the policy of this directory stands. */
export interface Law {
  project: string
  /** The files that are here now. */
  texts: readonly LayerText[]
  /** What is in force; a sentence where what was adopted does not hold any more. */
  adopted?: AdoptedPolicy | string
}

/** What several checks look at, each gathered once. Every function may reject with a `NanoguardError`. */
export interface Tools {
  /** Programs that it runs are ended in time. */
  ctx: Context
  /** Undefined where no gate runs. */
  gate: () => Promise<GateStatus | undefined>
  /** Undefined where there is no record yet: to look makes none. */
  reader: () => Promise<Reader | undefined>
  law: () => Promise<Law>
}

export interface DoctorReport {
  schema: "nanoguard.doctor/1"
  /** RFC 3339. */
  time: string
  version: string
  platform: string
  counts: Record<CheckState, number>
  checks: CheckResult[]
  /** What is true of every installation, and easily forgotten. */
  notes: string[]
}
