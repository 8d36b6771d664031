// `store derive`, and what the other commands say while there is no index.
import { rmSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { auditArchive } from "../../src/commands/audit-archive.ts"
import { auditInventory } from "../../src/commands/audit-inventory.ts"
import { storeDerive } from "../../src/commands/store.ts"
import { temporaryDirectory } from "../context.ts"
import { type Recorded, recordEvents } from "./record.ts"

/** Deletes the index, as somebody might who wants it built anew. */
function dropIndex({ env }: Recorded): void {
  for (const suffix of ["", "-wal", "-shm"])
    rmSync(join(env["NANOGUARD_HOME"]!, "state", `index.db${suffix}`), { force: true })
}

it("builds a missing index from the log", async () => {
  const record = await recordEvents(20, [20])
  dropIndex(record)
  const ctx = record.context()
  expect(await storeDerive(ctx, { format: "json" })).toEqual({ exit: 0 })
  expect(JSON.parse(ctx.out())).toMatchObject({ schema: "nanoguard.store-derive/1", records: 20, derived: 20 })
})

it("takes archived records from their archive; without it nothing answers from an empty index", async () => {
  const record = await recordEvents(20, [20])
  const before = record.context()
  const whole = (await auditInventory(before, "items", { format: "json" })).report
  const to = temporaryDirectory()
  const { report } = await auditArchive(record.context(), { to, keep: "1h", yes: true, by: "ana", format: "json" })
  expect(report).toMatchObject({ state: "archived", from: 1, to: 19 })
  dropIndex(record)
  const missing = { exit: 5, message: expect.stringContaining("the records up to 19 are archived") }
  await expect(auditInventory(record.context(), "both")).rejects.toMatchObject(missing)
  await expect(storeDerive(record.context())).rejects.toMatchObject(missing)
  expect(await storeDerive(record.context(), { archive: to })).toEqual({ exit: 0 })
  const after = (await auditInventory(record.context(), "items", { format: "json" })).report
  expect(after.items).toEqual(whole.items)
})
