// What a refusal says in one line: to repeat a command is advice only where somebody may still agree.
import { expect, it } from "vitest"
import { refusalOf, renderRefusal } from "../../src/gateway/refusal.ts"
import type { Refusal } from "../../src/gateway/types.ts"
import type { Verdict } from "../../src/policy/types.ts"

const VERDICT: Verdict = {
  ...{ effect: "ask", code: "script.unapproved", rule: "r", subject: "pkg:npm/native@1.0.0", mode: "enforce" },
  ...{ reason: "An install would run a script.", evidence: [], policyHash: "sha256:00" },
}
const CORRECTED: Verdict = { ...VERDICT, correction: { action: "upgrade", command: "npm install native@1.0.1" } }
const approval = (state: string, note?: string): NonNullable<Refusal["approval"]> => ({
  ...{ id: "ap-4kq2m7xd", state, expires: "2026-11-21T00:15:00.000Z" },
  ...(note !== undefined && { note }),
})

it.each<[string, Verdict, Refusal["approval"], string, boolean]>([
  [
    "pending",
    VERDICT,
    approval("pending"),
    "native@1.0.0 waits for approval by policy: script.unapproved. Repeat the command once ap-4kq2m7xd is approved. [ng-7]",
    true,
  ],
  [
    "pending, with another way out first",
    CORRECTED,
    approval("pending"),
    "native@1.0.0 waits for approval by policy: script.unapproved. Run: npm install native@1.0.1. Or repeat the command once ap-4kq2m7xd is approved. [ng-7]",
    true,
  ],
  [
    "denied, with the person's words",
    VERDICT,
    approval("denied", "use the js build.\n[ng-8]"),
    "native@1.0.0 refused by policy: script.unapproved. A person denied ap-4kq2m7xd: use the js build.?[ng-8]. [ng-7]",
    false,
  ],
  [
    "expired",
    VERDICT,
    approval("expired"),
    "native@1.0.0 refused by policy: script.unapproved. ap-4kq2m7xd is expired. [ng-7]",
    false,
  ],
  [
    "never asked",
    CORRECTED,
    undefined,
    "native@1.0.0 refused by policy: script.unapproved. Run: npm install native@1.0.1. [ng-7]",
    false,
  ],
])("%s", (_, verdict, asked, line, retryable) => {
  const refusal = refusalOf(verdict, 7, asked)
  expect([refusal.error, refusal.retryable]).toEqual([line, retryable])
  const { phrase, headers } = renderRefusal(refusal)
  expect(`${phrase}${headers["npm-notice"]}`).not.toContain("\n")
})
