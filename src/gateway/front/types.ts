// What the registry front works with, and one request as the server hands it on.
import type { Ecosystem } from "../../policy/types.ts"
import type { Desk } from "../desk.ts"
import type { Law } from "../law.ts"
import type { Metrics } from "../metrics.ts"
import type { Recorder } from "../recorder.ts"
import type { RunBook } from "../runs.ts"
import type { Attribution, Client, Protocol, RawRequest } from "../types.ts"
import type { Upstream } from "../upstream/types.ts"

export type { Law } from "../law.ts"

export interface Front {
  readonly protocols: ReadonlyMap<Ecosystem, Protocol>
  /** What is in force now; a request goes by one law from its beginning to its end. */
  readonly law: () => Law
  readonly upstream: Upstream
  readonly recorder: Recorder
  readonly desk: Desk
  readonly runs: RunBook
  readonly metrics: Pick<Metrics, "decided">
  /** Milliseconds that a request may wait for a person; 0: a refusal at once that says that it waits. */
  readonly wait: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether somebody is under a kill; nobody is where absent. */
  readonly killed?: (who: Attribution) => boolean
}

export interface Asked {
  ecosystem: Ecosystem
  raw: RawRequest
  client: Client
  who: Attribution
  /** Our own address of the protocol's mount, as the client reached it: for what a listing names. */
  base: string
  /** The client's `if-none-match`. */
  etag?: string
  /** The body of a POST, bounded. */
  body?: Buffer
}
