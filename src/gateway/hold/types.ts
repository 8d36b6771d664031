// The contract of hold and release: what the pipeline asks, and what it is told.
import type { ActiveGrant, Flooded, NetworkArguments } from "../../approvals/types.ts"
import type { Decision } from "../../audit/types.ts"
import type { CompiledPolicy } from "../../policy/compiled.ts"
import type { Verdict } from "../../policy/types.ts"
import type { Change } from "../../store/types.ts"
import type { Attribution } from "../types.ts"

/**
 * How waiting ended. `granted`: decide again, with what `grantsFor` has now. `recalled`: decide again, another policy is in force.
 * `cancelled`: withdrawn, by a kill or by hand. `left`: the client went, or this gate stops; the question stays until its time is up.
 */
export type SettledState = "granted" | "denied" | "expired" | "cancelled" | "left" | "recalled"

export interface Settled {
  state: SettledState
  /** The person's reason for a no: one clean line of bounded length. */
  note?: string
}

/** A request that waits for a person. */
export interface HeldItem {
  state: "pending"
  id: string
  /** `sha256:<hex>` of what was asked. */
  digest: string
  /** RFC 3339. */
  expires: string
  /** Whether the same question waited already: this client takes the place of the one before. */
  reattached: boolean
  /** Never rejects. */
  settled: (signal: AbortSignal) => Promise<Settled>
  /** The bytes that were asked about, as they were sealed; undefined where there are none, or not any more. Before `consume`. */
  body: () => Promise<Buffer | undefined>
}

/** The same question got a no in this run. */
export interface DeniedBefore {
  state: "denied"
  id: string
  /** RFC 3339. */
  expires: string
  /** The person's reason: one clean line of bounded length. */
  note?: string
}

/** Nobody is asked at this time of day: refused at once. */
export interface NobodyAsked {
  state: "quiet"
  /** One line of ours about the hours. */
  note: string
}

export interface Holds {
  /**
   * Verified grants in force that cover this request: for rules of every group that asks about it. At most 500 ms old where nothing was
   * decided or used here meanwhile; nothing is read anew within that time. Rejects where the store cannot be read.
   */
  grantsFor: (who: Attribution, policy: CompiledPolicy, request: NetworkArguments) => Promise<readonly ActiveGrant[]>
  /**
   * Puts the question, or finds it where it waits. Durable, with its body and its events, before it resolves. `decision` goes into the event.
   * Rejects: usage (nothing that asks, a body beyond 8 MiB), environment (store, vault).
   */
  hold: (
    who: Attribution,
    policy: CompiledPolicy,
    verdict: Verdict,
    request: NetworkArguments,
    body: Buffer | undefined,
    decision?: Decision,
  ) => Promise<HeldItem | Flooded | DeniedBefore | NobodyAsked>
  /**
   * What the batch of a release has to contain, beside its event `network.released`: the use of each grant (where one is used up or
   * withdrawn, the batch rejects with `Conflict`: decide again), the end of what was held, and a mark that the outcome is to come. Empty
   * where there is neither grant nor item. An `item` without a grant of its own is withdrawn: another policy let the request through.
   */
  consume: (grants: readonly ActiveGrant[], item?: Pick<HeldItem, "id">) => Change[]
  /**
   * Once the outcome of a release is recorded: removes its mark. `consumed` is what `consume` returned. A release that is not finished when its
   * gate dies is recorded as one of unknown outcome when the gate starts again, and nothing is sent anew.
   */
  finish: (consumed: readonly Change[]) => Promise<void>
  /** The changes that `finish` makes, for a batch of one's own: with `network.failed`, say. */
  finishing: (consumed: readonly Change[]) => Change[]
  /** Has every client that waits here decided again (`recalled`): after another policy came into force. */
  recall: () => void
  /** How often that was. Whoever decided before the last time, and begins to wait now, would not be told: it has to decide again. */
  readonly recalls: number
  /** Looks at once for what was decided: for a decision that came in through this gate. Commits of others are heard of within 20 ms or so. */
  wake: () => void
  /** Withdraws whatever of a run waits; resolves with how many. */
  cancelRun: (run: string) => Promise<number>
  /** Withdraws one request, or a grant; false where there is none to withdraw. */
  cancel: (id: string) => Promise<boolean>
  /** To be called at the start, and every half minute: ends what nobody answered, drops what is over, records what a dead gate left unfinished. */
  sweep: () => Promise<Swept>
  /** Clients that wait here. */
  readonly waiting: number
  /** Lets every client that waits here go (`left`). What they asked stays. */
  close: () => void
}

export interface Swept {
  expired: number
  dropped: number
  /** Releases of which nobody knows what became. */
  unknown: number
}

export interface HoldOptions {
  /** Most requests that wait for people: of one agent, and of all. `MAX_PENDING` where absent. */
  limits?: { readonly agent: number; readonly all: number }
  /** Tells this gate from others of its name that share the store, also once it is started again; its name where absent. */
  owner?: string
}
