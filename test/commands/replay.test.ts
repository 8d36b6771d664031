// `policy replay` from a real record: what it reads, what it counts, how it ends.
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { auditArchive } from "../../src/commands/audit-archive.ts"
import { policyReplay } from "../../src/commands/replay.ts"
import { packageEvent } from "../audit/events.ts"
import { emptyHome, NOW, temporaryDirectory, testContext, writeFiles } from "../context.ts"
import { recordEvents } from "./record.ts"

const LAX = "version: 1\ndefault: { packages: allow }\npackages: { unknown: allow }\n"
const SEVERE = "version: 1\ndefault: { packages: allow }\npackages: { deny: { severity: high }, unknown: allow }\n"

/** A context whose record has three decisions, one of them on a secret, and an event that is none. */
async function recorded() {
  const token = `ghp_${"aB3dE5gH7jK9".repeat(3)}`
  const record = await recordEvents([
    packageEvent("flawed", "1.0.0", { effect: "deny", time: NOW - 3_600_000, agent: "coder" }),
    packageEvent("fine", "1.0.0", { effect: "allow", time: NOW - 60_000, agent: "coder" }),
    packageEvent("fine", token, { effect: "allow", time: NOW, agent: "reviewer" }),
    { type: "sandbox.started", subject: "run", gateway: "gw", agent: "coder", time: NOW },
  ])
  const ctx = record.context()
  writeFiles(ctx.cwd, { "lax.yaml": LAX, "severe.yaml": SEVERE, "broken.yaml": "version: 2\n" })
  return ctx
}

describe("policy replay", () => {
  it("decides what is on record again, and ends by what --fail-on names", async () => {
    const ctx = await recorded()
    const lax = await policyReplay(ctx, { policy: "lax.yaml", format: "json" })
    expect(lax.report).toMatchObject({ decisions: 3, partial: 1, failed: { count: 0 }, after: { allow: 3 } })
    expect(lax.report.transitions).toEqual([{ from: "deny", to: "allow", count: 1 }])
    expect(lax.report.changes).toMatchObject([
      { subject: "pkg:npm/flawed@1.0.0", firstSeq: 1, lastSeq: 1, agents: ["coder"] },
    ])
    expect(lax.exit).toBe(0)
    expect(JSON.parse(ctx.out())).toEqual(lax.report)
    const exits = async (policy: string, failOn: "looser" | "stricter" | "any") =>
      (await policyReplay(ctx, { policy, failOn })).exit
    expect(await exits("lax.yaml", "looser")).toBe(1)
    expect(await exits("lax.yaml", "stricter")).toBe(0)
    expect(await exits("lax.yaml", "any")).toBe(1)
    expect(await exits("severe.yaml", "looser")).toBe(0)
  })

  it("looks at the time, agent and kind that it is told", async () => {
    const ctx = await recorded()
    const count = async (options: object) =>
      (await policyReplay(ctx, { policy: "lax.yaml", ...options })).report.decisions
    expect(await count({ since: "30m" })).toBe(2)
    expect(await count({ until: "2026-11-20" })).toBe(2)
    expect(await count({ agent: "reviewer" })).toBe(1)
    expect(await count({ kind: "network" })).toBe(0)
    expect((await policyReplay(ctx, { policy: "lax.yaml", kind: "network" })).exit).toBe(3)
  })

  it("says how many decisions lie with the archive, where it finds fewer than there were", async () => {
    const ctx = await recorded()
    const again = () => testContext(ctx.cwd, { env: ctx.env as Record<string, string> })
    const archive = { to: join(ctx.cwd, "archive"), yes: true, by: "officer" }
    await auditArchive(again(), { ...archive, before: new Date(NOW - 30_000).toISOString() })
    const some = again()
    const { report } = await policyReplay(some, { policy: "lax.yaml" })
    expect(report).toMatchObject({ decisions: 1, archived: 2 })
    expect(some.out()).toContain("2 decisions of this time lie with the archive, and were not replayed.")
    const none = again()
    expect((await policyReplay(none, { policy: "lax.yaml", agent: "coder" })).exit).toBe(3)
    expect(none.out()).toMatch(/nothing to replay.\n2 decisions of this time lie with the archive/)
    const recent = again()
    expect(
      (await policyReplay(recent, { policy: "lax.yaml", since: new Date(NOW - 1000).toISOString() })).report.archived,
    ).toBe(0)
    expect(recent.out()).not.toContain("archive")
  })

  it("says what is missing: a record, a policy", async () => {
    const ctx = testContext(temporaryDirectory({ "lax.yaml": LAX }), { env: emptyHome() })
    await expect(policyReplay(ctx, { policy: "lax.yaml" })).rejects.toMatchObject({ exit: 5 })
    await expect(policyReplay(await recorded(), { policy: "broken.yaml" })).rejects.toMatchObject({ exit: 4 })
    await expect(policyReplay(await recorded(), { policy: "none.yaml" })).rejects.toMatchObject({ exit: 4 })
    await expect(policyReplay(await recorded(), { policy: "lax.yaml", since: "soon" })).rejects.toMatchObject({
      exit: 2,
    })
  })
})
