// Requests that wait for a person, under attack: by the agent that asks, by whoever may write to the store, by chance.
// The names H1 to H7 are those of the checklist that the threat model follows.
import { describe, expect, test } from "vitest"
import { answerApproval, answerApprovals } from "../../src/approvals/answer.ts"
import { decisionMessage } from "../../src/approvals/decision.ts"
import { addApprover } from "../../src/approvals/enrol.ts"
import { listApprovals, readApproval } from "../../src/approvals/list.ts"
import type { Decision, NetworkArguments, Signer } from "../../src/approvals/types.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import { NanoguardError } from "../../src/errors.ts"
import { decide } from "../../src/policy/decide.ts"
import { Conflict } from "../../src/store/conflict.ts"
import type { Store } from "../../src/store/types.ts"
import { change, HOUR, MINUTE, newPerson, newPlace, type Person, records, yes } from "../approvals/support.ts"
import { NOW } from "../context.ts"
import { approve, asking, bereave, deny, never, openHolds, POLICY, policyOf, WHO } from "../gateway/hold/support.ts"

const MAIL = "POST https://api.example.com/v1/mail?to=ana"
const place = (t: Parameters<typeof newPlace>[1], names?: string[]) => newPlace(async () => ({}), t, names)

/** An answer put into the table by somebody who checks nothing, with the state that would follow from it. */
async function putDecision(
  store: Store,
  id: string,
  signer: Signer,
  decision: Pick<Decision, "answer" | "terms" | "time">,
) {
  const { digest } = (await readApproval(store.db, id, NOW))!
  const signature = await signer.sign(decisionMessage(digest, decision))
  const row = { ...decision, approval: id, by: signer.name, terms: canonicalText(decision.terms), signature }
  const granted = change(store, `update approvals set state = 'granted', ends = ${NOW + HOUR} where id = '${id}'`)
  await store.write({ changes: [store.db.insertInto("decisions").values(row).compile(), granted] })
}

const effectOf = async (gate: ReturnType<typeof openHolds>, line: string, more = {}) =>
  (await gate.judge(line, more)).verdict.effect

