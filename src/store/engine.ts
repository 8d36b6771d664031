// What the committer's thread asks of a database: one interface, with SQLite and PostgreSQL behind it.
import type { NewEvent } from "../audit/types.ts"
import type { NanoguardError } from "../errors.ts"
import type { Conflict } from "./conflict.ts"
import type { Draft } from "./draft.ts"
import type { Change } from "./types.ts"

/** A batch as it comes to the engine: already a copy, nobody else changes it. */
export interface PendingBatch {
  readonly changes: readonly Change[]
  readonly events: readonly NewEvent[]
  /** Its one event, half sealed, instead of `events`: only for an engine that was told to expect it. */
  readonly draft?: Draft
  /** As `Batch` has it: a group of such alone need not be synced when it is answered. */
  readonly lax?: true
}

/** What became of one batch of a group that was committed: the places of its events, or why it alone was undone. */
export type Outcome = { seqs: readonly number[] } | { refused: Conflict | NanoguardError }

export interface EngineOptions {
  /** Who writes what the log says about itself: `log.clock-back`, `log.recovered`. */
  gateway: string
  /** 32 bytes that commitments to secrets are keyed with. */
  commitKey: Uint8Array
  /** Milliseconds since the epoch: the time of events that bring none. */
  now: () => number
}

/** A connection that writes, used by one caller at a time. */
export interface Engine {
  /**
   * Makes a group durable in one transaction (one of `lax` batches alone: within 100 ms, and against the end of a process at once), with one outcome for each batch in their order. A batch whose expectation, event
   * or statement fails is undone alone. Rejects with a `NanoguardError` where the group as a whole failed; its text says so where
   * the group may be in the log all the same. After that the engine has put itself right, or fails each group until it can.
   */
  commitGroup(batches: readonly PendingBatch[]): Promise<Outcome[]>
  /** Lets go of the connection. Nothing may be under way. */
  close(): Promise<void>
}
