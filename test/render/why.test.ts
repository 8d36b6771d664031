// An explanation ends with what to do, by how the question to people stands now.
import { expect, it } from "vitest"
import type { Verdict } from "../../src/policy/types.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"
import { renderWhy, type WhyReport } from "../../src/render/why.ts"

const ask: Verdict = {
  ...{ effect: "ask", code: "script.unapproved", rule: "r", subject: "pkg:npm/native@1.0.0", mode: "enforce" },
  ...{ reason: "An install would run a script.", evidence: [], policyHash: "sha256:00" },
  correction: { action: "request-approval", target: "pkg:npm/native@1.0.0" },
}
const deny: Verdict = { ...ask, effect: "deny", correction: { action: "upgrade", command: "npm install native@1.0.1" } }
const last = (report: Omit<WhyReport, "schema">) =>
  renderWhy({ schema: "nanoguard.why/1", ...report }, "text", { style: PLAIN_STYLE, columns: 200 })
    .trimEnd()
    .split("\n")
    .at(-1)

it.each<[string, Omit<WhyReport, "schema">]>([
  [
    "do        a person runs `nanoguard approve ap-4kq2m7xd`; then repeat your command",
    { verdict: ask, approval: "ap-4kq2m7xd", approvalState: "pending" },
  ],
  [
    "do        a person runs `nanoguard approve ap-4kq2m7xd --for agent`; then repeat your command",
    { verdict: ask, approval: "ap-4kq2m7xd", approvalState: "pending", runOver: true },
  ],
  [
    "do        repeat your command: that run is over, and a person is asked anew",
    { verdict: ask, approval: "ap-4kq2m7xd", approvalState: "granted", runOver: true },
  ],
  ["do        repeat your command", { verdict: ask, approval: "ap-4kq2m7xd", approvalState: "granted" }],
  ["do        without it: a person said no", { verdict: ask, approval: "ap-4kq2m7xd", approvalState: "denied" }],
  ["do        run your command behind the gate: that asks a person", { verdict: ask }],
  ["do        npm install native@1.0.1", { verdict: deny }],
  [
    "asked     ap-aaaaaaaa is pending until later: a person runs `nanoguard approve ap-aaaaaaaa`; then repeat your command",
    { verdict: deny, requested: { id: "ap-aaaaaaaa", state: "pending", expires: "later" } },
  ],
  [
    "asked     w-1 at the registry, which says: pending",
    { verdict: deny, requested: { id: "w-1", state: "pending", expires: "", registry: "pending" } },
  ],
])("%s", (line, report) => expect(last(report)).toBe(`  ${line}`))