describe("H1: what was approved is what is sent", () => {
  test("a request that differs in anything that is sent, or bound, is not the one that was approved", async (t) => {
    const { store, people } = await place(t)
    const gate = openHolds(store)
    const { request, verdict, bytes } = asking(MAIL, "hello")
    const bound = { ...request, headers: { "x-account": "1" }, credential: "mail" }
    const held = await gate.holds.hold(WHO, POLICY, verdict, bound, bytes)
    if (held.state !== "pending") throw new Error(held.state)
    await approve(store, held, people[0]!)
    const others: Partial<NetworkArguments>[] = [
      { method: "DELETE" },
      { scheme: "http" },
      { host: "api.example.com.evil.example" },
      { port: 8443 },
      { path: "/v1/mail/" },
      { path: "/V1/mail" },
      { query: "to=eve" },
      { query: "to=ana&cc=eve" },
      { query: "" },
      { headers: {} },
      { headers: { "x-account": "2" } },
      { headers: { "x-account": "1", "x-more": "1" } },
      { body: { ...bound.body!, sha256: "0".repeat(64) } },
      { body: { ...bound.body!, type: "application/json" } },
      { credential: "admin" },
      { operation: "mail.delete" },
      { access: "write" },
      { opening: "websocket" },
    ]
    for (const other of others)
      expect(await gate.holds.grantsFor(WHO, POLICY, { ...bound, ...other }), JSON.stringify(other)).toEqual([])
    const { body: _, ...without } = bound
    const { credential: __, ...plain } = bound
    expect(await gate.holds.grantsFor(WHO, POLICY, without)).toEqual([])
    expect(await gate.holds.grantsFor(WHO, POLICY, plain)).toEqual([])
    // How it is shown, and what else is known of it, is not sent.
    const shown = { ...bound, shown: "other", provenance: ["seen before"], reason: "other words" }
    expect(await gate.holds.grantsFor(WHO, POLICY, shown)).toHaveLength(1)
  })

  test("the bytes that are kept are those that were shown: exchanged, or another request's, they are not opened", async (t) => {
    const { store } = await place(t)
    const gate = openHolds(store)
    const [one, two] = [await gate.held(MAIL, { body: "one" }), await gate.held(MAIL, { body: "two" })]
    const swapped = `update held set sealed = (select sealed from held where approval = '${two.id}') where approval = '${one.id}'`
    // The store's own guard is the first that is in the way.
    await expect(store.write({ changes: [change(store, swapped)] })).rejects.toThrow("what is held is never changed")
    await store.write({ changes: [change(store, "drop trigger held_update"), change(store, swapped)] })
    await expect(one.body()).rejects.toThrow(`the body of ${one.id} is not what was asked about`)
    expect((await two.body())?.toString()).toBe("two")
    await store.write({ changes: [change(store, `update held set sealed = x'00' where approval = '${one.id}'`)] })
    await expect(one.body()).rejects.toThrow("is not what was asked about")
  })

  test("a body that is not the one that the question names is not taken", async (t) => {
    const { store } = await place(t)
    const { holds } = openHolds(store)
    const { request, verdict } = asking(MAIL, "hello")
    for (const body of [undefined, Buffer.from("hell"), Buffer.alloc(9 * 1024 * 1024)])
      await expect(holds.hold(WHO, POLICY, verdict, request, body)).rejects.toBeInstanceOf(NanoguardError)
    expect(await listApprovals(store.db, NOW)).toEqual([])
  })

  test("a decision is for one request and for once: copied, repeated or set back it lets nothing through", async (t) => {
    const { store, people } = await place(t)
    const gate = openHolds(store)
    const item = await gate.held(MAIL, { body: "1" })
    await approve(store, item, people[0]!)
    const other = await gate.held(MAIL, { body: "2" })
    const copy = `insert into decisions select '${other.id}', "by", answer, terms, time, signature from decisions where approval = '${item.id}'`
    const grant = `update approvals set state = 'granted', ends = ${NOW + HOUR} where id = '${other.id}'`
    await store.write({ changes: [change(store, copy), change(store, grant)] })
    expect(await effectOf(gate, MAIL, { body: "2" })).toBe("ask")
    await gate.release(MAIL, { body: "1", item })
    await expect(approve(store, item, people[1]!)).rejects.toThrow("decided already")
    for (const back of ["state = 'granted'", "uses = 0", "state = 'pending'", "expires = 9999999999999"]) {
      const set = change(store, `update approvals set ${back} where id = '${item.id}'`)
      await expect(store.write({ changes: [set] }), back).rejects.toThrow(
        "a request keeps what it asks, and never goes back",
      )
    }
    expect(await effectOf(gate, MAIL, { body: "1" })).toBe("ask")
  })

  test("a restart forgets no question, and lets nothing through twice", async (t) => {
    const { store, open, people } = await place(t)
    const before = openHolds(store)
    const item = await before.held(MAIL, { body: "1" })
    const used = await before.held(MAIL, { body: "2" })
    await approve(store, used, people[0]!)
    await before.release(MAIL, { body: "2", item: used })
    before.holds.close()
    await bereave(store)
    const after = openHolds(await open("again"))
    expect(await after.holds.sweep()).toMatchObject({ unknown: 1, dropped: 0, expired: 0 })
    const again = await after.held(MAIL, { body: "1" })
    expect(again).toMatchObject({ id: item.id, digest: item.digest, reattached: true })
    expect(await effectOf(after, MAIL, { body: "2" })).toBe("ask")
    const settled = again.settled(never())
    await approve(store, again, people[0]!)
    expect(await settled).toEqual({ state: "granted" })
    await after.release(MAIL, { body: "1", item: again })
    expect(await effectOf(before, MAIL, { body: "1" })).toBe("ask")
  })
})

