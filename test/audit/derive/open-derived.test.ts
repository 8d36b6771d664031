import { rmSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { LogMismatch } from "../../../src/audit/derive/derive-log.ts"
import { openDerived } from "../../../src/audit/derive/open-derived.ts"
import { EXIT } from "../../../src/errors.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { emptyHome } from "../../context.ts"
import { sampleEvents, sealSamples } from "../events.ts"
import { run, tamper, tamperIndex, writeLog } from "../verify-log.ts"

async function logOf(count: number) {
  const env = emptyHome()
  const log = await writeLog(join(env["NANOGUARD_HOME"]!, "state"), sampleEvents(1, count), [count])
  const look = async () => {
    const reader = await openDerived({ env })
    try {
      const rows = await reader.db.selectFrom("entries").select("seq").execute()
      const { size, behind } = reader
      return { size, behind, entries: rows.length }
    } finally {
      await reader.close()
    }
  }
  return { env, log, look }
}

test("derives what is not yet derived, and makes an index that is missing", async () => {
  const { log, look } = await logOf(30)
  expect(await look()).toEqual({ size: 30, behind: 0, entries: 30 })
  const record = await openRecord(log.directory)
  for (const [i, body] of sealSamples(sampleEvents(2, 5)).bodies.entries())
    record.prepare("INSERT INTO events (seq, body) VALUES (?, ?)").run(31 + i, body)
  record.close()
  expect(await look()).toEqual({ size: 35, behind: 0, entries: 35 })
  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(log.directory, `index.db${suffix}`), { force: true })
  expect(await look()).toEqual({ size: 35, behind: 0, entries: 35 })
})

test("a log that is shorter than its index is an alarm, not an answer", async () => {
  const { log, look } = await logOf(30)
  tamper(log, run("DELETE FROM events WHERE seq > 25"))
  await expect(look()).rejects.toBeInstanceOf(LogMismatch)
})

test("an index of another log is made anew", async () => {
  const { log, look } = await logOf(30)
  tamperIndex(log, run("UPDATE derived SET value = 'nanoguard/other' WHERE name = 'origin'"))
  expect(await look()).toEqual({ size: 30, behind: 0, entries: 30 })
})

test("no record is an environment error", async () => {
  await expect(openDerived({ env: emptyHome() })).rejects.toMatchObject({ exit: EXIT.environment })
})
