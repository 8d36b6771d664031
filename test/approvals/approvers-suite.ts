import { describe, expect, test } from "vitest"
import { entryMessage, readApprovers } from "../../src/approvals/approvers.ts"
import { addApprover, removeApprover } from "../../src/approvals/enrol.ts"
import { NOW } from "../context.ts"
import { change, newPerson, newPlace, type Person, type Prepare, records } from "./support.ts"

/** The tests of it. */
export function describeApprovers(name: string, prepare: Prepare): void {
  describe(`approvers on ${name}`, () => {
    test("the first enrols themselves, each other is signed by one of them", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana"])
      const [ana] = people as [Person]
      const [ben, eve] = [newPerson("ben"), newPerson("eve")]
      await expect(addApprover(store, eve, eve, NOW, "test")).rejects.toThrow("eve is not an approver")
      await expect(addApprover(store, ben, { ...eve, name: "ana" }, NOW, "test")).rejects.toThrow(
        "not the key that ana",
      )
      await addApprover(store, ben, ana, NOW, "test")
      await expect(addApprover(store, { ...eve, name: "ben" }, ana, NOW, "test")).rejects.toThrow("enrolled already")
      await expect(addApprover(store, { ...ben, name: "ben2" }, ana, NOW, "test")).rejects.toThrow("another approver's")
      const found = await readApprovers(store.db)
      expect([...found.values()].map(({ name, by }) => [name, by])).toEqual([
        ["ana", "ana"],
        ["ben", "ana"],
      ])
      const types = (await records(store)).map(({ type, detail }) => [type, detail?.["root"]])
      expect(types).toEqual([
        ["configuration.approver-added", true],
        ["configuration.approver-added", false],
      ])
      // Nobody's name is in the log.
      const bodies = await store.db.selectFrom("events").select("body").execute()
      expect(JSON.stringify(bodies)).not.toMatch(/\b(ana|ben)\b/)
    })

    test("the last one stays, and who was removed may come back only by another's signature", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben"])
      const [ana, ben] = people as [Person, Person]
      await removeApprover(store, "ana", ben, NOW, "test")
      await expect(removeApprover(store, "ben", ben, NOW, "test")).rejects.toThrow("the last approver")
      await expect(addApprover(store, newPerson("cy"), ana, NOW, "test")).rejects.toThrow("ana is not an approver")
      // The row that enrolled ana once, again: it was signed, but for another place in the chain.
      const again = `insert into approvers select 4, action, name, key, time, "by", signature from approvers where position = 1`
      await store.write({ changes: [change(store, again)] })
      expect([...(await readApprovers(store.db)).keys()]).toEqual(["ben"])
      await addApprover(store, ana, ben, NOW, "test")
      expect([...(await readApprovers(store.db)).keys()].sort()).toEqual(["ana", "ben"])
    })

    test("what was signed once is not signed for ever: an entry counts at its own place alone", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben"])
      await removeApprover(store, "ben", people[0]!, NOW, "test")
      const again = `insert into approvers select 4, action, name, key, time, "by", signature from approvers where position = 2`
      await store.write({ changes: [change(store, again)] })
      expect([...(await readApprovers(store.db)).keys()]).toEqual(["ana"])
    })

    test("rows that nobody signed count for nothing, and stop nothing", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana"])
      const eve = newPerson("eve")
      const row = `(2, 'add', 'eve', '${eve.key}', 1, 'ana', '${await eve.sign("x")}')`
      await store.write({ changes: [change(store, `insert into approvers values ${row}`)] })
      expect([...(await readApprovers(store.db)).keys()]).toEqual(["ana"])
      await addApprover(store, newPerson("ben"), people[0]!, NOW, "test")
      expect([...(await readApprovers(store.db)).keys()]).toEqual(["ana", "ben"])
    })

    test("a row before the first makes nobody the root, and one far behind the last stops nothing", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana"])
      const eve = newPerson("eve")
      const entry = { action: "add", name: "eve", key: eve.key, time: NOW } as const
      const signature = await eve.sign(entryMessage("-", entry))
      for (const position of ["0", "-1", "10000", "9223372036854775807"]) {
        const row = `(${position}, 'add', 'eve', '${eve.key}', ${NOW}, 'eve', '${signature}')`
        await store.write({ changes: [change(store, `insert into approvers values ${row}`)] })
      }
      expect([...(await readApprovers(store.db)).keys()]).toEqual(["ana"])
      await addApprover(store, newPerson("ben"), people[0]!, NOW, "test")
      expect([...(await readApprovers(store.db)).keys()]).toEqual(["ana", "ben"])
    })

    test("of two who would be the first, one is", async (t) => {
      const { store, open } = await newPlace(prepare, t, [])
      const other = await open("other")
      const [ana, eve] = [newPerson("ana"), newPerson("eve")]
      const results = await Promise.allSettled([
        addApprover(store, ana, ana, NOW, "one"),
        addApprover(other, eve, eve, NOW, "two"),
      ])
      expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
      expect((await readApprovers(store.db)).size).toBe(1)
    })
  })
}
