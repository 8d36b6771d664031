// What a store does with batches that need not wait for the disk, whichever engine is behind it.
import { once } from "node:events"
import { describe, expect, test } from "vitest"
import { Conflict } from "../../src/store/conflict.ts"
import { event, newPlace, type Prepare, records, startAppender } from "./suite.ts"

/** The tests of lax batches. */
export function describeLax(name: string, prepare: Prepare): void {
  describe(`lax batches on ${name}`, () => {
    test("takes lax events among the others: numbered with them, readable when acknowledged, and there after a kill", async (t) => {
      const { ctx, open } = await newPlace(prepare, t)
      const store = await open("gw")
      const write = (subject: string, lax: boolean) =>
        store.write({ events: [event(subject), event(`${subject}'`)], ...(lax && { lax }) })
      const subjects = Array.from({ length: 60 }, (_, i) => `e${i}`)
      const written = await Promise.all(subjects.map((subject, i) => write(subject, i % 3 > 0)))
      expect((await write("alone", true)).seqs).toEqual([121, 122])
      const found = await records(store)
      for (const [i, { seqs }] of written.entries())
        expect(seqs.map((seq) => found[seq - 1]?.subject)).toEqual([subjects[i], `${subjects[i]}'`])
      expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: 122 }, (_, i) => i + 1))
      const killed = startAppender(ctx.env, "killed", 1_000_000, "lax")
      while (killed.acknowledged.size < 200) await once(killed.child.stdout!, "data")
      killed.child.kill("SIGKILL")
      await killed.ended
      await store.append(event("after"))
      const after = await records(store)
      for (const [seq, subject] of killed.acknowledged) expect(after[seq - 1]?.subject).toBe(subject)
    })

    test("undoes a lax batch whose expectation does not hold, like any other", async (t) => {
      const { open } = await newPlace(prepare, t)
      const store = await open("gw")
      const change = {
        ...store.db.updateTable("usage").set({ used: 1 }).where("counter", "=", "nobody's").compile(),
        expect: 1,
      }
      const results = await Promise.allSettled([
        store.write({ changes: [change], events: [event("a")], lax: true }),
        store.write({ events: [event("b")], lax: true }),
      ])
      expect(results[0]).toMatchObject({ reason: expect.any(Conflict) })
      expect(results[1]).toMatchObject({ value: { seqs: [1] } })
    })
  })
}
