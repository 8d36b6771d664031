import { expect, test } from "vitest"
import { refusalOf } from "../../src/gateway/refusal.ts"
import type { Verdict } from "../../src/policy/types.ts"
import { renderBoxEnd, renderHeld } from "../../src/render/run.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"
import type { RunOutcome } from "../../src/sandbox/run.ts"

const end = (outcome: Partial<RunOutcome>) =>
  renderBoxEnd({ exit: 137, ended: "killed", summary: undefined, ...outcome } as RunOutcome, {
    style: PLAIN_STYLE,
    columns: 80,
  })

test("a run that was ended says why where that is known, and never with what reaches the terminal", () => {
  expect(end({})).toMatch(/killed by a person.*nanoguard resume\n$/)
  expect(end({ reason: "the run that it belongs to is over" })).toBe(
    "nanoguard: ended: the run that it belongs to is over\n",
  )
  expect(end({ reason: "x\u001b]0;t\u0007" })).not.toMatch(/[\u001b\u0007]/)
  expect(end({ exit: 124, ended: "timeout" })).toBe("nanoguard: its time was over\n")
  expect(end({ exit: 137, ended: "itself" })).toBe("")
})

test("an approval that is asked for as the box ends is one for its agent: no other run is this one", () => {
  const verdict: Verdict = {
    ...{ effect: "ask", code: "script.unapproved", rule: "r", subject: "pkg:npm/esbuild@0.25.1", mode: "enforce" },
    ...{ reason: "An install would run a script.", evidence: [], policyHash: "sha256:00" },
  }
  const asked = { id: "ap-4kq2m7xd", state: "pending", expires: "2026-11-21T00:15:00.000Z" } as const
  const refusals = [refusalOf(verdict, 7, asked)]
  const summary = { run: "r", agent: "a", refusals, substituted: [], heldBack: [], packages: 1 }
  expect(
    end({ exit: 1, ended: "itself", summary: { ...summary, installed: [], reached: [], approved: [] } }),
  ).toContain("a person runs: nanoguard approve ap-4kq2m7xd --for agent\n")
})

test("a request that waits is told with its id, cleaned", () => {
  const text = renderHeld({ approval: "ap-4kq2m7xd", subject: "POST https://api.example.com/\u001b[2J" }, PLAIN_STYLE)
  expect(text).toContain("ap-4kq2m7xd waits for a person: POST https://api.example.com/")
  expect(text).toContain("nanoguard approve")
  expect(text).not.toContain("\u001b")
})
