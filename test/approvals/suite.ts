// What approvals are, whichever engine keeps them: the same tests run on SQLite and on PostgreSQL.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { sql } from "kysely"
import { describe, expect, inject, onTestFinished, test } from "vitest"
import { adoptedPolicy, adoptPolicy, findAdopted, lastAdoption } from "../../src/approvals/adopted.ts"
import { answerApproval } from "../../src/approvals/answer.ts"
import { addApprover, readApprovers, removeApprover } from "../../src/approvals/approvers.ts"
import { decisionMessage } from "../../src/approvals/decision.ts"
import { activeGrants, consumeGrant } from "../../src/approvals/grants.ts"
import {
  approvalState,
  expireApprovals,
  listApprovals,
  MAX_PENDING,
  readApproval,
  requestApproval,
} from "../../src/approvals/queue.ts"
import type { Decision, Signer } from "../../src/approvals/types.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import type { LogRecord } from "../../src/audit/types.ts"
import { EXIT } from "../../src/errors.ts"
import { loadLayers } from "../../src/policy/load.ts"
import { Conflict } from "../../src/store/conflict.ts"
import type { Change, Store } from "../../src/store/types.ts"
import { DAY, NOW } from "../context.ts"
import {
  ask,
  HOUR,
  MINUTE,
  newPerson,
  newPlace,
  type Person,
  POLICY,
  type Prepare,
  PURL,
  question,
  WHO,
} from "./support.ts"

const yes = (more: object = {}) => ({
  answer: "approve" as const,
  terms: { scope: "run" as const, expires: NOW + HOUR, ...more },
})
const no = { answer: "deny" as const, terms: { note: "use got instead" } }
const filter = { policy: POLICY, ...WHO, now: NOW + MINUTE }

async function records(store: Store): Promise<LogRecord[]> {
  const rows = await store.db.selectFrom("events").selectAll().orderBy("seq").execute()
  return rows.map(({ body }) => JSON.parse(body) as LogRecord)
}

/** A change in SQL, as whoever may write to the store could make it. */
const change = (store: Store, text: string): Change => sql.raw(text).compile(store.db)

