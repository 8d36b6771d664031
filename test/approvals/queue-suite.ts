import { describe, expect, test } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { bindRequest, digestOf, idOf } from "../../src/approvals/binding.ts"
import { listApprovals } from "../../src/approvals/list.ts"
import { createLoader } from "../../src/approvals/live/load.ts"
import { approvalState, expireApprovals, MAX_PENDING, requestApproval } from "../../src/approvals/queue.ts"
import { approvalStats } from "../../src/approvals/stats.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import { EXIT } from "../../src/errors.ts"
import { NOW } from "../context.ts"
import { ask, change, HOUR, MINUTE, newPlace, type Prepare, PURL, question, records, WHO, yes } from "./support.ts"

/** The tests of it. */
export function describeQueue(name: string, prepare: Prepare): void {
  describe(`the queue on ${name}`, () => {
    test("asks once: the same question of the same run is the same request, another run's is not", async (t) => {
      const { store, open } = await newPlace(prepare, t)
      const other = await open("other")
      const asking = [store, other, store, other].map((place) => ask(place))
      const ids = new Set((await Promise.all(asking)).map(({ id }) => id))
      expect(ids.size).toBe(1)
      expect((await ask(store, question(PURL, { ...WHO, run: "r2" }))).id).not.toBe([...ids][0])
      // Other words are no other question.
      expect((await ask(store, question(PURL, WHO, { reason: "please!" }))).id).toBe([...ids][0])
      const [first] = await listApprovals(store.db, NOW)
      expect(first).toMatchObject({
        state: "pending",
        binding: { subject: PURL, arguments: { codes: ["script.unapproved"] } },
      })
      const events = (await records(store)).filter(({ type }) => type === "approval.requested")
      expect(events.map(({ outcome, approval }) => [outcome, ids.has(approval!)])).toEqual([
        ["held", true],
        ["held", false],
      ])
    })

    test("expires what nobody answers, by whoever looks, once", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const { id, expires } = await ask(store)
      expect(Date.parse(expires)).toBe(NOW + 15 * MINUTE)
      expect(await approvalState(store.db, id, NOW + 15 * MINUTE - 1)).toMatchObject({ state: "pending" })
      const late = NOW + 15 * MINUTE
      expect(await approvalState(store.db, id, late)).toMatchObject({ state: "expired" })
      const refused = answerApproval(store, id, yes({ expires: late + HOUR }), people[0]!, late, "test")
      await expect(refused).rejects.toMatchObject({ exit: EXIT.approvalTimeout })
      const other = await open("other")
      const counts = await Promise.all([expireApprovals(store, late, "one"), expireApprovals(other, late, "two")])
      expect(counts[0]! + counts[1]!).toBe(1)
      expect((await records(store)).filter(({ type }) => type === "approval.expired")).toHaveLength(1)
      expect((await ask(store, question(), late)).id).not.toBe(id)
    })

    test("a row that is no request keeps nobody from seeing the others, nor from ending them", async (t) => {
      const { store } = await newPlace(prepare, t)
      const { id } = await ask(store)
      for (const more of [{ operator: 5 }, { run: {} }, { expires: 9e15 }, { agent: "" }]) {
        const text = canonicalText({ ...bindRequest(question(), NOW), ...more })
        const digest = digestOf(text)
        const row = `'${idOf(digest)}', '${digest}', '${digest}', '${text}', 'package', 'x', 'x', ${NOW}, ${NOW + MINUTE}, 'pending', 0, 0`
        await store.write({ changes: [change(store, `insert into approvals values (${row})`)] })
      }
      const { queue } = await createLoader(store.db, "ana")(NOW, [])
      expect(queue.map(({ approval }) => approval.id)).toEqual([id])
      const stats = await approvalStats(store.db, NOW, 30)
      expect(stats.total.asks).toBe(1)
      expect(await expireApprovals(store, NOW + HOUR, "test")).toBe(1)
    })

    test("a request that expired unnoticed makes way for a new one", async (t) => {
      const { store } = await newPlace(prepare, t)
      const { id } = await ask(store)
      const second = await ask(store, question(), NOW + HOUR)
      expect(second.id).not.toBe(id)
      expect((await listApprovals(store.db, NOW + HOUR)).map((one) => one.id)).toEqual([second.id])
    })

    test("takes no more than people can read, and lets other agents ask", async (t) => {
      const { store } = await newPlace(prepare, t)
      const many = Array.from({ length: MAX_PENDING.agent + 15 }, (_, i) =>
        requestApproval(store, question(`pkg:npm/esbuild@0.25.${i}`), NOW, "test"),
      )
      const states = (await Promise.all(many)).map(({ state }) => state)
      expect(states.filter((state) => state === "pending")).toHaveLength(MAX_PENDING.agent)
      expect(states.filter((state) => state === "flooded")).toHaveLength(15)
      expect(await ask(store, question(PURL, { agent: "other" }))).toMatchObject({ state: "pending" })
      // What waits already is answered all the same.
      expect(await ask(store, question("pkg:npm/esbuild@0.25.0"))).toMatchObject({ state: "pending" })
      const later = await requestApproval(store, question("pkg:npm/esbuild@0.99.0"), NOW + 15 * MINUTE, "test")
      expect(later).toMatchObject({ state: "pending" })
    })
  })
}
