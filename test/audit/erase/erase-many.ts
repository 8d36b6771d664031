// A log of many people, of whom a sixth is erased: no byte of them is left in any file.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished } from "vitest"
import { erasePerson, findPerson } from "../../../src/audit/erase/index.ts"
import { scrubPeople } from "../../../src/audit/erase/scrub.ts"
import { openStore } from "../../../src/store/open.ts"
import { openFilesForReading } from "../../../src/store/sqlite/reader.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { approvalEvent, randomOf, sampleEvents } from "../events.ts"
import { type TestLog, writeLog } from "../verify-log.ts"

/** A log in the state directory of a new home. */
export async function newHome(count = 400): Promise<{ ctx: TestContext; log: TestLog }> {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome({ USER: "officer" }) })
  const log = await writeLog(join(ctx.env["NANOGUARD_HOME"]!, "state"), sampleEvents(2, count), [count])
  return { ctx, log }
}

/** Every byte of the directory, as text that keeps them. */
export function bytesOf(directory: string): string {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile())
  return files.map(({ name }) => readFileSync(join(directory, name), "latin1")).join("\n")
}

/** Records the notes of so many people, erases every sixth, and expects nothing of these and all of the others. */
export async function scrubMany(count: number): Promise<void> {
  const { ctx, log } = await newHome(10)
  const random = randomOf(7)
  const names = Array.from({ length: count }, (_, i) => {
    const tail = i % 40 === 0 ? " wrote a longer note".repeat(150) : ""
    return `person-${i}-${String(random()).slice(2)}@acme.example${tail}`
  })
  const store = await openStore(ctx, { gateway: "gw" })
  await Promise.all(names.map((note) => store.append(approvalEvent({ note }))))
  const gone = names.filter((_, i) => i % 6 === 0)
  for (let at = 0; at < gone.length; at += 50) {
    const found = await Promise.all(gone.slice(at, at + 50).map((name) => findPerson(store.db, name)))
    await Promise.all(found.map((one) => erasePerson(store, one, { by: "officer", gateway: "gw" })))
  }
  await store.close()
  expect(await scrubPeople(log.directory)).toBe(true)
  const bytes = bytesOf(log.directory)
  expect(gone.map((name) => name.slice(0, 24)).filter((name) => bytes.includes(name))).toEqual([])
  const reader = await openFilesForReading(log.directory)
  onTestFinished(() => reader.close())
  const left = new Set((await reader.db.selectFrom("people").select("value").execute()).map(({ value }) => value))
  expect(names.flatMap((name, i) => (left.has(name) === (i % 6 === 0) ? [i] : []))).toEqual([])
}
