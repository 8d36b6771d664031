import { Readable } from "node:stream"
import { describe, expect, it, onTestFinished } from "vitest"
import { erasePerson, findPerson } from "../../../src/audit/erase/index.ts"
import { scrubPeople } from "../../../src/audit/erase/scrub.ts"
import { openPeople } from "../../../src/audit/sealing/people.ts"
import { readRecord } from "../../../src/audit/sealing/record.ts"
import { auditErase } from "../../../src/commands/audit-erase.ts"
import { NanoguardError } from "../../../src/errors.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { openStore } from "../../../src/store/open.ts"
import { openFilesForReading } from "../../../src/store/sqlite/reader.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { PEOPLE, packageEvent, plainEvent } from "../events.ts"
import { verify } from "../verify-log.ts"
import { bytesOf, newHome, scrubMany } from "./erase-many.ts"

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1")

describe("nanoguard audit erase", () => {
  it("forgets a person for good: no byte of value or salt is left, and every proof holds", async () => {
    const { ctx, log } = await newHome()
    const [, , person] = PEOPLE
    const before = await openFilesForReading(log.directory)
    const row = await before.db.selectFrom("people").selectAll().where("value", "=", person).executeTakeFirstOrThrow()
    const bodies = await before.db.selectFrom("events").select("body").execute()
    await before.close()
    expect(bytesOf(log.directory)).toContain(latin1(person))
    const naming = bodies.filter(({ body }) => body.includes(row.commitment)).length
    expect(naming).toBeGreaterThan(50)

    const { report, exit } = await auditErase(ctx, person, { yes: true, by: "dpo@acme.example" })
    expect(exit).toBe(0)
    expect(report).toMatchObject({ state: "erased", commitments: [row.commitment], records: naming, scrubbed: true })
    expect(ctx.out() + ctx.err()).not.toContain(person)

    const bytes = bytesOf(log.directory)
    for (const trace of [person, row.salt, "chloe@acme", "Chlo"]) expect(bytes).not.toContain(latin1(trace))
    const after = await openFilesForReading(log.directory)
    onTestFinished(() => after.close())
    const now = await after.db.selectFrom("events").select("body").orderBy("seq").execute()
    expect(now.slice(0, bodies.length)).toEqual(bodies)
    const event = readRecord(now[report.seq! - 1]!.body)
    expect(event).toMatchObject({ type: "log.erased", subject: "person", gateway: "audit-erase" })
    expect(event.detail).toEqual({ commitments: [row.commitment], records: naming, through: bodies.length })
    const opened = await openPeople(after.db, [row.commitment, event.by![0]!])
    expect([...opened.values()]).toEqual(["erased", "dpo@acme.example"])

    expect(await verify(log)).toMatchObject({ problems: [], intact: true })
  })

  it("finds a note by its commitment, and a name of others by nothing but itself", async () => {
    const { ctx, log } = await newHome(200)
    const reader = await openFilesForReading(log.directory)
    onTestFinished(() => reader.close())
    const note = await reader.db
      .selectFrom("people")
      .selectAll()
      .where("value", "like", "Seen%")
      .executeTakeFirstOrThrow()
    const { report } = await auditErase(ctx, note.commitment, { yes: true })
    expect(report).toMatchObject({ state: "erased", commitments: [note.commitment] })
    for (const stranger of ["Ana@acme.example", "ana", "%", "' OR 1=1 --", "\ud800"]) {
      const { report, exit } = await auditErase(ctx, stranger, { yes: true })
      expect([report.state, exit]).toEqual(["unknown", 3])
    }
    const left = await reader.db.selectFrom("people").select("value").execute()
    expect(left.map(({ value }) => value)).toEqual(expect.arrayContaining([...PEOPLE]))
  })

  it("gives a person who comes back another commitment", async () => {
    const { ctx } = await newHome(100)
    const first = await auditErase(ctx, PEOPLE[0], { yes: true })
    const store = await openStore(ctx, { gateway: "gw" })
    onTestFinished(() => store.close())
    const seq = await store.append(packageEvent("left-pad", "1.0.0", { operator: PEOPLE[0] }))
    const { body } = await store.db.selectFrom("events").select("body").where("seq", "=", seq).executeTakeFirstOrThrow()
    const { operator } = readRecord(body)
    expect(operator).not.toBe(first.report.commitments[0])
    expect((await openPeople(store.db, [operator!])).get(operator!)).toBe(PEOPLE[0])
  })

  it("does nothing in a dry run, asks a person, and a script has to say --yes", async () => {
    const { ctx, log } = await newHome(60)
    const { report, exit } = await auditErase(ctx, PEOPLE[0], { dryRun: true, format: "json" })
    expect([report.state, exit]).toEqual(["planned", 0])
    expect(JSON.parse(ctx.out())).toEqual(report)
    await expect(auditErase(ctx, PEOPLE[0])).rejects.toThrow(/no terminal: add --yes/)
    await expect(auditErase(ctx, PEOPLE[0], { format: "json" })).rejects.toThrow(/add --yes/)
    expect(bytesOf(log.directory)).toContain(PEOPLE[0])
  })

  it("reads the name from stdin, so that no shell keeps it", async () => {
    const { ctx, log } = await newHome(60)
    const { report } = await auditErase({ ...ctx, stdin: Readable.from([Buffer.from(`${PEOPLE[1]}\n`)]) }, "-", {
      yes: true,
    })
    expect(report.state).toBe("erased")
    expect(bytesOf(log.directory)).not.toContain(PEOPLE[1])
    await expect(auditErase({ ...ctx, stdin: Readable.from([]) }, "-", { yes: true })).rejects.toThrow(/holds no name/)
  })

  it("says that there is no record where there is none", async () => {
    const ctx = testContext(temporaryDirectory())
    await expect(auditErase(ctx, "ana", { yes: true, by: "x" })).rejects.toThrow(NanoguardError)
    await expect(auditErase(ctx, "ana", { yes: true })).rejects.toThrow(/who ordered/)
  })
})

