// The approver's terminal as data: what it shows, what happens to it, and what it has done.
import type { Background } from "../background.ts"
import type { Approval, Terms } from "../types.ts"

/** A request that waits, with what stands around it. */
export interface Waiting {
  approval: Approval
  /** Those whose signed yes counts. */
  agreed: readonly string[]
  /** How many more have to agree. */
  missing: number
  /** False where the person at this terminal may not decide it, or has answered already. */
  mine: boolean
  /** The person at this terminal operates the agent that asks. */
  own?: true
  /** Undefined until it was read: before that nothing can be decided. */
  background?: Background
}

/** What the person is about to sign. */
export interface Pending {
  answer: "approve" | "deny"
  ids: readonly string[]
  /** By id. */
  terms: Readonly<Record<string, Terms>>
}

export type Mode =
  | { at: "card" }
  | { at: "full" | "rule" | "help"; offset: number }
  /** Those that the list shows, and nobody else. */
  | { at: "group"; ids: readonly string[] }
  | { at: "reason"; ids: readonly string[]; text: string }
  | { at: "uses"; id: string; text: string }
  | { at: "minutes"; id: string; uses: number; text: string }
  | { at: "confirm"; pending: Pending }
  | { at: "signing"; ids: readonly string[] }

export interface LiveState {
  /** Who signs. */
  signer: string
  /** The gravest first, then the oldest. */
  queue: readonly Waiting[]
  /** Id of the card that is shown; undefined where nothing waits. */
  current?: string
  mode: Mode
  /** Ids of what this person decided last. */
  signed: readonly string[]
  /** When what a key would decide about was drawn (ms); undefined until it is. Keys that came earlier decide nothing. */
  shown?: number
  /** Milliseconds since the epoch. */
  now: number
  /** What happened last: one line. */
  notice?: string
  size: { columns: number; rows: number }
  /** False where the terminal is too small to show what has to be seen. */
  fits: boolean
}

export type LiveEvent =
  /** `key`: a name such as `enter`, or the character. */
  | { type: "key"; key: string }
  /** A whole line, as a terminal without a screen gives it. */
  | { type: "line"; text: string }
  /** `gone`: how those that wait no more ended. */
  | { type: "queue"; queue: readonly Waiting[]; gone: Readonly<Record<string, string>> }
  | { type: "tick" }
  /** The screen shows this state, whole: `fits` as the renderer says, `last` the highest offset of the view. */
  | { type: "drawn"; fits: boolean; last: number }
  | { type: "resized"; columns: number; rows: number }
  /** What became of what was signed. */
  | { type: "answered"; notice: string }
  | { type: "trouble"; notice: string }

export type Effect =
  | { do: "answer"; items: readonly { id: string; digest: string; answer: "approve" | "deny"; terms: Terms }[] }
  /** Fetch what the full view shows besides: the body. */
  | { do: "body"; id: string }
  /** Fetch the line that the policy could have. */
  | { do: "rule"; id: string }
  | { do: "suspend" }
  | { do: "quit" }

export interface Step {
  state: LiveState
  effects: readonly Effect[]
}