describe("H2: whatever breaks, nothing is let through", () => {
  test("a client that left gets nothing sent: what was granted waits for the same request", async (t) => {
    const { store, people } = await place(t)
    const gate = openHolds(store)
    const item = await gate.held(MAIL, { body: "1" })
    const left = new AbortController()
    const settled = item.settled(left.signal)
    left.abort()
    expect(await settled).toEqual({ state: "left" })
    await approve(store, item, people[0]!)
    expect((await records(store)).filter(({ type }) => type === "network.released")).toEqual([])
    expect(await effectOf(gate, MAIL, { body: "1", who: { run: "r2" } })).toBe("ask")
    await gate.release(MAIL, { body: "1" })
  })

  test("an answer after the time is none, also by a clock that is behind, also in the table", async (t) => {
    const { store, people } = await place(t)
    let time = NOW
    const gate = openHolds(store, { now: () => time })
    const item = await gate.held(MAIL)
    const late = NOW + 15 * MINUTE
    await expect(approve(store, item, people[0]!, {}, late)).rejects.toThrow("expired")
    await putDecision(store, item.id, people[0]!, { ...yes({ expires: late + HOUR }), time: late })
    time = late
    expect(await effectOf(gate, MAIL)).toBe("ask")
  })

  test("an approver whose program dies has decided nothing", async (t) => {
    const { store, open, people } = await place(t)
    const gate = openHolds(store)
    const item = await gate.held(MAIL)
    const dying = await open("dying")
    const signer = {
      ...people[0]!,
      sign: async () => {
        await dying.close()
        throw new Error("gone")
      },
    }
    await expect(answerApproval(dying, item.id, yes(), signer, NOW, "dying")).rejects.toThrow("gone")
    expect(await effectOf(gate, MAIL)).toBe("ask")
    expect((await readApproval(store.db, item.id, NOW))?.state).toBe("pending")
  })

  test("a store that cannot be read lets nobody through, and those who wait are refused in time", async (t) => {
    const { store, open } = await place(t)
    let time = NOW
    const broken = await open("broken")
    const gate = openHolds(broken, { now: () => time })
    const item = await gate.held(MAIL)
    const settled = item.settled(never())
    await broken.close()
    await expect(gate.judge(MAIL)).rejects.toThrow()
    await expect(gate.held(MAIL, { body: "x" })).rejects.toThrow()
    time += 15 * MINUTE
    expect(await settled).toEqual({ state: "expired" })
    expect((await listApprovals(store.db, NOW)).map(({ id }) => id)).toEqual([item.id])
  })
})

describe("H3: a flooded queue", () => {
  test("takes what people can read of one agent, and all of what others ask", async (t) => {
    const { store } = await place(t)
    const gate = openHolds(store)
    const flood = Array.from({ length: 60 }, (_, i) => {
      const { verdict, request, bytes } = asking(MAIL, `${i % 30}`)
      return gate.holds.hold(WHO, POLICY, verdict, request, bytes)
    })
    const states = (await Promise.all(flood)).map(({ state }) => state)
    expect(new Set(states)).toEqual(new Set(["pending", "flooded"]))
    expect(await listApprovals(store.db, NOW)).toHaveLength(20)
    expect((await gate.held(MAIL, { who: { agent: "other" } })).state).toBe("pending")
  })

  test("of the largest bodies is written one after the other, and each is kept whole", async (t) => {
    const { store } = await place(t)
    const gate = openHolds(store)
    const bodies = ["a", "b", "c", "d"].map((char) => char.repeat(8 * 1024 * 1024))
    const items = await Promise.all(bodies.map((body) => gate.held(MAIL, { body })))
    for (const [i, item] of items.entries()) expect((await item.body())?.toString() === bodies[i]).toBe(true)
  })

  test("asks the same thing once, however often it comes", async (t) => {
    const { store } = await place(t)
    const gate = openHolds(store)
    const ids = await Promise.all(Array.from({ length: 50 }, () => gate.held(MAIL, { body: "same" })))
    expect(new Set(ids.map(({ id }) => id)).size).toBe(1)
    expect((await records(store)).filter(({ type }) => type === "approval.requested")).toHaveLength(1)
  })
})

describe("H5: what is refused for good is never put to a person", () => {
  test("neither what a rule denies nor a floor, and no grant lifts them", async (t) => {
    const { store, people } = await place(t)
    const gate = openHolds(store)
    const open = policyOf('network: [{ id: all, ask: "**", methods: [POST] }]\n')
    for (const line of [
      "POST https://evil.example.com/",
      "POST https://169.254.169.254/latest",
      "POST https://localhost/",
    ]) {
      const policy = line.includes("evil") ? POLICY : open
      const { verdict, request, bytes } = asking(line, undefined, policy)
      expect(verdict.effect, line).toBe("deny")
      await expect(gate.holds.hold(WHO, policy, verdict, request, bytes), line).rejects.toThrow("asks nobody")
    }
    expect(await listApprovals(store.db, NOW)).toEqual([])
    await approve(store, await gate.held(MAIL), people[0]!, { covers: "alike" })
    const { action } = asking(MAIL)
    const grants = (await gate.judge(MAIL)).grants.map(({ grant }) => grant)
    expect(grants).toHaveLength(1)
    const floors = [
      { addresses: ["169.254.169.254"] },
      { addresses: ["10.0.0.1"] },
      { killed: true },
      { unboundPlaceholder: "mail" },
    ]
    for (const floor of floors)
      expect(decide(POLICY, action, { now: NOW, grants, ...floor }).effect, JSON.stringify(floor)).toBe("deny")
  })
})

