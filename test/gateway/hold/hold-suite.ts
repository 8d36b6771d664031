// Hold and release: the same on every engine.
import { describe, expect, test } from "vitest"
import { listApprovals } from "../../../src/approvals/list.ts"
import { expireApprovals } from "../../../src/approvals/queue.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { MINUTE, newPlace, type Prepare, records } from "../../approvals/support.ts"
import { NOW } from "../../context.ts"
import { approve, asking, bereave, deny, never, openHolds, POLICY, policyOf, WHO } from "./support.ts"

const MAIL = "POST https://api.example.com/v1/mail"

/** The tests of it. */
export function describeHolds(name: string, prepare: Prepare): void {
  describe(`holds on ${name}`, () => {
    test("a request waits with its body, is woken by a person, and is released once", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const person = await open("person")
      const item = await gate.held(MAIL, { body: "hello" })
      expect(item).toMatchObject({ state: "pending", reattached: false })
      expect((await gate.judge(MAIL, { body: "hello" })).verdict.effect).toBe("ask")
      expect((await item.body())?.toString()).toBe("hello")
      const rows = await store.db.selectFrom("held").selectAll().execute()
      expect(rows.map(({ approval, gateway }) => [approval, gateway])).toEqual([[item.id, "gw"]])
      expect(Buffer.from(rows[0]!.sealed).includes("hello")).toBe(false)
      const settled = item.settled(never())
      expect(gate.holds.waiting).toBe(1)
      await approve(person, item, people[1]!)
      expect(await settled).toEqual({ state: "granted" })
      expect(gate.holds.waiting).toBe(0)
      const consumed = await gate.release(MAIL, { body: "hello", item })
      await expect(gate.release(MAIL, { body: "hello" })).rejects.toThrow("ask network.approval")
      await gate.holds.finish(consumed)
      expect(await store.db.selectFrom("held").selectAll().execute()).toEqual([])
      const types = (await records(store)).map(({ type }) => type).filter((type) => /^(approval|network)/.test(type))
      expect(types).toEqual(["approval.requested", "network.held", "approval.granted", "network.released"])
    })

    test("of several gates that were granted one request, one releases it", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const gates = [openHolds(store), openHolds(await open("two"), { gateway: "two" })]
      const items = [await gates[0]!.held(MAIL), await gates[1]!.held(MAIL), await gates[1]!.held(MAIL)]
      expect(new Set(items.map(({ id }) => id)).size).toBe(1)
      expect(items.map(({ reattached }) => reattached)).toEqual([false, true, true])
      const settled = items.map((item) => item.settled(never()))
      await approve(store, items[0]!, people[0]!)
      expect(await Promise.all(settled)).toEqual(items.map(() => ({ state: "granted" })))
      const judged = await Promise.all(gates.map((gate) => gate.judge(MAIL)))
      expect(judged.map(({ verdict }) => verdict.effect)).toEqual(["allow", "allow"])
      const releases = await Promise.allSettled([
        ...gates.map((gate) => gate.release(MAIL)),
        ...gates.map((gate) => gate.release(MAIL)),
      ])
      expect(releases.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
      for (const one of releases) if (one.status === "rejected") expect(one.reason).toBeInstanceOf(Error)
      expect((await records(store)).filter(({ type }) => type === "network.released")).toHaveLength(1)
    })

    test("a no tells why, and sticks for the run and for nothing else", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const item = await gate.held(MAIL, { body: "a" })
      const settled = item.settled(never())
      await deny(store, item, people[0]!, "use the other list")
      expect(await settled).toEqual({ state: "denied", note: "use the other list" })
      expect(await item.body()).toBeUndefined()
      expect(await gate.hold(MAIL, { body: "a" })).toMatchObject({
        state: "denied",
        note: "use the other list",
        id: item.id,
      })
      expect(await gate.hold(MAIL, { body: "b" })).toMatchObject({ state: "pending" })
      expect(await gate.hold(MAIL, { body: "a", who: { run: "r2" } })).toMatchObject({ state: "pending" })
    })

    test("a client that leaves detaches its request: the same one takes it up again, with what was agreed to meanwhile", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const first = await gate.held(MAIL, { body: "a" })
      const left = new AbortController()
      const settled = first.settled(left.signal)
      left.abort()
      expect(await settled).toEqual({ state: "left" })
      const second = await gate.held(MAIL, { body: "a" })
      expect(second).toMatchObject({ id: first.id, digest: first.digest, reattached: true })
      expect(await second.settled(AbortSignal.abort())).toEqual({ state: "left" })
      await approve(store, first, people[0]!)
      await gate.release(MAIL, { body: "a" })
      expect((await gate.judge(MAIL, { body: "a" })).verdict.effect).toBe("ask")
    })

    test("time that runs out is a no, at every gate, and is recorded once", async (t) => {
      const { store, open } = await newPlace(prepare, t)
      let time = NOW
      const gate = openHolds(store, { now: () => time })
      const item = await gate.held(MAIL, { body: "a" })
      const settled = item.settled(never())
      time += 15 * MINUTE
      expect(await settled).toEqual({ state: "expired" })
      const other = await open("two")
      await Promise.all([gate.holds.sweep(), expireApprovals(other, time, "two")])
      expect((await records(store)).filter(({ type }) => type === "approval.expired")).toHaveLength(1)
      expect(await store.db.selectFrom("held").selectAll().execute()).toEqual([])
      expect((await gate.judge(MAIL, { body: "a" })).verdict.effect).toBe("ask")
    })

    test("a kill of the run ends what waits of it, and nobody else's", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const other = openHolds(await open("two"), { gateway: "two" })
      const items = [await gate.held(MAIL), await other.held(MAIL, { body: "b" })]
      const kept = await gate.held(MAIL, { who: { run: "r2" } })
      const settled = items.map((item) => item.settled(never()))
      const waits = kept.settled(never())
      expect(await gate.holds.cancelRun("r1")).toBe(2)
      expect(await Promise.all(settled)).toEqual([{ state: "cancelled" }, { state: "cancelled" }])
      // Also for whoever looks only afterwards.
      expect(await items[0]!.settled(never())).toEqual({ state: "cancelled" })
      await expect(approve(store, items[0]!, people[0]!)).rejects.toThrow("expired")
      await approve(store, kept, people[0]!)
      expect(await waits).toEqual({ state: "granted" })
      // A grant is withdrawn as well.
      expect(await gate.holds.cancel(kept.id)).toBe(true)
      expect(await gate.holds.cancel(kept.id)).toBe(false)
      await expect(gate.release(MAIL, { who: { run: "r2" } })).rejects.toThrow("ask network.approval")
      expect((await records(store)).filter(({ type }) => type === "approval.cancelled")).toHaveLength(3)
    })

    test("a grant that was withdrawn after it was read is not used", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const other = openHolds(await open("two"), { gateway: "two" })
      const alike = { covers: "alike" as const }
      await approve(store, await gate.held(MAIL), people[0]!, alike)
      const { grants } = await gate.judge(MAIL)
      await other.holds.cancel(grants[0]!.grant.id)
      await expect(store.write({ changes: gate.holds.consume(grants) })).rejects.toBeInstanceOf(Conflict)
    })

    test("a yes for what is alike covers the same rules and host, for its uses and its time", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      let time = NOW
      const gate = openHolds(store, { now: () => time })
      await approve(store, await gate.held(MAIL, { body: "a" }), people[0]!, { covers: "alike", uses: 2 })
      await gate.release("DELETE https://api.example.com/v1/mail/7")
      // Another rule asks about this one, too, and was not asked then.
      expect((await gate.judge("POST https://api.example.com/admin/users")).verdict.effect).toBe("ask")
      for (const other of ["POST https://api.example.com:8443/v1/mail", "POST https://pay.example.com/v1/mail"])
        expect((await gate.judge(other)).verdict.effect, other).not.toBe("allow")
      expect((await gate.judge(MAIL, { who: { run: "r2" } })).verdict.effect).toBe("ask")
      expect((await gate.judge(MAIL, { who: { agent: "claude-2" } })).verdict.effect).toBe("ask")
      expect((await gate.judge(MAIL, { who: { operator: "eve" } })).verdict.effect).toBe("ask")
      await gate.release(MAIL, { body: "b" })
      expect((await gate.judge(MAIL, { body: "c" })).verdict.effect).toBe("ask")
      const item = await gate.held(MAIL, { body: "d" })
      const settled = item.settled(never())
      await approve(store, item, people[0]!, { covers: "alike", scope: "agent" })
      expect(await settled).toEqual({ state: "granted" })
      for (const body of ["e", "f", "g"]) await gate.release(MAIL, { body, who: { run: "r3" } })
      time += 60 * MINUTE
      expect((await gate.judge(MAIL, { body: "h" })).verdict.effect).toBe("ask")
    })

    test("what is of the gravest risk is approved by itself, whatever is signed, and comes first", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const policy = policyOf(`network:
  - { id: mail, ask: api.example.com, risk: low }
  - { id: pay, ask: pay.example.com, risk: critical }
approvers: { default: { people: [ana], expire: 15m } }
`)
      const PAY = "POST https://pay.example.com/v1/charges"
      await gate.held(MAIL, { policy })
      const item = await gate.held(PAY, { policy, body: "49" })
      expect((await listApprovals(store.db, NOW)).map(({ binding }) => binding.approvers.risk)).toEqual([
        ...["critical", "low"],
      ])
      for (const terms of [{ covers: "alike" as const, uses: 2 }, { scope: "agent" as const }, { uses: 2 }])
        await expect(approve(store, item, people[0]!, terms)).rejects.toThrow("approved by itself")
      await approve(store, item, people[0]!)
      await gate.release(PAY, { policy, body: "49" })
      expect((await gate.judge(PAY, { policy, body: "49" })).verdict.effect).toBe("ask")
      // A yes from before the policy said so is worth no more than that.
      const before = policyOf(`network:
  - { id: pay, ask: pay.example.com, risk: critical }
approvers: { default: { people: [ana], expire: 15m } }
approvals: { risk: { critical: { alike: true } } }
`)
      const wide = await gate.held(PAY, { policy: before, body: "50" })
      const settled = wide.settled(never())
      await approve(store, wide, people[0]!, { covers: "alike", uses: 5 })
      expect(await settled).toEqual({ state: "granted" })
      expect((await gate.judge(PAY, { policy: before, body: "51" })).verdict.effect).toBe("allow")
      expect((await gate.judge(PAY, { policy, body: "51" })).verdict.effect).toBe("ask")
      await gate.release(PAY, { policy, body: "50" })
      expect((await gate.judge(PAY, { policy, body: "50" })).verdict.effect).toBe("ask")
      const details = (await records(store)).flatMap(({ type, detail }) =>
        type === "approval.requested" ? [detail] : [],
      )
      expect(details.map((detail) => detail?.["risk"])).toEqual(["low", "critical", "critical"])
    })

    test("several people's terms: the narrowest count", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const PAY = "POST https://pay.example.com/v1/charges"
      const item = await gate.held(PAY, { body: "49" })
      const settled = item.settled(never())
      await approve(store, item, people[0]!, { covers: "alike", uses: 9 })
      expect((await gate.judge(PAY, { body: "49" })).verdict.effect).toBe("ask")
      await approve(store, item, people[1]!)
      expect(await settled).toEqual({ state: "granted" })
      expect((await gate.judge(PAY, { body: "50" })).verdict.effect).toBe("ask")
      await gate.release(PAY, { body: "49" })
      expect((await gate.judge(PAY, { body: "49" })).verdict.effect).toBe("ask")
    })

    test("a grant outlives another policy where its rules say the same, and no other change", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const source = (rule: string, more = "") =>
        policyOf(`network:\n  - ${rule}\n${more}approvers: { default: { people: [ana], expire: 15m } }\n`)
      const rule = "{ id: writes, ask: api.example.com, methods: [POST] }"
      const before = source(rule)
      const item = await gate.held(MAIL, { policy: before })
      const settled = item.settled(never())
      gate.holds.recall()
      expect(await settled).toEqual({ state: "recalled" })
      const other = source(rule, "  - { id: more, allow: other.example.com }\n")
      expect(other.hash).not.toBe(before.hash)
      // Still asked by the same rule: the same question.
      expect(await gate.held(MAIL, { policy: other })).toMatchObject({ id: item.id, reattached: true })
      await approve(store, item, people[0]!)
      expect((await gate.judge(MAIL, { policy: other })).verdict.effect).toBe("allow")
      const changed = source("{ id: writes, ask: api.example.com, methods: [POST], reason: it matters }")
      expect((await gate.judge(MAIL, { policy: changed })).verdict.effect).toBe("ask")
      expect((await gate.held(MAIL, { policy: changed })).id).not.toBe(item.id)
      const people2 = policyOf(`network:\n  - ${rule}\napprovers: { default: { people: [cy], expire: 15m } }\n`)
      expect((await gate.judge(MAIL, { policy: people2 })).verdict.effect).toBe("ask")
      await gate.release(MAIL, { policy: other })
    })

    test("what another policy lets through withdraws its question", async (t) => {
      const { store } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const item = await gate.held(MAIL, { body: "a" })
      await store.write({ changes: gate.holds.consume([], item) })
      expect(await gate.holds.cancel(item.id)).toBe(false)
      expect(await item.body()).toBeUndefined()
    })

    test("what a dead gate released and did not finish is recorded as unknown, once, and never let through again", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const finished = await gate.held(MAIL, { body: "done" })
      await approve(store, finished, people[0]!)
      await gate.holds.finish(await gate.release(MAIL, { body: "done", item: finished }))
      const item = await gate.held(MAIL, { body: "a" })
      await approve(store, item, people[0]!)
      await gate.release(MAIL, { body: "a", item })
      expect(await gate.holds.sweep()).toMatchObject({ unknown: 0 })
      await bereave(store)
      const [again, twice, stranger, namesake] = [
        openHolds(await open("again")),
        openHolds(await open("twice")),
        openHolds(await open("other"), { gateway: "other" }),
        // Gates that nobody named have one name everywhere.
        openHolds(await open("namesake"), { owner: "gw@elsewhere" }),
      ]
      expect(await stranger.holds.sweep()).toMatchObject({ unknown: 0 })
      expect(await namesake.holds.sweep()).toMatchObject({ unknown: 0 })
      const swept = await Promise.all([again.holds.sweep(), twice.holds.sweep()])
      expect(swept[0]!.unknown + swept[1]!.unknown).toBe(1)
      const failed = (await records(store)).filter(({ type }) => type === "network.failed")
      expect(failed).toMatchObject([{ outcome: "unknown", approval: item.id, agent: "claude-1", run: "r1" }])
      expect((await again.judge(MAIL, { body: "a" })).verdict.effect).toBe("ask")
      expect(await store.db.selectFrom("held").selectAll().execute()).toEqual([])
    })

    test("what a gate released that still ends beside the next one is left to it", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const item = await gate.held(MAIL, { body: "a" })
      await approve(store, item, people[0]!)
      const released = await gate.release(MAIL, { body: "a", item })
      const next = openHolds(await open("next"))
      expect(await next.holds.sweep()).toMatchObject({ unknown: 0 })
      await gate.holds.finish(released)
      expect(await store.db.selectFrom("held").selectAll().execute()).toEqual([])
      expect((await records(store)).filter(({ type }) => type === "network.failed")).toEqual([])
    })

    test("in quiet hours nobody is asked", async (t) => {
      const { store } = await newPlace(prepare, t)
      const gate = openHolds(store)
      const group = (zone: string) =>
        policyOf(`network: [{ id: writes, ask: api.example.com }]
approvers: { default: { people: [ana], quiet: { from: "23:30", to: "01:00", zone: ${zone} } } }
`)
      expect(await gate.hold(MAIL, { policy: group("UTC") })).toEqual({
        state: "quiet",
        note: "nobody is asked from 23:30 to 01:00 (UTC)",
      })
      expect(await records(store)).toHaveLength(3)
      expect((await gate.held(MAIL, { policy: group("Asia/Tokyo") })).state).toBe("pending")
    })

    test("no more waits than people can read, and what nothing asks is not put to them", async (t) => {
      const { store } = await newPlace(prepare, t)
      const gate = openHolds(store, { limits: { agent: 3, all: 4 } })
      const many = Array.from({ length: 6 }, (_, i) => {
        const { verdict, request, bytes } = asking(MAIL, `${i}`)
        return gate.holds.hold(WHO, POLICY, verdict, request, bytes)
      })
      const states = (await Promise.all(many)).map(({ state }) => state)
      expect(states.sort()).toEqual(["flooded", "flooded", "flooded", "pending", "pending", "pending"])
      const other = await gate.held(MAIL, { who: { agent: "other" } })
      expect(other.state).toBe("pending")
      await expect(gate.held(MAIL, { who: { agent: "third" } })).rejects.toThrow("flooded")
      expect(await store.db.selectFrom("held").selectAll().execute()).toHaveLength(4)
    })
  })
}
