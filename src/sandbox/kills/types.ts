// The kill switch: who is stopped, and until a person lifts it. A kill needs nobody's leave; a resume is signed by an approver.
import type { KillTarget } from "../types.ts"

/** A kill that stands. `by` and `reason` are personal: never in evidence, in the answer to an agent, or in the log as they are. */
export interface Kill {
  target: KillTarget
  /** Milliseconds since the epoch. */
  time: number
  by: string
  reason: string
  /** Row of the store; 0 for one that waits in the state directory, and for one that follows from rows that are missing. */
  position: number
}

/** Who wants to do something: its run, and those above it, for a swarm's children end with what started them. */
export interface KillSubject {
  agent: string
  run: string
  /** Runs, or names of agents, above this one. */
  parents?: readonly string[]
}

/** What a process that decides for agents knows of kills, at any moment. */
export interface KillWatch {
  /** Whether a kill is on this agent, its run, one above it, or all. Costs a few look-ups. */
  isKilled: (who: KillSubject) => boolean
  /** The kill that is on them: why, and since when. */
  killOn: (who: KillSubject) => Kill | undefined
  /** Calls back after what stands has changed, soon after the commit. Returns what ends it. */
  onChange: (listener: () => void) => () => void
  close: () => void
}

/** Names of agents and runs, as the commands and the gate take them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** "all", "agent:<name>" or "run:<id>", as the store has it. */
export function formatTarget(target: KillTarget): string {
  return target.kind === "all" ? "all" : `${target.kind}:${target.name}`
}

/** The reverse; undefined for what names nobody. */
export function readTarget(text: string): KillTarget | undefined {
  if (text === "all") return { kind: "all" }
  const kind = text.startsWith("agent:") ? "agent" : text.startsWith("run:") ? "run" : undefined
  const name = text.slice((kind?.length ?? 0) + 1)
  return kind !== undefined && isTargetName(name) ? { kind, name } : undefined
}

/** Whether a name may be that of an agent or run. */
export const isTargetName = (name: string): boolean => NAME.test(name)

/** The kills that are on somebody, of those that stand. */
export function killsOn(standing: ReadonlyMap<string, Kill>, { agent, run, parents = [] }: KillSubject): Kill[] {
  if (standing.size === 0) return []
  const targets = [
    "all",
    `agent:${agent}`,
    `run:${run}`,
    ...parents.flatMap((name) => [`run:${name}`, `agent:${name}`]),
  ]
  return targets.flatMap((target) => standing.get(target) ?? [])
}