describe("scrubPeople", () => {
  it("leaves nothing of many who were erased among more, and all of the others", () => scrubMany(600))

  it("says that it has to be repeated where a reader holds on to what was", async () => {
    const { log } = await newHome(10)
    const reader = await openFilesForReading(log.directory)
    await reader.db.transaction().execute(async (held) => {
      await held.selectFrom("people").selectAll().execute()
      expect(await scrubPeople(log.directory, 150)).toBe(false)
    })
    await reader.close()
    expect(await scrubPeople(log.directory)).toBe(true)
  })
})

describe("erasePerson", () => {
  it("happens once where two erase at once, and with its record or not at all", async () => {
    const { ctx } = await newHome(50)
    const [a, b] = await Promise.all([openStore(ctx, { gateway: "a" }), openStore(ctx, { gateway: "b" })])
    onTestFinished(async () => void (await Promise.all([a.close(), b.close()])))
    const found = await findPerson(a.db, PEOPLE[0])
    const order = { by: "officer", gateway: "x" }
    const outcomes = await Promise.allSettled([erasePerson(a, found, order), erasePerson(b, found, order)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
    expect((outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult).reason).toBeInstanceOf(
      Conflict,
    )
    const rows = await a.db.selectFrom("events").select("body").execute()
    expect(rows.filter(({ body }) => body.includes("log.erased"))).toHaveLength(1)
  })

  it("needs the role of an eraser in PostgreSQL", async (t) => {
    const database = await newStoreDatabase(t)
    const storeOf = async (login: string, group: string) => {
      const env = emptyHome({ NANOGUARD_STORE: await database.login(login, group) })
      const store = await openStore(testContext(temporaryDirectory(), { env }), { gateway: login })
      onTestFinished(() => store.close())
      return store
    }
    const writer = await storeOf("gateway", "nanoguard_writer")
    await writer.append(plainEvent("sandbox.started", { operator: PEOPLE[0] }))
    await writer.append(plainEvent("sandbox.ended", { operator: PEOPLE[0] }))
    const found = await findPerson(writer.db, PEOPLE[0])
    expect(found.records).toBe(2)
    const order = { by: "officer", gateway: "x" }
    await expect(erasePerson(writer, found, order)).rejects.toThrow(NanoguardError)
    expect((await findPerson(writer.db, PEOPLE[0])).commitments).toHaveLength(1)
    const eraser = await storeOf("officer", "nanoguard_eraser")
    await erasePerson(eraser, found, order)
    expect((await findPerson(writer.db, PEOPLE[0])).commitments).toHaveLength(0)
    const last = await writer.db
      .selectFrom("events")
      .select("body")
      .orderBy("seq", "desc")
      .limit(1)
      .executeTakeFirstOrThrow()
    expect(readRecord(last.body).detail).toEqual({ commitments: found.commitments, records: 2, through: 2 })
  })
})
