// Refusals of requests: the same 403 as the package gate's, and the few answers that are no decision.
import { CODES } from "../../policy/codes.ts"
import { plainText } from "../../policy/text.ts"
import type { Verdict } from "../../policy/types.ts"
import { type Answer, errorAnswer, unavailableAnswer } from "../answer.ts"
import { refusalOf, renderRefusal } from "../refusal.ts"
import type { Refusal } from "../types.ts"
import type { Crowded } from "./room.ts"

/** A verdict of the gate's own: an ask that cannot be asked is a refusal. */
export function ownVerdict(verdict: Verdict, code: "hold.body-unbounded" | "hold.quiet" | "hold.flooded"): Verdict {
  const reason = CODES.find((one) => one.code === code)?.reason ?? ""
  return { ...verdict, effect: "deny", code, reason, evidence: [] }
}

/** The 403 for a verdict, `seq` being its record. */
export function refusedAnswer(verdict: Verdict, seq: number, approval?: Refusal["approval"]): Answer {
  return renderRefusal(refusalOf(verdict, seq, approval))
}

/** 503: what a request needs is in a vault that nobody has opened since the gate started. */
export function lockedAnswer(): Answer {
  return unavailableAnswer(
    "vault.locked: the gate's keys are locked; a person has to unlock them (nanoguard secret unlock)",
    60,
  )
}

/** 429 where one run has too much under way, 503 where all have: the client may come again. */
export function crowdedAnswer({ of, message }: Crowded): Answer {
  return errorAnswer(of === "run" ? 429 : 503, `body.crowded: ${message}; repeat the request later`, {
    "retry-after": "5",
  })
}

/** 502: a rule names a credential that nobody has set. */
export function absentAnswer(credential: string): Answer {
  const name = plainText(credential, 100)
  return errorAnswer(
    502,
    `credential.absent: the policy names the credential ${name}, and the vault has none (nanoguard secret set)`,
  )
}

/** 400: a credential does not fit into the request as it is. `code` is of `InjectionRefusal`. */
export function unfitAnswer(code: string): Answer {
  return errorAnswer(400, `${code}: the credential cannot be put into this request`)
}

/** 502: the origin is not there, or broke off before it answered. `failed` is a code. */
export function brokenAnswer(host: string, failed: string): Answer {
  return errorAnswer(502, `the origin ${plainText(host, 253)} cannot be reached: ${plainText(failed, 60)}`)
}