describe("H6: nobody but who is asked can decide", () => {
  test("a row that says so is worth nothing, whoever signed it, but who was asked", async (t) => {
    const { store, people } = await place(t, ["ana", "ben", "cy", "dan"])
    const gate = openHolds(store)
    const decision = { ...yes(), time: NOW }
    const forgers: [string, Signer][] = [
      ["another key under an approver's name", newPerson("ana")],
      ["nobody who is enrolled", newPerson("eve")],
      ["the agent", newPerson("claude-1")],
      ["an approver whom the policy does not name", people[3]!],
    ]
    for (const [who, forger] of forgers) {
      const item = await gate.held(MAIL, { body: who })
      await putDecision(store, item.id, forger, decision)
      expect(await effectOf(gate, MAIL, { body: who }), who).toBe("ask")
    }
    const state = await gate.held(MAIL, { body: "state" })
    await store.write({
      changes: [change(store, `update approvals set state = 'granted', ends = ${NOW + HOUR} where id = '${state.id}'`)],
    })
    expect(await effectOf(gate, MAIL, { body: "state" })).toBe("ask")
    const settled = state.settled(never())
    expect(await settled).toEqual({ state: "granted" })
    await expect(gate.release(MAIL, { body: "state" })).rejects.toThrow("ask network.approval")
  })

  test("rows of any shape keep nobody from deciding, nor from being let through", async (t) => {
    const { store, people } = await place(t)
    const gate = openHolds(store)
    const item = await gate.held(MAIL)
    await approve(store, item, people[0]!)
    const { digestOf, idOf } = await import("../../src/approvals/binding.ts")
    const real = (await readApproval(store.db, item.id, NOW))!.binding
    const shapes: unknown[] = [
      null,
      5,
      [],
      {},
      { v: 1 },
      { ...real, arguments: null },
      { ...real, arguments: { rule: 5, also: "x", host: {} } },
      { ...real, approvers: null },
      { ...real, approvers: { group: {}, people: 5, quorum: "x" } },
      { ...real, ruleHash: 7 },
      { ...real, expires: "soon" },
    ]
    const changes = shapes.map((shape, i) => {
      const binding = canonicalText(shape)
      const digest = digestOf(binding)
      const row = { id: idOf(digest), digest, topic: `t${i}`, binding, kind: "network", agent: WHO.agent, subject: "x" }
      const more = {
        requested: NOW,
        expires: NOW + HOUR,
        state: i % 2 ? ("granted" as const) : ("pending" as const),
        uses: 0,
        ends: NOW + HOUR,
      }
      return store.db
        .insertInto("approvals")
        .values({ ...row, ...more })
        .compile()
    })
    await store.write({ changes })
    expect((await listApprovals(store.db, NOW)).every(({ binding }) => typeof binding.agent === "string")).toBe(true)
    expect(await gate.holds.cancelRun("nobody")).toBe(0)
    await gate.release(MAIL, { item })
    expect(await gate.holds.sweep()).toMatchObject({ unknown: 0 })
  })

  test("the agent's operator does not, where the policy says so; where it does not, it is recorded", async (t) => {
    const { store, people } = await place(t, ["ana", "olga", "olga+laptop@x", "ben"])
    const [ana, olga, , ben] = people as [Person, Person, Person, Person]
    const source = (operator: string) =>
      policyOf(
        `network: [{ id: w, ask: api.example.com }]\napprovers: { default: { people: [ana, olga, ben], quorum: 1${operator} } }\n`,
      )
    const strict = source(", operator: false")
    const gate = openHolds(store)
    const item = await gate.held(MAIL, { policy: strict })
    await expect(approve(store, item, olga)).rejects.toThrow("olga may not decide")
    await expect(deny(store, item, olga)).rejects.toThrow("olga may not decide")
    await putDecision(store, item.id, olga, { ...yes(), time: NOW })
    expect(await effectOf(gate, MAIL, { policy: strict })).toBe("ask")
    const second = await gate.held(MAIL, { policy: strict, body: "2" })
    await approve(store, second, ana)
    await openHolds(store).release(MAIL, { policy: strict, body: "2" })
    const third = await gate.held(MAIL, { policy: source(""), body: "3" })
    await approve(store, third, olga)
    const fourth = await gate.held(MAIL, { policy: source(""), body: "4" })
    await approve(store, fourth, ben)
    const granted = (await records(store)).filter(({ type }) => type === "approval.granted")
    expect(granted.map(({ detail }) => detail?.["selfApproved"] ?? false)).toEqual([false, true, false])
  })

  test("two keys of one person are one person, and so is one key under two names", async (t) => {
    const { store, people } = await place(t, ["ana", "ana+phone", "ben", "Ana"])
    const policy = policyOf(
      "network: [{ id: w, ask: api.example.com, approvers: two }]\napprovers: { two: { people: [ana, ana+phone, Ana, ben], quorum: 2 } }\n",
    )
    const [ana, phone, ben, capital] = people as [Person, Person, Person, Person]
    const gate = openHolds(store)
    const item = await gate.held(MAIL, { policy })
    const settled = item.settled(never())
    for (const one of [ana, phone, capital])
      expect(await approve(store, item, one)).toMatchObject({ state: "pending", missing: 1 })
    expect(await effectOf(gate, MAIL, { policy })).toBe("ask")
    expect(await approve(store, item, ben)).toMatchObject({ state: "granted" })
    expect(await settled).toEqual({ state: "granted" })
    const same = { ...newPerson("dan"), key: people[0]!.key }
    await expect(addApprover(store, same, ana, NOW, "test")).rejects.toThrow("another approver's")
  })

  test("a group decision signs each: one that is not theirs is not taken along", async (t) => {
    const { store, people } = await place(t)
    const gate = openHolds(store)
    const items = [
      await gate.held(MAIL, { body: "1" }),
      await gate.held(MAIL, { body: "2" }),
      await gate.held(MAIL, { body: "3" }),
    ]
    const pay = await gate.held("POST https://pay.example.com/v1/charges")
    await deny(store, items[1]!, people[1]!)
    const ids = [...items, pay].map(({ id }) => id)
    const done = await answerApprovals(store, [...ids, ids[0]!, "ap-aaaaaaaa"], yes(), people[2]!, NOW, "test")
    expect(done.map((one) => ("state" in one ? one.state : one.message.replace(/ap-\w+/, "it")))).toEqual([
      "granted",
      "it is decided already: it was denied",
      "granted",
      "cy may not decide it",
      "there is no request it",
    ])
    const rows = await store.db
      .selectFrom("decisions")
      .select(["approval", "signature"])
      .where("by", "=", "cy")
      .execute()
    expect(new Set(rows.map(({ signature }) => signature)).size).toBe(2)
  })
})

