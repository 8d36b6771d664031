import { readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { Kysely } from "kysely"
import { expect, onTestFinished, test } from "vitest"
import { archiveRecords, planArchive } from "../../../src/audit/archive/index.ts"
import { deriveAll } from "../../../src/audit/derive/derive.ts"
import { readArchive } from "../../../src/audit/derive/derive-archive.ts"
import { openStore } from "../../../src/store/open.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { RECORD } from "../../../src/store/sqlite/database.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"
import { openIndex } from "../../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { EPOCH, sampleEvents } from "../events.ts"
import { writeLog } from "../verify-log.ts"
import { dumpIndex } from "./derive-model.ts"

/** A log of 700 records, of which 600 are archived in segments of 250, with its index as it was derived. */
async function newArchived() {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const directory = join(ctx.env["NANOGUARD_HOME"]!, "state")
  const { origin } = await writeLog(directory, sampleEvents(4, 700), [700])
  const archive = join(temporaryDirectory(), "archive")
  const store = await openStore(ctx, { gateway: "gateway-1" })
  const plan = await planArchive(store.db, EPOCH + 600_000)
  const options = { directory: archive, gzip: true, by: "officer", gateway: "gateway-1", now: Date.now(), segment: 250 }
  expect(await archiveRecords(store, plan, options)).toHaveLength(3)
  await store.close()
  const connection = await openRecord(directory)
  const indexes = [await openIndex(directory, origin), await openIndex(temporaryDirectory(), origin)] as const
  onTestFinished(() => {
    for (const open of [connection, ...indexes]) open.close()
  })
  const source = new Kysely<Tables>({ dialect: sqliteDialect(connection, RECORD) })
  return { archive, source, index: indexes[0].db, anew: { engine: "sqlite" as const, source, index: indexes[1].db } }
}

test("an index is built anew from the archive and the log, and is the same", async () => {
  const { archive, source, index, anew } = await newArchived()
  await deriveAll({ engine: "sqlite", source, index })
  const { to } = await deriveAll({ ...anew, archived: readArchive(archive) }, 90)
  expect(to).toBeGreaterThan(700)
  expect(await dumpIndex(anew.index)).toEqual(await dumpIndex(index))
})

test("an archive without one of its segments is not enough", async () => {
  const { archive, anew } = await newArchived()
  rmSync(join(archive, readdirSync(archive).sort()[1]!))
  await expect(deriveAll({ ...anew, archived: readArchive(archive) })).rejects.toThrow(
    "the archive has no segment with record 251",
  )
})
