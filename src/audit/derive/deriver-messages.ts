// What the main thread and the deriver say to each other.
import type { Failure } from "../../store/committer-messages.ts"
import type { StoreLocation } from "../../store/location.ts"
import type { NewEvent } from "../types.ts"

export interface DeriverData {
  location: StoreLocation
  /** Who writes what the deriver has to tell: `log.anchor-unreachable`, `log.split-view`. */
  gateway: string
  /** The state directory, where `log.key` is. */
  keys: string
  /** For the anchors. */
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  /** Milliseconds that the context's clock is ahead of the system's: 0 but in tests. */
  skew: number
  /** Records, and milliseconds, after which a checkpoint is due; absent for the usual ones. */
  checkpointEvery?: number | undefined
  checkpointMs?: number | undefined
}

export type ToDeriver =
  /** Something was committed. Answered by `woken`; until then another would say nothing new. */
  | { kind: "wake" }
  /** Take a checkpoint over all that is in the log, and publish it. */
  | { kind: "checkpoint"; id: number }
  /** Derive what is there, take a last checkpoint, publish it, say `closed`. */
  | { kind: "close" }

export type FromDeriver =
  | { kind: "ready" }
  /** It cannot derive, and will not try again: the thread ends. */
  | { kind: "refused"; failure: Failure }
  /** It takes up what was committed. */
  | { kind: "woken" }
  /** The index now contains the log up to this record. */
  | { kind: "derived"; seq: number }
  | { kind: "checkpointed"; id: number; size: number }
  | { kind: "failed"; id: number; failure: Failure }
  /** Something is in the way (a full disk, a server that restarts); it goes on trying. Undefined once it works again. */
  | { kind: "trouble"; failure: Failure | undefined }
  /** To be appended to the log. */
  | { kind: "events"; events: readonly NewEvent[] }
  | { kind: "closed" }
