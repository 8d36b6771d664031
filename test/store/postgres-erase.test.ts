// Erasing and archiving on PostgreSQL: the eraser's work, which no writer can do, and after which everything still verifies.
import { join } from "node:path"
import { expect, test } from "vitest"
import { erasePerson, findPerson } from "../../src/audit/erase/index.ts"
import { auditArchive } from "../../src/commands/audit-archive.ts"
import { auditVerify } from "../../src/commands/audit-verify.ts"
import { openStore } from "../../src/store/open.ts"
import { DAY, emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"
import { newStoreDatabase } from "../postgres.ts"

test("an eraser erases and archives, a writer cannot, and the log verifies", async (t) => {
  const database = await newStoreDatabase(t)
  const env = emptyHome({ USER: "officer" })
  const contextOf = (url: string) => testContext(temporaryDirectory(), { env: { ...env, NANOGUARD_STORE: url } })
  const writer = contextOf(await database.login("writer", "nanoguard_writer"))
  const eraser = contextOf(await database.login("eraser", "nanoguard_eraser"))
  const event = (i: number) => ({
    ...{ type: "package.decided", subject: `pkg:npm/p${i}@1.0.0`, gateway: "gw", operator: i < 10 ? "ana" : "ben" },
    time: NOW - (30 - i) * DAY,
  })
  const store = await openStore(writer, { gateway: "gw" })
  t.onTestFinished(() => store.close())
  for (let i = 0; i < 20; i++) await store.append(event(i))
  expect(await store.checkpoint()).toBe(20)

  const found = await findPerson(store.db, "ana")
  expect(found).toMatchObject({ records: 10 })
  const order = { by: "officer", gateway: "gw" }
  await expect(erasePerson(store, found, order)).rejects.toThrow(/does not permit this/)
  expect((await findPerson(store.db, "ana")).commitments).toHaveLength(1)
  const erasing = await openStore(eraser, { gateway: "eraser" })
  t.onTestFinished(() => erasing.close())
  await erasePerson(erasing, found, order)
  expect((await findPerson(store.db, "ana")).commitments).toEqual([])

  const options = {
    to: join(temporaryDirectory(), "archive"),
    before: new Date(NOW - 20 * DAY).toISOString(),
    yes: true,
  }
  await expect(auditArchive(writer, { ...options, by: "officer" })).rejects.toThrow(/does not permit this/)
  const { report } = await auditArchive(eraser, { ...options, by: "officer" })
  expect(report).toMatchObject({ from: 1, to: 10 })
  expect(await store.append(event(21))).toBeGreaterThan(20)
  await store.checkpoint()
  const verified = await auditVerify(writer, { archive: options.to })
  expect(writer.out()).toMatch(/is intact: 23 records.*23 bodies hashed/s)
  expect(verified.exit).toBe(0)
})
