// The tables that are derived from the log, as Kysely's types: they can be rebuilt at any time.
import type { Generated } from "kysely"

/** Merkle hashes in C2SP tlog-tiles form, height 8: up to 256 hashes of 32 bytes, of level `8 * level`. */
export interface TilesTable {
  level: number
  position: number
  hashes: Uint8Array
}

/** One row an event: what filters need. */
export interface EntriesTable {
  seq: number
  /** Milliseconds since the epoch. */
  time: number
  kind: string
  type: string
  agent: string
  run: string
  effect: string
  outcome: string
  /** Row of `uses`, where the event names an item. */
  use: number | null
  /** How many actions it stands for: more than 1 where it says that earlier ones were repeated. */
  times: number
}

export interface AgentsTable {
  id: Generated<number>
  agent: string
  run: string
  /** Commitment; "" where unknown. */
  operator: string
  gateway: string
  policy: string
  boxed: number | null
  first: number
  last: number
  events: number
  /** Time of `sandbox.started`, of `sandbox.ended`; null where there is none. */
  started: number | null
  ended: number | null
  /** Outcome of the end. */
  outcome: string
}

/** A thing that agents consume: a package, a CLI tool, an MCP server, a skill, a host. */
export interface ItemsTable {
  id: Generated<number>
  kind: string
  name: string
  version: string
  digest: string
}

/** That an agent asked for an item, with one outcome, under one policy, by one operator and set of approvers. */
export interface UsesTable {
  id: Generated<number>
  agent: string
  item: number
  outcome: string
  operator: string
  policy: string
  /** Commitments of the approvers, sorted, separated by a space; "" where nobody was asked. */
  approvers: string
  firstSeq: number
  lastSeq: number
  first: number
  last: number
  count: number
}

/** Advisories that the evidence of a use's verdicts named. */
export interface TouchedTable {
  advisory: string
  use: number
}

/** Where derivation stands: `seq` is the last event that the derived tables contain. */
export interface DerivedTable {
  name: string
  value: string
}
