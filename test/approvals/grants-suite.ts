import { describe, expect, test } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { decisionMessage } from "../../src/approvals/decision.ts"
import { addApprover, removeApprover } from "../../src/approvals/enrol.ts"
import { activeGrants, consumeGrant } from "../../src/approvals/grants.ts"
import { listApprovals, readApproval } from "../../src/approvals/list.ts"
import { approvalState } from "../../src/approvals/queue.ts"
import type { Decision, Signer } from "../../src/approvals/types.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import { Conflict } from "../../src/store/conflict.ts"
import type { Store } from "../../src/store/types.ts"
import { DAY, NOW } from "../context.ts"
import {
  ask,
  change,
  filter,
  HOUR,
  MINUTE,
  newPerson,
  newPlace,
  no,
  type Prepare,
  PURL,
  question,
  yes,
} from "./support.ts"

/** The tests of it. */
export function describeGrants(name: string, prepare: Prepare): void {
  describe(`grants on ${name}`, () => {
    test("a row that was written without a key grants nothing", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      const eve = newPerson("ana")
      const granted = `update approvals set state = 'granted', ends = ${NOW + DAY} where id = '${id}'`
      const signature = await eve.sign("nanoguard-approval-v1")
      const forged = `insert into decisions values ('${id}', 'ana', 'approve', '{"expires":${NOW + HOUR},"scope":"run"}', ${NOW}, '${signature}')`
      await store.write({ changes: [change(store, granted), change(store, forged)] })
      expect(await approvalState(store.db, id, NOW)).toMatchObject({ state: "granted" })
      expect(await activeGrants(store.db, filter)).toEqual([])
      // Nor does a true signature for another request.
      const real = await ask(store, question("pkg:npm/esbuild@0.25.2"))
      await answerApproval(store, real.id, yes(), people[1]!, NOW, "test")
      const copied = `insert into decisions select '${id}', "by", answer, terms, time, signature from decisions where approval = '${real.id}'`
      await store.write({ changes: [change(store, copied)] })
      expect((await activeGrants(store.db, filter)).map(({ purl }) => purl)).toEqual(["pkg:npm/esbuild@0.25.2"])
    })

    test("nor do true signatures that are too few, too late, or beside a no", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      /** A decision as its owner would sign it, put where nobody checks it. */
      const put = async (id: string, person: Signer, decision: Pick<Decision, "answer" | "terms" | "time">) => {
        const { digest } = (await readApproval(store.db, id, NOW))!
        const signature = await person.sign(decisionMessage(digest, decision))
        const row = { ...decision, approval: id, by: person.name, terms: canonicalText(decision.terms), signature }
        const granted = `update approvals set state = 'granted', ends = ${NOW + DAY} where id = '${id}'`
        await store.write({ changes: [store.db.insertInto("decisions").values(row).compile(), change(store, granted)] })
      }
      const agreed = { ...yes(), time: NOW }
      const few = await ask(store, question("pkg:npm/better-sqlite3@12.0.0"))
      await put(few.id, people[0]!, agreed)
      const late = await ask(store, question("pkg:npm/esbuild@1.0.0"))
      await put(late.id, people[0]!, { ...agreed, time: NOW + 15 * MINUTE })
      const early = await ask(store, question("pkg:npm/esbuild@1.0.1"))
      await put(early.id, people[0]!, { ...agreed, time: NOW - 1 })
      const denied = await ask(store, question("pkg:npm/esbuild@1.0.2"))
      await put(denied.id, people[0]!, agreed)
      expect((await activeGrants(store.db, filter)).map(({ grant }) => grant.id)).toEqual([denied.id])
      await put(denied.id, people[1]!, { ...no, time: NOW })
      expect(await activeGrants(store.db, filter)).toEqual([])
      await put(few.id, people[1]!, agreed)
      expect((await activeGrants(store.db, filter)).map(({ grant }) => grant.id)).toEqual([few.id])
    })

    test("nor does one whose request says something else than was signed, or names other people", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben", "cy", "dan"])
      // The row names dan as who may decide; the policy does not.
      const asked = question()
      const { id } = await ask(store, { ...asked, approvers: { group: "", people: ["dan"], quorum: 1 } })
      expect(await answerApproval(store, id, yes(), people[3]!, NOW, "test")).toMatchObject({ state: "granted" })
      expect(await activeGrants(store.db, filter)).toEqual([])
    })

    test("ends with the approver who gave it", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      await answerApproval(store, id, yes(), people[1]!, NOW, "test")
      expect(await activeGrants(store.db, filter)).toHaveLength(1)
      await removeApprover(store, "ben", people[0]!, NOW, "test")
      expect(await activeGrants(store.db, filter)).toEqual([])
      await addApprover(store, newPerson("ben"), people[0]!, NOW, "test")
      expect(await activeGrants(store.db, filter)).toEqual([])
    })

    test("is used as often as it says, and by one at a time", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      await answerApproval(store, id, yes({ uses: 2 }), people[0]!, NOW, "test")
      const other = await open("other")
      const [grant] = await activeGrants(store.db, filter)
      const event = { type: "package.decided", subject: PURL, gateway: "gw" }
      const use = (place: Store) => place.write({ changes: consumeGrant(place.db, grant!), events: [event] })
      const results = await Promise.allSettled([use(store), use(other), use(store)])
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
      for (const result of results) if (result.status === "rejected") expect(result.reason).toBeInstanceOf(Conflict)
      const [second] = await activeGrants(store.db, filter)
      expect(second).toMatchObject({ uses: 1, limit: 2 })
      await store.write({ changes: consumeGrant(store.db, second!) })
      expect(await activeGrants(store.db, filter)).toEqual([])
      expect(await approvalState(store.db, id, NOW)).toMatchObject({ state: "consumed" })
    })

    test("is over when its time is, and a clock that is behind costs nobody their answer", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      expect(await answerApproval(store, id, yes(), people[0]!, NOW - HOUR / 2, "test")).toMatchObject({
        state: "granted",
      })
      expect(await activeGrants(store.db, filter)).toHaveLength(1)
      const states = (now: number) =>
        Promise.all((["granted", "expired"] as const).map((state) => listApprovals(store.db, now, state)))
      expect((await states(NOW + HOUR - 1)).map((list) => list.length)).toEqual([1, 0])
      expect((await states(NOW + HOUR)).map((list) => list.length)).toEqual([0, 1])
      expect(await approvalState(store.db, id, NOW + HOUR)).toMatchObject({ state: "expired" })
      // Whatever a row says of its end, what was signed counts.
      await store.write({ changes: [change(store, `update approvals set ends = ${NOW + DAY}`)] })
      expect(await activeGrants(store.db, { ...filter, now: NOW + HOUR })).toEqual([])
    })

    test("without a limit needs no change to be used", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      await answerApproval(store, id, yes(), people[0]!, NOW, "test")
      const [grant] = await activeGrants(store.db, filter)
      expect(consumeGrant(store.db, grant!)).toEqual([])
    })
  })
}
