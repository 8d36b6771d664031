// What the package gate waits for the disk with, and what it does not.
import { expect, test } from "vitest"
import type { ActiveGrant } from "../../src/approvals/types.ts"
import type { Decision } from "../../src/audit/types.ts"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { createRecorder } from "../../src/gateway/recorder.ts"
import type { Verdict } from "../../src/policy/types.ts"
import type { Batch, Store } from "../../src/store/types.ts"

const WHO = { agent: "claude-1", operator: "ana", run: "run-1", boxed: true }

function decision(effect: Verdict["effect"], more: Partial<Verdict> = {}): Decision {
  const verdict = { effect, code: "policy.allowed", rule: "r", subject: "pkg:npm/a@1.0.0", reason: "", evidence: [] }
  return {
    action: { kind: "mount", path: "/x", write: false },
    evidence: { now: 0 },
    verdict: { ...verdict, mode: "enforce", policyHash: "sha256:p", ...more },
  }
}

function recorder(refuse?: (batch: Batch) => boolean) {
  const batches: Batch[] = []
  const write: Store["write"] = async (batch) => {
    if (refuse?.(batch)) throw new NanoguardError("too large", { exit: EXIT.usage })
    batches.push(batch)
    return { seqs: [batches.length] }
  }
  const append: Store["append"] = async (event) => (await write({ events: [event] })).seqs[0]!
  return { batches, recorder: createRecorder({ write, append, db: undefined as never }, "gw") }
}

test("listings and what is plainly allowed are lax; all else is synced before it is answered", async () => {
  const { batches, recorder: to } = recorder()
  const excepted = [{ rule: "e", code: "c", owner: "ana", expires: "2026-12-01" }]
  // Usable without end: nothing is consumed, and still somebody's word.
  const grant = { grant: { id: "ap-1" }, by: ["ana"], uses: 0, purl: "pkg:npm/a@1.0.0" } as unknown as ActiveGrant
  await to.listed(WHO, "pkg:npm/a", "sha256:p", {})
  await to.decided(WHO, decision("allow"), "released")
  const lax = batches.splice(0)
  await to.decided(WHO, decision("deny"), "refused")
  await to.decided(WHO, decision("ask"), "held", { approval: "ap-1" })
  await to.decided(WHO, decision("deny", { mode: "observe" }), "released")
  await to.decided(WHO, decision("allow", { excepted }), "released")
  await to.decided(WHO, decision("allow"), "released", { grants: [grant] })
  await to.failed(WHO, "pkg:npm/a@1.0.0", "sha256:p", {})
  await to.note({ type: "policy.adopted", subject: "p" })
  expect(lax.map((batch) => batch.lax)).toEqual([true, true])
  expect(batches.map((batch) => batch.lax)).toEqual(Array(7).fill(undefined))
})

test("a refusal that no record takes whole is recorded in short, synced; a release is not made", async () => {
  const { batches, recorder: to } = recorder((batch) => batch.events?.[0]?.decision !== undefined)
  await to.decided(WHO, decision("deny"), "refused")
  expect(batches).toMatchObject([{ events: [{ outcome: "refused", detail: { effect: "deny", cut: true } }] }])
  expect(batches[0]?.lax).toBeUndefined()
  await expect(to.decided(WHO, decision("allow"), "released")).rejects.toThrow("too large")
})

test("an agent that floods the record is counted, each kind by itself; what is let through is told one by one", async () => {
  const { batches, recorder: to } = recorder()
  const other = { ...WHO, agent: "codex-2" }
  const many = (count: number, one: () => Promise<number>) => Array.from({ length: count }, one)
  const seqs = await Promise.all([
    ...many(650, () => to.decided(WHO, decision("deny"), "refused")),
    ...many(650, () => to.failed(WHO, "pkg:npm/a@1.0.0", "sha256:p", {})),
    ...many(6_100, () => to.listed(WHO, "pkg:npm/a", "sha256:p", {})),
    ...many(1_000, () => to.decided(WHO, decision("allow"), "released")),
    to.decided(other, decision("deny"), "refused"),
  ])
  expect(seqs.every((seq) => seq > 0)).toBe(true)
  const events = batches.flatMap((batch) => batch.events ?? [])
  const count = (agent: string, type: string, outcome: string) =>
    events.filter((event) => event.agent === agent && event.type === type && event.outcome === outcome).length
  expect(count(WHO.agent, "package.decided", "refused")).toBe(600)
  expect(count(WHO.agent, "package.failed", "failed")).toBe(600)
  expect(count(WHO.agent, "package.listed", "released")).toBe(6_000)
  expect(count(WHO.agent, "package.decided", "released")).toBe(1_000)
  expect(count(other.agent, "package.decided", "refused")).toBe(1)
  const flooded = batches.filter((batch) => batch.events?.[0]?.type === "package.flooded")
  expect(flooded.map(({ events: [event] = [], lax }) => [event?.outcome, event?.detail, lax])).toEqual([
    ["released", { kind: "listed", count: 100 }, true],
    ["refused", { kind: "refused", count: 50 }, undefined],
    ["failed", { kind: "failed", count: 50 }, undefined],
  ])
})