/** The tests of what approvals promise. */
export function describeApprovals(name: string, prepare: Prepare): void {
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

  describe(`decisions on ${name}`, () => {
    test("a yes grants what was asked, to whom it was asked for, for as long as it says", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      expect(await activeGrants(store.db, filter)).toEqual([])
      const answered = await answerApproval(store, id, yes({ note: "known build script" }), people[1]!, NOW, "test")
      expect(answered).toMatchObject({ state: "granted", missing: 0 })
      const grant = { id, kind: "ask", codes: ["script.unapproved"], approvers: "", expires: NOW + HOUR }
      expect(await activeGrants(store.db, filter)).toEqual([{ purl: PURL, by: ["ben"], uses: 0, grant }])
      expect(await activeGrants(store.db, { ...filter, package: "pkg:npm/esbuild" })).toHaveLength(1)
      const others = [
        { agent: "claude-2" },
        { run: "r2" },
        { run: undefined },
        { operator: "someone" },
        { now: NOW + HOUR },
        { package: "pkg:npm/esbuil" },
        { policy: { ...POLICY, hash: "sha256:other" } },
      ]
      for (const other of others) expect(await activeGrants(store.db, { ...filter, ...other })).toEqual([])
      const [event] = (await records(store)).filter(({ type }) => type === "approval.granted")
      expect(event).toMatchObject({ approval: id, subject: PURL, agent: "claude-1", policy: POLICY.hash })
      expect(event?.by).toHaveLength(1)
      expect(event?.note).toMatch(/^person:/)
    })

    test("only those who are asked decide, each once, and only what still waits", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben", "cy", "dan"])
      const [ana, , , dan] = people as [Person, Person, Person, Person]
      const { id } = await ask(store)
      await expect(answerApproval(store, id, yes(), dan, NOW, "test")).rejects.toThrow(`dan may not decide ${id}`)
      await expect(answerApproval(store, id, yes(), newPerson("eve"), NOW, "test")).rejects.toThrow("not an approver")
      await expect(answerApproval(store, id, yes(), newPerson("ana"), NOW, "test")).rejects.toThrow("not the key")
      await expect(answerApproval(store, "ap-aaaaaaaa", yes(), ana, NOW, "test")).rejects.toMatchObject({
        exit: EXIT.usage,
      })
      await expect(answerApproval(store, id, yes({ expires: NOW }), ana, NOW, "test")).rejects.toThrow("within a year")
      await expect(answerApproval(store, id, yes({ uses: 0 }), ana, NOW, "test")).rejects.toThrow("one use")
      await answerApproval(store, id, yes(), ana, NOW, "test")
      await expect(answerApproval(store, id, no, people[1]!, NOW, "test")).rejects.toThrow(
        "decided already: it was granted",
      )
    })

    test("a no ends it, tells why, and sticks for the run", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      await answerApproval(store, id, no, people[0]!, NOW, "test")
      for (const days of [0, 1, 100]) {
        const again = await ask(store, question(), NOW + days * DAY)
        expect(again).toMatchObject({ id, state: "denied", note: "use got instead" })
      }
      expect(await ask(store, question(PURL, { ...WHO, run: "r2" }))).toMatchObject({ state: "pending" })
      // Without runs there is no end of one: it holds for a day.
      const alone = question(PURL, { agent: "local" })
      const denied = await ask(store, { ...alone, run: undefined })
      await answerApproval(store, denied.id, no, people[0]!, NOW, "test")
      expect(await ask(store, { ...alone, run: undefined }, NOW + HOUR)).toMatchObject({ state: "denied" })
      expect(await ask(store, { ...alone, run: undefined }, NOW + 2 * DAY)).toMatchObject({ state: "pending" })
    })

    test("where two must agree, two people do; either's no ends it", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const [ana, ben] = people as [Person, Person]
      const both = question("pkg:npm/better-sqlite3@12.0.0")
      expect(both.approvers).toEqual({ group: "two", people: ["ana", "ben"], quorum: 2 })
      const { id } = await ask(store, both)
      expect(await answerApproval(store, id, yes({ uses: 3 }), ana, NOW, "test")).toMatchObject({
        state: "pending",
        missing: 1,
      })
      await expect(answerApproval(store, id, yes(), ana, NOW, "test")).rejects.toThrow("ana has answered")
      expect(await activeGrants(store.db, filter)).toEqual([])
      // The narrower of both terms is what they agree on.
      const end = NOW + 10 * MINUTE
      expect(await answerApproval(store, id, yes({ expires: end, scope: "agent" }), ben, NOW, "test")).toMatchObject({
        state: "granted",
      })
      expect(await activeGrants(store.db, filter)).toMatchObject([
        { by: ["ana", "ben"], limit: 3, grant: { expires: end } },
      ])
      expect(await activeGrants(store.db, { ...filter, run: "r2" })).toEqual([])
      const second = await ask(store, question("pkg:npm/better-sqlite3@12.0.1"))
      await answerApproval(store, second.id, yes(), ana, NOW, "test")
      expect(await answerApproval(store, second.id, no, ben, NOW, "test")).toMatchObject({ state: "denied" })
      expect(
        (await records(store)).map(({ type }) => type).filter((type) => /agreed|granted|denied/.test(type)),
      ).toEqual([...["approval.agreed", "approval.granted", "approval.agreed", "approval.denied"]])
    })

    test("happen once, however many decide at the same time", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const stores = [store, await open("two"), await open("three")]
      for (let round = 0; round < 5; round++) {
        const { id } = await ask(store, question(`pkg:npm/esbuild@1.0.${round}`))
        const results = await Promise.allSettled(
          stores.map((place, i) => answerApproval(place, id, i === round % 3 ? no : yes(), people[i]!, NOW, "test")),
        )
        expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
        const decided = await readApproval(store.db, id, NOW)
        expect(decided?.decisions).toHaveLength(1)
      }
      // Two of two at once: both count, and the second one grants.
      const { id } = await ask(store, question("pkg:npm/better-sqlite3@12.0.0"))
      const both = await Promise.all(
        stores.slice(0, 2).map((place, i) => answerApproval(place, id, yes(), people[i]!, NOW, "test")),
      )
      expect(both.map(({ state }) => state).sort()).toEqual(["granted", "pending"])
    })

    test("happen once among processes, too", async (t) => {
      const { ctx, store, people } = await newPlace(prepare, t)
      const ids: string[] = []
      for (let i = 0; i < 6; i++) ids.push((await ask(store, question(`pkg:npm/esbuild@2.0.${i}`))).id)
      const program = fileURLToPath(new URL("decider.js", inject("programs")))
      const children = people.map(({ name, pkcs8 }) => {
        const child = spawn(process.execPath, [program, name, pkcs8, String(NOW), ...ids], {
          env: ctx.env as NodeJS.ProcessEnv,
          stdio: ["pipe", "pipe", "inherit"],
        })
        onTestFinished(() => void child.kill("SIGKILL"))
        const lines: string[] = []
        const reader = createInterface({ input: child.stdout })
        const ready = once(reader, "line")
        reader.on("line", (line) => lines.push(line))
        return { child, lines, ready, ended: Promise.all([once(child, "exit"), once(reader, "close")]) }
      })
      await Promise.all(children.map(({ ready }) => ready))
      for (const { child } of children) child.stdin.write("go\n")
      await Promise.all(children.map(({ ended }) => ended))
      const lines = children.flatMap((one) => one.lines).filter((line) => line !== "ready")
      expect(lines).toHaveLength(people.length * ids.length)
      expect(lines.filter((line) => line.startsWith("decided ")).sort()).toEqual(
        ids.map((id) => `decided ${id}`).sort(),
      )
      expect(await activeGrants(store.db, filter)).toHaveLength(ids.length)
    })
  })

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

  describe(`the policy in force on ${name}`, () => {
    const texts = (severity: string) => [
      { file: "nanoguard.yaml", text: `version: 1\npackages: { deny: { severity: ${severity} } }\n` },
    ]
    const adopting = (severity: string, since = 0) => ({
      project: "/srv/acme",
      texts: texts(severity),
      policy: loadLayers(texts(severity)),
      since,
    })

    test("is the newest that an approver signed", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await expect(adoptedPolicy(store.db, "/srv/acme")).rejects.toMatchObject({
        exit: EXIT.configuration,
        hint: expect.stringContaining("nanoguard policy adopt"),
      })
      await adoptPolicy(store, adopting("high"), people[0]!, NOW, "test")
      const first = await adoptedPolicy(store.db, "/srv/acme")
      expect(first).toMatchObject({ by: "ana", time: NOW, hash: loadLayers(texts("high")).hash, texts: texts("high") })
      // By a clock that stands still.
      await adoptPolicy(store, adopting("low", await lastAdoption(store.db, "/srv/acme")), people[1]!, NOW, "test")
      expect(await adoptedPolicy(store.db, "/srv/acme")).toMatchObject({
        by: "ben",
        texts: texts("low"),
        time: NOW + 1,
      })
      expect(await findAdopted(store.db, "/srv/other")).toBeUndefined()
      const events = (await records(store)).filter(({ type }) => type === "policy.adopted")
      expect(events.map(({ policy }) => policy)).toEqual([
        loadLayers(texts("high")).hash,
        loadLayers(texts("low")).hash,
      ])
    })

    test("is compared with what is in force, not with what was", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await adoptPolicy(store, adopting("high"), people[0]!, NOW, "test")
      await expect(adoptPolicy(store, adopting("low"), people[0]!, NOW, "test")).rejects.toThrow("meanwhile")
      const since = await lastAdoption(store.db, "/srv/acme")
      const both = await Promise.allSettled(
        ["low", "critical"].map((one) => adoptPolicy(store, adopting(one, since), people[0]!, NOW, "test")),
      )
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
    })

    test("is not what somebody wrote into the tables, nor an older one once its approver is gone", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await adoptPolicy(store, adopting("high"), people[0]!, NOW, "test")
      await adoptPolicy(store, adopting("medium", NOW), people[1]!, NOW, "test")
      // An old, true signature under a new time; and one of nobody.
      const again = `insert into adoptions select project, ${NOW + 9}, hash, digest, "by", signature from adoptions where time = ${NOW}`
      const forged = `insert into adoptions values ('/srv/acme', ${NOW + 10}, 'sha256:x', 'sha256:x', 'ana', 'ed25519:AAAA')`
      await store.write({ changes: [change(store, again), change(store, forged)] })
      expect(await adoptedPolicy(store.db, "/srv/acme")).toMatchObject({ by: "ben", texts: texts("medium") })
      await removeApprover(store, "ben", people[0]!, NOW, "test")
      await expect(adoptedPolicy(store.db, "/srv/acme")).rejects.toThrow("adopted by ben, who is no approver any more")
      await adoptPolicy(store, adopting("low", NOW + 1), people[0]!, NOW, "test")
      expect(await adoptedPolicy(store.db, "/srv/acme")).toMatchObject({ by: "ana", texts: texts("low") })
    })

    test("needs an approver", async (t) => {
      const { store } = await newPlace(prepare, t)
      await expect(adoptPolicy(store, adopting("high"), newPerson("eve"), NOW, "test")).rejects.toThrow(
        "eve is not an approver",
      )
      await expect(adoptPolicy(store, adopting("high"), newPerson("ana"), NOW, "test")).rejects.toThrow("not the key")
      const named = { ...adopting("high"), project: "a\nb" }
      await expect(adoptPolicy(store, named, newPerson("ana"), NOW, "test")).rejects.toMatchObject({ exit: EXIT.usage })
    })
  })
}
