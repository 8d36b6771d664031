// What a person's yes is to the law, apart from what it is to the people who gave it.
import type { Severity } from "./types.ts"

/**
 * A person's answer in force for exactly this action: it takes the named codes out of the verdict. Never a floor, never what a
 * layer above the repository's own denies. Nobody's name is in it: evidence is recorded whole.
 */
export interface Grant {
  /** Id of the approval: `ap-...`. */
  id: string
  /** `ask` lifts what asks; `exception` also what denies. */
  kind: "ask" | "exception"
  codes: readonly string[]
  /** Advisories, and facts that are missing, that the person was shown: what rests on another one stands. */
  advisories?: readonly string[]
  missing?: readonly string[]
  /** Who agreed, as rules name approvers; "" for rules that name none. Another group's rules stand. */
  approvers: string
  /** The risk that they were shown, `medium` where absent: a rule that names a graver one stands. */
  risk?: Severity
  /** Milliseconds since the epoch: the first instant at which it no longer holds. */
  expires: number
}
