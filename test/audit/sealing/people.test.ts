import { describe, expect, it } from "vitest"
import { commitPerson, ERASED, newPerson, openPeople, opensPerson } from "../../../src/audit/sealing/people.ts"
import { readRecord } from "../../../src/audit/sealing/record.ts"
import { NanoguardError } from "../../../src/errors.ts"
import { openFilesForReading } from "../../../src/store/sqlite/reader.ts"
import { PEOPLE } from "../events.ts"
import { makeLog, tamper } from "../verify-log.ts"

describe("people", () => {
  it("get a salt of their own each time", () => {
    const [a, b] = [newPerson("ana"), newPerson("ana")]
    expect(a.commitment).not.toBe(b.commitment)
    expect(Buffer.from(a.salt, "base64url")).toHaveLength(32)
    expect(opensPerson(a) && opensPerson(b)).toBe(true)
    expect(opensPerson({ ...a, value: "eve" })).toBe(false)
    expect(opensPerson({ ...a, salt: b.salt })).toBe(false)
  })
})

describe("readRecord", () => {
  it.each(["", "nonsense", "null", "[]", '{"v":2,"type":"a.b","time":"x"}', '{"v":1}'])("refuses %j", (body) => {
    expect(() => readRecord(body)).toThrow(NanoguardError)
  })
})

describe("openPeople", () => {
  it("opens what is there, and calls erased what is not or does not open its commitment", async () => {
    const log = await makeLog(60)
    const forged = newPerson("eve")
    const [, ben] = PEOPLE
    tamper(log, (db) => {
      const insert = db.prepare("INSERT INTO people (commitment, salt, value) VALUES (?, ?, ?)")
      insert.run(forged.commitment, forged.salt, "mallory")
      db.prepare("DELETE FROM people WHERE value = ?").run(ben)
    })
    const reader = await openFilesForReading(log.directory)
    const rows = await reader.db.selectFrom("people").selectAll().execute()
    const ana = rows.find(({ value }) => value === PEOPLE[0])!
    const nobody = Array.from({ length: 1200 }, (_, i) => commitPerson(`nobody ${i}`, forged.salt))
    const opened = await openPeople(reader.db, [...nobody, ana.commitment, forged.commitment, ana.commitment])
    await reader.close()
    expect(opened.get(ana.commitment)).toBe(PEOPLE[0])
    expect(opened.get(forged.commitment)).toBe(ERASED)
    expect(nobody.every((one) => opened.get(one) === ERASED)).toBe(true)
    expect(opened.size).toBe(1202)
  })
})
