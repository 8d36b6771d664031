import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { listSegments } from "../../../src/audit/archive/format.ts"
import { checkSegment, openSegment } from "../../../src/audit/archive/read.ts"
import { readRecord } from "../../../src/audit/sealing/record.ts"
import { auditArchive } from "../../../src/commands/audit-archive.ts"
import { NanoguardError } from "../../../src/errors.ts"
import { openStore } from "../../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { EPOCH, sampleEvents } from "../events.ts"

it("archives a log in PostgreSQL, by the role of an eraser only", async (t) => {
  const database = await newStoreDatabase(t)
  const contextOf = async (login: string, group: string) => {
    const env = emptyHome({ NANOGUARD_STORE: await database.login(login, group), USER: login })
    return testContext(temporaryDirectory(), { env })
  }
  const gateway = await contextOf("gateway", "nanoguard_writer")
  const store = await openStore(gateway, { gateway: "gw" })
  onTestFinished(() => store.close())
  await store.write({ events: sampleEvents(3, 300) })
  expect(await store.checkpoint()).toBe(300)
  const before = await store.db.selectFrom("events").select("body").orderBy("seq").execute()

  const order = {
    to: join(temporaryDirectory(), "archive"),
    before: new Date(EPOCH + 200_000).toISOString(),
    yes: true,
  }
  await expect(auditArchive(gateway, order)).rejects.toThrow(NanoguardError)
  expect(await store.db.selectFrom("events").select("seq").execute()).toHaveLength(300)

  const officer = await contextOf("officer", "nanoguard_eraser")
  const { report, exit } = await auditArchive(officer, order)
  expect([exit, report.from, report.to]).toEqual([0, 1, 200])
  const [segment] = listSegments(order.to)
  await checkSegment(segment!)
  const bodies: string[] = []
  for await (const body of (await openSegment(segment!.path)).bodies) bodies.push(body)
  const left = await store.db.selectFrom("events").selectAll().orderBy("seq").execute()
  expect([...bodies, ...left.map(({ body }) => body)].slice(0, 300)).toEqual(before.map(({ body }) => body))
  expect(left[0]!.seq).toBe(201)
  expect(readRecord(left.at(-1)!.body)).toMatchObject({ type: "log.archived", subject: "records 1 to 200" })
})
