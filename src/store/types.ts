// The contract of the store: one interface over SQLite and PostgreSQL. What is written is written in one transaction and is
// durable when the promise resolves; what is read is typed by Kysely.
import type { Kysely } from "kysely"
import type { NewEvent } from "../audit/types.ts"
import type { Tables } from "./schema.ts"

/** A compiled INSERT, UPDATE or DELETE (Kysely's `compile()` gives one), made within a batch's transaction. */
export interface Change {
  sql: string
  parameters: readonly unknown[]
  /** How many rows it must affect: a compare-and-set. Any other number undoes the whole batch, which rejects with `Conflict`. */
  expect?: number
}

/** What happens together or not at all: a decision, its consumption and its event. Changes are made in order, then the events. */
export interface Batch {
  changes?: readonly Change[]
  events?: readonly NewEvent[]
  /**
   * For what is allowed plainly: acknowledged once a crash of this process, or of any other, can no longer lose it, and synced within
   * 100 ms, so that a crash of the machine may take the last of them. Never for a decision that mattered.
   */
  lax?: true
}

/** Where the events of a batch are in the log: from 1, without gaps, in the order in which they became durable. */
export interface Written {
  seqs: readonly number[]
}

export interface Store {
  readonly kind: "sqlite" | "postgres"
  /** For reading. Sees every write that was acknowledged, by this process or another. Writing goes through `write`. */
  readonly db: Kysely<Tables>
  /**
   * Makes one batch durable: many concurrent calls share one sync. Rejects with `Conflict` where an expectation did not hold,
   * else with a `NanoguardError` (environment) that says whether the batch may be in the log all the same.
   */
  write(batch: Batch): Promise<Written>
  /** `write` of one event; resolves with its sequence number. */
  append(event: NewEvent): Promise<number>
  /**
   * One more repeat of record `seq`, `common` being the JSON of what its event has in common with others. Acknowledged once the end of this
   * process cannot take it back; in the log, within 100 ms and before any batch that is not lax. Undefined, or rejects, where that cannot be
   * done now: then write an event.
   */
  repeat(common: string, seq: number): Promise<void> | undefined
  /** Calls back soon after anything was committed, by whatever process; never with a promise to name each commit. */
  subscribe(listener: () => void): () => void
  /** Asks whoever derives the tree for a signed checkpoint over all that is in the log now; resolves with its size. */
  checkpoint(): Promise<number>
  /** Writes what is pending, takes a last checkpoint where this process wrote events, and lets go of everything. */
  close(): Promise<void>
}

/** The record, opened for reading. */
export interface Reader {
  readonly kind: "sqlite" | "postgres"
  /** Record and derived tables under their own names. Nothing can be written through it. */
  readonly db: Kysely<Tables>
  /** The state directory, where the record is files. */
  readonly directory?: string
  /** For people; without a password. */
  readonly location: string
  /**
   * False where the derived tables stand empty for an index that is not there (and could not be made: derive first).
   * Always true for PostgreSQL.
   */
  readonly indexed: boolean
  /** True where nobody can write here (a read-only file system, a copy as evidence): what is read cannot change meanwhile. */
  readonly immutable: boolean
  close(): Promise<void>
}