describe("H7: what was let through once opens nothing else", () => {
  test("a grant that another gate has used is not used out of this one's memory", async (t) => {
    const { store, open, people } = await place(t)
    const [one, two] = [openHolds(store), openHolds(await open("two"), { gateway: "two" })]
    const item = await one.held(MAIL)
    await approve(store, item, people[0]!)
    expect([await effectOf(one, MAIL), await effectOf(two, MAIL)]).toEqual(["allow", "allow"])
    await two.release(MAIL)
    await expect(one.release(MAIL)).rejects.toBeInstanceOf(Conflict)
    expect((await records(store)).filter(({ type }) => type === "network.released")).toHaveLength(1)
  })
})

describe("several who decide at once", () => {
  test("a yes and a no at the same moment are one of them, for everybody who waits", async (t) => {
    const { store, open, people } = await place(t)
    const stores = [await open("two"), await open("three")]
    const gates = [openHolds(store), openHolds(stores[0]!, { gateway: "two" })]
    for (let round = 0; round < 6; round++) {
      const body = `${round}`
      const items = [await gates[0]!.held(MAIL, { body }), await gates[1]!.held(MAIL, { body })]
      const settled = items.map((item) => item.settled(never()))
      const done = await Promise.allSettled([
        approve(stores[round % 2]!, items[0]!, people[0]!),
        deny(stores[(round + 1) % 2]!, items[0]!, people[1]!),
      ])
      expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
      const state = done[0]!.status === "fulfilled" ? "granted" : "denied"
      expect((await Promise.all(settled)).map((one) => one.state)).toEqual([state, state])
      const released = await Promise.allSettled(gates.map((gate) => gate.release(MAIL, { body })))
      expect(released.filter(({ status }) => status === "fulfilled")).toHaveLength(state === "granted" ? 1 : 0)
    }
  })
})
