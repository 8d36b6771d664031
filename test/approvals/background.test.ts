// What the record says around a request: boxed or not, approved and denied before, and the verdict that asks.
import { describe, expect, type TestContext, test } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { readApprovers } from "../../src/approvals/approvers.ts"
import { readBackground } from "../../src/approvals/background.ts"
import { hostHistory } from "../../src/approvals/host-history.ts"
import { readApproval } from "../../src/approvals/list.ts"
import { createLoader } from "../../src/approvals/live/load.ts"
import { similarTo } from "../../src/approvals/similar.ts"
import { plainTerms } from "../../src/approvals/terms.ts"
import type { Asked, NetworkArguments } from "../../src/approvals/types.ts"
import { deriveAll } from "../../src/audit/derive/derive.ts"
import { hostItem } from "../../src/audit/host-item.ts"
import type { Verdict } from "../../src/policy/types.ts"
import { NOW } from "../context.ts"
import { newStoreDatabase } from "../postgres.ts"
import { askedFor, charge, waitingFor } from "../render/card-sample.ts"
import { ask, change, newPlace, type Prepare, PURL, question } from "./support.ts"

const STORES: readonly [string, Prepare][] = [
  ["SQLite", async () => ({})],
  [
    "PostgreSQL",
    async (t) => ({ NANOGUARD_STORE: await (await newStoreDatabase(t)).login("gateway", "nanoguard_writer") }),
  ],
]

async function place(t: TestContext, prepare: Prepare) {
  const { store, people } = await newPlace(prepare, t)
  const [ana, ben] = people as [(typeof people)[0], (typeof people)[0]]
  const background = async (id: string) =>
    readBackground(store.db, (await readApproval(store.db, id, NOW))!, await readApprovers(store.db))
  const put = async (asked: Asked, now = NOW) => (await ask(store, asked, now)).id
  const decide = (id: string, answer: "approve" | "deny", note?: string, now = NOW, by = ana) => {
    const terms =
      answer === "approve" ? plainTerms({ kind: "network", run: "r1" }, now) : note === undefined ? {} : { note }
    return answerApproval(store, id, { answer, terms }, by, now, "test")
  }
  return { store, ana, ben, background, put, decide }
}

const asking = (more: Partial<NetworkArguments> = {}, asked: Partial<Asked> = {}) => askedFor(charge(more), asked)

