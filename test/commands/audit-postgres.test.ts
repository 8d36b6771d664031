// The same questions to the same record in PostgreSQL: the answers do not depend on the engine.
import { expect, test, vi } from "vitest"
import type { Inventory } from "../../src/audit/inventory/types.ts"
import { auditCheckpoint } from "../../src/commands/audit-checkpoint.ts"
import { auditInventory } from "../../src/commands/audit-inventory.ts"
import { auditShow } from "../../src/commands/audit-show.ts"
import { auditTail } from "../../src/commands/audit-tail.ts"
import { EXIT } from "../../src/errors.ts"
import { openStore } from "../../src/store/open.ts"
import { GATEWAY, packageEvent, sampleEvents, sealSamples } from "../audit/events.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { newStoreDatabase } from "../postgres.ts"
import { recordEvents } from "./record.ts"

const EVENTS = sampleEvents(7, 120)

/** An inventory without what is random in every store: the commitments. */
function withoutCommitments(inventory: Inventory): unknown {
  return JSON.parse(JSON.stringify(inventory, (key, value) => (key === "commitment" ? undefined : value)))
}

test("tail, show, inventory and checkpoint answer over PostgreSQL as over files", async (ctx) => {
  const database = await newStoreDatabase(ctx)
  const writer = await database.login("gate", "nanoguard_writer")
  const reader = await database.login("auditor", "nanoguard_reader")
  const home = emptyHome({ NO_COLOR: "1" })
  const contextOf = (url: string) => testContext(temporaryDirectory(), { env: { ...home, NANOGUARD_STORE: url } })

  await expect(auditTail(contextOf(reader))).rejects.toMatchObject({ exit: EXIT.nothingChecked })
  const store = await openStore(contextOf(writer), { gateway: GATEWAY })
  try {
    await store.write({ events: EVENTS })

    // Nobody has to have derived: who may write the index derives first.
    const files = await recordEvents(EVENTS)
    for (const options of [
      {},
      { refused: true },
      { asOf: "2026-11-01T00:01:00Z" },
      { touched: "CVE-2026-1234", refused: true },
      { kind: "host" as const },
    ]) {
      const ours = await auditInventory(contextOf(writer), "both", { ...options, format: "json" })
      const theirs = await auditInventory(files.context(), "both", { ...options, format: "json" })
      expect(withoutCommitments(ours.report)).toEqual(withoutCommitments(theirs.report))
      expect(ours.report.items.length).toBeGreaterThan(0)
    }
    for (const options of [
      {},
      { effect: "deny" as const, lines: "3" },
      { agent: "codex-2", since: "2026-11-01T00:01:00Z" },
      { run: "run-claude-1-0", kind: "package" as const },
    ]) {
      const [ours, theirs] = [contextOf(reader), files.context()]
      await auditTail(ours, options)
      await auditTail(theirs, options)
      expect(ours.out()).toBe(theirs.out())
      expect(ours.out()).not.toBe("")
    }

    const { report: checkpoint } = await auditCheckpoint(contextOf(writer))
    expect(checkpoint.size).toBe(120)
    const { report } = await auditShow(contextOf(reader), "77")
    expect(report.inclusion).toMatchObject({ verified: true, signed: true, checkpoint: { size: 120 } })

    const following = contextOf(reader)
    const ended = new AbortController()
    const done = auditTail(following, { follow: true, lines: "1", format: "ndjson" }, ended.signal)
    await vi.waitFor(() => expect(following.out()).not.toBe(""), { timeout: 10_000 })
    await store.append(packageEvent("left-pad", "9.9.9"))
    await vi.waitFor(() => expect(following.out()).toContain("left-pad@9.9.9"), { timeout: 10_000 })
    ended.abort()
    expect(await done).toEqual({ exit: EXIT.ok })
  } finally {
    await store.close()
  }

  // Who may only read gets the index as it stands, and is told what it lacks.
  const [body] = sealSamples([packageEvent("left-pad", "8.8.8", { agent: "late" })]).bodies
  await database.admin(
    `INSERT INTO nanoguard.events SELECT max(seq) + 1, '${body!.replaceAll("'", "''")}' FROM nanoguard.events`,
  )
  const late = contextOf(reader)
  await auditTail(late, { agent: "late" })
  expect(late.out()).toBe("")
  expect(late.err()).toContain("not searched: 1 newest record")
  const taken = contextOf(reader)
  await auditInventory(taken, "both")
  expect(taken.err()).toContain("not searched: 1 newest record")
  const derived = contextOf(writer)
  await auditTail(derived, { agent: "late" })
  expect(derived.out()).toContain("left-pad@8.8.8")
  expect(derived.err()).toBe("")
})
