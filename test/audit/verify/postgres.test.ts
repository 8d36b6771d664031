// `audit verify` and `audit export` on PostgreSQL: as a reader, and on a table that its owner has changed.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { auditExport } from "../../../src/commands/audit-export.ts"
import { auditVerify } from "../../../src/commands/audit-verify.ts"
import { openStore } from "../../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { sampleEvents } from "../events.ts"
import { checkHere } from "../export/export-support.ts"

test("verifies and exports a shared log, and names what its owner changed", async (t) => {
  const database = await newStoreDatabase(t)
  const home = emptyHome()
  const contextFor = (url: string) => testContext(temporaryDirectory(), { env: { ...home, NANOGUARD_STORE: url } })
  const store = await openStore(contextFor(await database.login("gateway", "nanoguard_writer")), {
    gateway: "gateway-1",
  })
  await Promise.all(sampleEvents(11, 600).map((event) => store.append(event)))
  await store.close()

  const reader = await database.login("auditor", "nanoguard_reader")
  const verify = async () => {
    const ctx = contextFor(reader)
    const { exit } = await auditVerify(ctx, { format: "json" })
    return { exit, report: JSON.parse(ctx.out()) }
  }
  const fine = await verify()
  expect(fine.report.problems).toEqual([])
  expect(fine).toMatchObject({
    exit: 0,
    report: { records: 600, hashed: 600, indexed: 600, store: { kind: "postgres" } },
  })

  const ctx = contextFor(reader)
  await auditExport(ctx, { output: "out.ndjson" })
  expect(await checkHere(readFileSync(join(ctx.cwd, "out.ndjson"), "utf8"))).toMatchObject({
    accepted: true,
    records: 600,
  })

  await database.admin(`alter table nanoguard.events disable trigger all;
    update nanoguard.events set body = replace(body, '"v":1', '"v":2') where seq = 300;
    update nanoguard.entries set agent = 'nobody' where seq = 100`)
  const bad = await verify()
  expect(bad.exit).toBe(1)
  expect(bad.report.problems[0]).toMatchObject({ code: "record.altered", seq: 300 })
  expect(bad.report.problems).toContainEqual(expect.objectContaining({ code: "index.differs", seq: 100 }))
})
