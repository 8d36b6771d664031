// The closing lines of a command: each is an instruction that an agent or a person can follow as it stands.
import { expect, it } from "vitest"
import { refusalOf } from "../../src/gateway/refusal.ts"
import type { RunSummary } from "../../src/gateway/runs.ts"
import type { Refusal } from "../../src/gateway/types.ts"
import type { Verdict } from "../../src/policy/types.ts"
import { renderRunSummary } from "../../src/render/gateway-exec.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"

const advisory = (id: string) => ({ kind: "advisory", id })
const verdict: Verdict = {
  ...{ effect: "ask", code: "vulnerability.severity", rule: "r", subject: "pkg:npm/left@1.0.0", mode: "enforce" },
  reason: "A known vulnerability of severity high applies to this version (GHSA-1).",
  ...{ evidence: [], policyHash: "sha256:00" },
}
const closing = (refusal: Refusal, over = false): string[] => {
  const summary: RunSummary = { run: "r", agent: "a", refusals: [refusal], substituted: [], heldBack: [], packages: 1 }
  return renderRunSummary(summary, { failed: true, over, style: PLAIN_STYLE, columns: 200 }).trim().split("\n")
}
const expires = "2026-11-21T00:15:00.000Z"

it("puts what an agent can do alone before what a person can, each command alone on its line", () => {
  const corrected: Verdict = { ...verdict, correction: { action: "upgrade", command: "npm install left@1.0.1" } }
  const asked = { ...corrected, evidence: [advisory("GHSA-1"), advisory("GHSA-2")] }
  expect(closing(refusalOf(asked, 7, { id: "ap-4kq2m7xd", state: "pending", expires }))).toEqual([
    "nanoguard: approval needed for left@1.0.0: vulnerability.severity",
    "  A known vulnerability of severity high applies to this version (GHSA-1). Also GHSA-2.",
    "  run: npm install left@1.0.1",
    "  a person runs: nanoguard approve ap-4kq2m7xd",
    "  once they agreed, repeat your command",
    "  why: nanoguard why ng-7",
  ])
})

it("asks for a yes that outlives the run where that is over", () => {
  const lines = closing(refusalOf(verdict, 7, { id: "ap-4kq2m7xd", state: "pending", expires }), true)
  expect(lines.slice(-3, -1)).toEqual([
    "  a person runs: nanoguard approve ap-4kq2m7xd --for agent",
    "  this run is over, and a yes without --for agent is for this run alone; then repeat your command",
  ])
})

it("says a person's no, and advises no repeating", () => {
  const denied: Verdict = { ...verdict, correction: { action: "request-approval", target: verdict.subject } }
  const note = "use the other one\u001b[2J"
  const lines = closing(refusalOf(denied, 7, { id: "ap-4kq2m7xd", state: "denied", expires, note }))
  expect(lines[0]).toBe("nanoguard: refused left@1.0.0: vulnerability.severity")
  expect(lines[2]).toMatch(/^ {2}A person denied ap-4kq2m7xd: use the other one/)
  expect(lines.join()).not.toMatch(/repeat|approve |\u001b/)
})