describe.each(STORES)("%s", (_, prepare) => {
  test("the request that was approved last is one of the same rule, host and operation, that was signed", async (t) => {
    const { store, background, put, decide } = await place(t, prepare)
    const first = await put(asking({ path: "/1" }))
    await decide(first, "approve")
    const second = await put(asking({ path: "/2" }), NOW + 1)
    await decide(second, "approve", undefined, NOW + 1)
    for (const other of [{ rule: "char_es" }, { host: "api2.example.com" }, { operation: "stripe:refunds.create" }]) {
      const id = await put(asking({ ...other, path: "/3" }), NOW + 2)
      await decide(id, "approve", undefined, NOW + 2)
    }
    // Denied, waiting, and granted by a row alone.
    await decide(await put(asking({ path: "/4" }), NOW + 3), "deny", undefined, NOW + 3)
    const forged = await put(asking({ path: "/5" }), NOW + 4)
    await store.write({
      changes: [change(store, `update approvals set state = 'granted', ends = ${NOW * 2} where id = '${forged}'`)],
    })
    const id = await put(asking({ path: "/6" }), NOW + 5)
    expect((await background(id)).approved?.id).toBe(second)
    expect((await background(await put(asking({ rule: "charge%" }), NOW + 6))).approved).toBeUndefined()
  })

  test("a no to the very same is told with how often it was asked; one to the same address as one with other arguments", async (t) => {
    const { background, put, decide } = await place(t, prepare)
    const run = (run: string, more: Partial<NetworkArguments> = {}) => asking(more, { run })
    await decide(await put(run("r1")), "deny", "not now")
    await put(run("r2", { provenance: [] }), NOW + 1)
    const third = await put(run("r3", { provenance: ["seen before"] }), NOW + 2)
    expect((await background(third)).denied).toEqual({
      id: expect.any(String),
      by: "ana",
      time: NOW,
      note: "not now",
      asked: 2,
      same: true,
    })
    const other = await put(run("r4", { query: "a=1" }), NOW + 3)
    expect((await background(other)).denied).toMatchObject({ by: "ana", same: false, asked: 0 })
    const stranger = await put(asking({}, { agent: "claude-2" }), NOW + 4)
    expect((await background(stranger)).denied).toBeUndefined()
  })

  test("a no is told however often the same address was asked about since", async (t) => {
    const { background, put, decide } = await place(t, prepare)
    await decide(await put(asking()), "deny", "never")
    for (let i = 1; i <= 51; i++) await put(asking({ query: `n=${i}` }, { run: `r${i}`, wait: 1 }), NOW + i)
    const again = await put(asking({}, { run: "r99" }), NOW + 60)
    expect((await background(again)).denied).toMatchObject({ by: "ana", note: "never", same: true, asked: 1 })
  })

  test("whether the run is in a box, and the verdict about a package, come from the record", async (t) => {
    const { store, background, put } = await place(t, prepare)
    const verdict: Verdict = {
      ...{
        effect: "ask",
        code: "script.unapproved",
        rule: "packages.ask.install-scripts (nanoguard.yaml:4:8)",
        mode: "enforce",
      },
      ...{
        subject: PURL,
        reason: "A script.",
        evidence: [{ kind: "script", script: "postinstall" }],
        policyHash: `sha256:${"0".repeat(64)}`,
      },
    }
    const [name, version] = [PURL.slice(0, PURL.lastIndexOf("@")), PURL.slice(PURL.lastIndexOf("@") + 1)]
    const decided = (run: string, more: Partial<Verdict> = {}) =>
      store.append({
        ...{ type: "package.decided", subject: PURL, gateway: "gw", agent: "claude-1", run, outcome: "held" },
        boxed: false,
        item: { kind: "package", name, version },
        decision: {
          action: {
            ...{ kind: "package", purl: PURL, ecosystem: "npm", name: "esbuild", version },
            source: { kind: "registry", origin: "default" },
          },
          evidence: { now: NOW },
          verdict: { ...verdict, ...more },
        },
      })
    const seq = await decided("r1")
    const id = await put(question())
    await expect
      .poll(() => background(id), { timeout: 10_000 })
      .toMatchObject({ boxed: false, decided: { seq, verdict: { rule: verdict.rule } } })
    // What another run was told later is shown only where this one was told nothing.
    const later = await decided("r2", { reason: "Another run's." })
    const stranger = await put(question(PURL, { run: "r3" }))
    await expect.poll(async () => (await background(stranger)).decided?.seq, { timeout: 10_000 }).toBe(later)
    expect((await background(id)).decided?.seq).toBe(seq)
    const boxed = await put(asking({}, { run: "r9", boxed: true }))
    await expect.poll(async () => (await background(boxed)).boxed, { timeout: 10_000 }).toBe(true)
    expect(await background(boxed)).not.toHaveProperty("over")
    await store.append({ type: "sandbox.ended", subject: "r9", gateway: "gw", agent: "claude-1", run: "r9" })
    await expect.poll(() => background(boxed), { timeout: 10_000 }).toMatchObject({ boxed: true, over: true })
    if (store.kind === "postgres") return
    // What cannot be read in the record is no verdict, and keeps nobody from deciding.
    await store.write({
      changes: ["drop trigger events_update", `update events set body = '{' where seq = ${seq}`].map((text) =>
        change(store, text),
      ),
    })
    expect((await background(id)).decided?.seq).toBe(later)
  })

  test("the loader tells how what is gone ended, and for whom a request is", async (t) => {
    const { store, ben, put, decide } = await place(t, prepare)
    const ids = [
      await put(asking({ path: "/1" })),
      await put(asking({ path: "/2" })),
      await put(asking({ path: "/3" }, { wait: 60_000 })),
    ]
    const both = await put(asking({ path: "/4" }, { approvers: { group: "two", people: ["ana", "ben"], quorum: 2 } }))
    const load = createLoader(store.db, "ana")
    const { queue } = await load(NOW, [])
    expect(queue.map(({ mine, missing, agreed }) => [mine, missing, agreed])).toEqual([
      [true, 1, []],
      [true, 1, []],
      [true, 1, []],
      [true, 2, []],
    ])
    await decide(ids[0]!, "approve", undefined, NOW, ben)
    await decide(ids[1]!, "deny", undefined, NOW, ben)
    await decide(both, "approve")
    const later = await load(NOW + 60_000, [])
    expect(later.gone).toEqual({
      [ids[0]!]: "was approved by ben",
      [ids[1]!]: "was denied by ben",
      [ids[2]!]: "expired: it is refused",
    })
    // Answered already: it waits for somebody else.
    expect(later.queue).toMatchObject([{ approval: { id: both }, mine: false, missing: 1, agreed: ["ana"] }])
    expect((await createLoader(store.db, "cy")(NOW, [])).queue).toMatchObject([{ mine: true }, { mine: false }])
  })
})

