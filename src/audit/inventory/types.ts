// What the System of Record answers with.
import type { Item, Outcome } from "../types.ts"

/** What is asked of it; members that are absent choose nothing. */
export interface InventoryQuery {
  agent?: string | undefined
  kind?: Item["kind"] | undefined
  /** An advisory, a purl with or without version, or the name of a host, MCP server, skill or tool. */
  touched?: string | undefined
  /** Milliseconds since the epoch: only what the record had by then, that millisecond included. */
  asOf?: number | undefined
  /** What was asked for and not given, instead of what was. */
  refused?: boolean | undefined
}

/** A person as far as the store still knows one: `name` is null once it was erased. */
export interface Person {
  commitment: string
  name: string | null
}

/** Of a run: a start without an end, both, or no start in the record (a gateway that nobody told of runs). */
export type RunState = "running" | "ended" | "seen"

/** What the record last said of a run by then. Times are RFC 3339, UTC. */
export interface AgentRun {
  /** "" for what happened outside of any run. */
  run: string
  state: RunState
  /** Null where no record says. */
  boxed: boolean | null
  operator: Person | null
  policy: string
  gateway: string
  first: string
  last: string
  started: string | null
  ended: string | null
  /** Of its end. */
  outcome: string
  events: number
}

export interface InventoryAgent {
  /** "" where the gateway was told of a run and not of its agent. */
  agent: string
  /** Runs that have started and not ended. */
  running: number
  /** Of all runs, the latest run's first. */
  operators: Person[]
  policies: string[]
  gateways: string[]
  first: string
  last: string
  events: number
  /** Latest first. */
  runs: AgentRun[]
}

/**
 * Why something counts as touched by an advisory: the verdict on this use named it; the verdict on another use of the same version
 * did; or the local advisories say it today, whatever was known then. `undecided`: they cannot compare this version.
 */
export type Reason = "verdict" | "other-verdict" | "index" | "undecided"

/** That an agent used an item, under one policy and with one outcome. Times are RFC 3339, UTC. */
export interface InventoryUse {
  agent: string
  /** "" where the record states none. */
  outcome: Outcome | ""
  operator: Person | null
  policy: string
  approvers: Person[]
  first: string
  last: string
  firstSeq: number
  lastSeq: number
  count: number
  because?: Reason[]
}

export interface InventoryItem {
  kind: Item["kind"]
  /** A purl without version, or a name. */
  name: string
  version: string
  digest: string
  /** The earliest first. */
  uses: InventoryUse[]
}

/** How an answer to `touched` was found. */
export interface TouchedReport {
  asked: string
  by: "advisory" | "package" | "name"
  /** The advisory's names, as far as the local advisories tell. */
  advisories: string[]
  /** The local advisories that were searched; null where the question needs none. */
  index: { searched: true; kind: string; asOf: string; partial: boolean } | { searched: false; reason: string } | null
}

export interface Inventory {
  schema: "nanoguard.audit-inventory/1"
  /** The instant that it describes. */
  asOf: string
  /** Records that it rests on: up to this sequence number. */
  seq: number
  refused: boolean
  agents: InventoryAgent[]
  items: InventoryItem[]
  /** Uses that the other answer to `refused` would list. */
  others: number
  touched?: TouchedReport
}
