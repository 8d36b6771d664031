// What the egress proxy works with.

import type { TokenSource } from "../../vault/oauth.ts"
import type { Resealer } from "../../vault/reseal.ts"
import type { Vault } from "../../vault/types.ts"
import type { Front } from "../front/types.ts"
import type { Holds } from "../hold/types.ts"
import type { Identify } from "../identity.ts"
import type { Law } from "../law.ts"
import type { Lru } from "../lru.ts"
import type { Attribution } from "../types.ts"
import type { Origins } from "./origins.ts"
import type { Room } from "./room.ts"
import type { Sightings } from "./sightings.ts"
import type { Budgets, TrafficRecorder } from "./types.ts"

export interface EgressDeps {
  /** What is in force now; a request goes by one law from its beginning to its end, unless it waits for a person. */
  law: () => Law
  /** The package gate, for requests that go to a registry. */
  front: Front
  identify: Identify
  traffic: TrafficRecorder
  holds: Holds
  /** Undefined where nobody set it up. */
  vault: Vault | undefined
  /** Tokens of credentials that are OAuth clients. */
  tokens: TokenSource
  /** Tokens that origins handed out to agents. */
  resealer: Resealer
  budgets: Budgets
  /** For bodies that are read before their requests are decided. */
  room: Room
  origins: Origins
  /** What runs were shown of hosts and addresses. */
  sightings: Sightings
  /** Hosts that runs were let through to, `run host port`: bounded. */
  met: Lru<true>
  /** Addresses of a host: all of them, in canonical form. Rejects where there is none. */
  resolve: (host: string) => Promise<readonly string[]>
  now: () => number
  /** Milliseconds that a client may take nothing of an answer. */
  stall: number
  /** Aborts when the gate stops: what is held then is told to come again. */
  stopping: AbortSignal
  /** Told of who waits for people; what it returns is told what became of that. */
  onHeld?: OnHeld | undefined
  /** Told of what went wrong inside; the client got 503. */
  onTrouble: (error: unknown) => void
}

export type OnHeld = (who: Attribution, approval: string, subject: string) => (state: string) => void