test.each<[string, Asked, boolean]>([
  ["another amount", asking({ body: { sha256: "cd".repeat(32), size: 1, type: "" } }), true],
  ["another path", asking({ path: "/v1/other" }), true],
  ["another run", asking({}, { run: "r2" }), true],
  ["another rule", asking({ rule: "mails" }), false],
  ["another operation", asking({ operation: "stripe:refunds.create" }), false],
  ["another agent", asking({}, { agent: "claude-2" }), false],
  ["another operator", asking({}, { operator: "otto" }), false],
  ["other approvers", asking({}, { approvers: { group: "two", people: ["ana"], quorum: 1 } }), false],
  ["another kind", { ...asking(), kind: "package", arguments: { purl: PURL, codes: ["script.unapproved"] } }, false],
])("%s is similar or not", (_, asked, similar) => {
  const queue = [waitingFor(asking({ query: "x" })).approval, waitingFor(asked).approval]
  expect(similarTo(queue, queue[0]!.id)).toEqual(similar ? queue : [queue[0]])
  expect(similarTo(queue, "ap-aaaaaaaa")).toEqual([])
})

describe.each(STORES)("%s: where an agent was before", (_, prepare) => {
  test("is every run of this agent, what was let through, and the port", async (t) => {
    const { store } = await place(t, prepare)
    const index = async () => {
      await store.checkpoint()
      if (store.kind === "postgres") await deriveAll({ engine: "postgres", source: store.db, index: store.db })
    }
    const at = { host: "api.example.com", port: 443 }
    const never = "this agent was never let through to this host before, in any run on record"
    expect(await hostHistory(store.db, "claude-1", at)).toBe(never)
    const event = {
      type: "network.decided",
      subject: "x",
      gateway: "gw",
      item: { kind: "host", name: at.host },
    } as const
    await store.write({
      events: [
        { ...event, agent: "claude-1", run: "r1", outcome: "refused" },
        { ...event, agent: "claude-2", run: "r2", outcome: "released" },
      ],
    })
    await index()
    expect(await hostHistory(store.db, "claude-1", at)).toBe(never)
    await store.write({ events: [{ ...event, agent: "claude-1", run: "r3", outcome: "released" }] })
    await index()
    expect(await hostHistory(store.db, "claude-1", at)).toMatch(
      /^this agent was let through to this host once before, first on \d{4}-\d\d-\d\d$/,
    )
    expect(await hostHistory(store.db, "claude-1", { ...at, port: 8443 })).toBe(never)
    const v6 = { host: "::1", port: 8443 }
    await store.write({
      events: [{ ...event, item: hostItem(v6), agent: "claude-1", run: "r3", outcome: "released" }],
    })
    await index()
    expect(await hostHistory(store.db, "claude-1", v6)).toContain("to this host once before")
    expect(await hostHistory(store.db, "claude-1", { ...at, host: `${"a".repeat(240)}.example` })).toBe(never)
  })
})
