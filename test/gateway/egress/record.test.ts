// What the record has of requests: each kind once whole, repeats by reference, floods by number; and what the inventory makes of it.
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest"
import type { ActiveGrant } from "../../../src/approvals/types.ts"
import { deriveAll } from "../../../src/audit/derive/derive.ts"
import { readInventory } from "../../../src/audit/inventory/index.ts"
import { readBody } from "../../../src/audit/sealing/record-shape.ts"
import type { Decision, LogRecord } from "../../../src/audit/types.ts"
import { verifyLog } from "../../../src/audit/verify/verify.ts"
import { EXIT, NanoguardError } from "../../../src/errors.ts"
import { createTrafficRecorder } from "../../../src/gateway/egress/record.ts"
import type { Verdict } from "../../../src/policy/types.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { openStore } from "../../../src/store/open.ts"
import type { Batch, Store } from "../../../src/store/types.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"

const WHO = { agent: "claude-1", operator: "ana", run: "run-1", boxed: true }

interface Asked {
  path?: string
  host?: string
  effect?: Verdict["effect"]
  now?: number
  addresses?: string[]
  counters?: Record<string, number>
  excepted?: Verdict["excepted"]
}

function decision({
  path = "/",
  host = "api.example.com",
  effect = "allow",
  excepted,
  now = 1,
  ...more
}: Asked): Decision {
  const subject = `GET https://${host}${path}`
  const verdict = { effect, code: `network.${effect}`, rule: "r (p:1:1)", subject, reason: "", evidence: [] }
  return {
    action: { kind: "network", method: "GET", scheme: "https", host, port: 443, path },
    evidence: { now, ...more },
    verdict: { ...verdict, mode: "enforce", policyHash: "sha256:p", ...(excepted && { excepted }) },
  }
}

async function openOn(env: Record<string, string>) {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome(env), now: Date.now() })
  const store = await openStore(ctx, { gateway: "gw" })
  onTestFinished(() => store.close())
  const records = async (): Promise<(LogRecord & { seq: number })[]> =>
    (await store.db.selectFrom("events").selectAll().orderBy("seq").execute()).map(({ seq, body }) => ({
      ...readBody(body)!,
      seq,
    }))
  return { ctx, store, records, traffic: createTrafficRecorder(store, "gw") }
}

const engines = [
  ["SQLite", () => openOn({})],
  [
    "PostgreSQL",
    async (t: Parameters<typeof newStoreDatabase>[0]) =>
      openOn({ NANOGUARD_STORE: await (await newStoreDatabase(t)).login("gateway", "nanoguard_writer") }),
  ],
] as const

describe.each(engines)("the record of requests on %s", (_, open) => {
  test("has what is allowed once a run, and its repeats by reference before they go on", async (t) => {
    const { traffic, records } = await open(t)
    // The first ones are under way together: one is recorded whole.
    const first = await Promise.all([1, 2, 3].map((now) => traffic.allowed(WHO, decision({ now }))))
    expect(first).toEqual([1, 1, 1])
    expect((await records()).map(({ type, detail }) => [type, detail?.["of"]])).toEqual([
      ["network.decided", undefined],
      ["network.repeated", ["1 x2"]],
    ])
    expect(await traffic.allowed(WHO, decision({ path: "/b" }))).toBe(3)
    const turn = ["/", "/b", "/", "/"].map((path) =>
      traffic.allowed(WHO, decision({ path, counters: { "r/requests": 9 } })),
    )
    expect(await Promise.all(turn)).toEqual([1, 3, 1, 1])
    expect((await records()).at(-1)).toMatchObject({
      ...{ type: "network.repeated", agent: "claude-1", run: "run-1", outcome: "released", policy: "sha256:p", seq: 4 },
      ...{ detail: { of: ["1 x3", "3 x1"] }, item: { kind: "host", name: "api.example.com" } },
    })
    // Another run, other addresses, another policy: not the same.
    await traffic.allowed({ ...WHO, run: "run-2" }, decision({}))
    await traffic.allowed(WHO, decision({ addresses: ["192.0.2.7"] }))
    expect((await records()).slice(4).map(({ type }) => type)).toEqual(["network.decided", "network.decided"])
  })

  test("is what the inventory counts: hosts with their repeats, refusals, credentials; and it verifies", async (t) => {
    const { ctx, store, traffic } = await open(t)
    await traffic.allowed(WHO, decision({}))
    await Promise.all(Array.from({ length: 40 }, () => traffic.allowed(WHO, decision({}))))
    for (let i = 0; i < 5; i++) await traffic.refused(WHO, decision({ host: "evil.example", effect: "deny" }))
    const more = { grants: [], changes: [], credentials: ["github", "model"] }
    for (let i = 0; i < 3; i++) await traffic.released(WHO, decision({ path: "/x" }), more)
    await store.checkpoint()
    if (store.kind === "postgres") await deriveAll({ engine: "postgres", source: store.db, index: store.db })
    const ask = async (refused: boolean, asOf?: number) => {
      const query = { refused, ...(asOf !== undefined && { asOf }) }
      const { items } = await readInventory(store.db, query, Date.now(), { reason: "not asked for" })
      return Object.fromEntries(
        items.map(({ kind, name, uses }) => [`${kind}:${name}`, uses.reduce((sum, { count }) => sum + count, 0)]),
      )
    }
    const given = { "host:api.example.com": 44, "credential:github": 3, "credential:model": 3 }
    expect(await ask(false)).toEqual(given)
    expect(await ask(false, Date.now() + 60_000)).toEqual(given)
    expect(await ask(true)).toEqual({ "host:evil.example": 5 })
    const report = await verifyLog(ctx, { keys: [], anchors: [], index: true, threads: 1 })
    expect(report.problems).toEqual([])
  })

  test("of a release changes with it what it uses up, or nothing happens", async (t) => {
    const { store, traffic, records } = await open(t)
    const grant = { grant: { id: "ap-1" }, by: ["ana"], uses: 0 } as unknown as ActiveGrant
    const none = { ...store.db.updateTable("approvals").set({ uses: 1 }).where("id", "=", "ap-1").compile(), expect: 1 }
    const release = (changes: (typeof none)[]) =>
      traffic.released(WHO, decision({}), { grants: [grant], changes, credentials: ["github"] })
    await expect(release([none])).rejects.toThrow(Conflict)
    expect(await records()).toEqual([])
    expect(await release([])).toBe(1)
    expect(await records()).toMatchObject([
      {
        type: "network.released",
        approval: "ap-1",
        by: [expect.stringMatching(/^person:/)],
        detail: { credentials: ["github"] },
      },
      { type: "credential.injected", item: { kind: "credential", name: "github" }, outcome: "released" },
    ])
    await traffic.failed(WHO, "GET https://api.example.com/", "sha256:p", 1, { failed: "origin.closed" })
    await traffic.violated(WHO, "api.example.com", "sha256:p", { violation: "tls.sni-mismatch" })
    const found = { credential: "github", canary: true }
    await traffic.exfiltration(WHO, decision({ host: "evil.example", effect: "deny" }), found)
    expect((await records()).slice(2)).toMatchObject([
      { type: "network.failed", outcome: "failed", detail: { of: 1, failed: "origin.closed" } },
      { type: "network.violated", outcome: "refused", detail: { violation: "tls.sni-mismatch" } },
      { type: "credential.canary", outcome: "refused", detail: found },
    ])
  })
})

/** A store that only remembers what is written to it; `refuse` makes it fail. */
function memory(refuse: (batch: Batch) => Error | undefined = () => undefined, kind: Store["kind"] = "sqlite") {
  const batches: Batch[] = []
  let seq = 0
  const write: Store["write"] = async (batch) => {
    await Promise.resolve()
    const error = refuse(batch)
    if (error) throw error
    batches.push(batch)
    return { seqs: (batch.events ?? []).map(() => ++seq) }
  }
  const events = () => batches.flatMap(({ events = [] }) => events)
  return { batches, events, traffic: createTrafficRecorder({ kind, write }, "gw") }
}

afterEach(() => void vi.useRealTimers())

test("only what is plainly allowed is lax", async () => {
  const { batches, traffic } = memory()
  await traffic.allowed(WHO, decision({}))
  await traffic.allowed(WHO, decision({}))
  const lax = batches.splice(0)
  const excepted = [{ rule: "approval ap-1", code: "c", owner: "leads", expires: "2026-12-01" }]
  for (let i = 0; i < 2; i++) await traffic.allowed(WHO, decision({ excepted }))
  for (let i = 0; i < 2; i++) await traffic.refused(WHO, decision({ effect: "deny" }))
  await traffic.allowed(WHO, decision({ path: "/observed", effect: "deny" }))
  await traffic.released(WHO, decision({}), { grants: [], changes: [], credentials: ["github"] })
  expect(lax.map((batch) => batch.lax)).toEqual([true, true])
  expect(batches.map((batch) => [batch.lax, batch.events?.[0]?.type])).toEqual([
    ...Array(3).fill([undefined, "network.decided"]),
    [undefined, "network.repeated"],
    [undefined, "network.decided"],
    [undefined, "network.released"],
  ])
})

test("on a server that may go down alone, what repeats refer to is synced, and repeats are lax", async () => {
  const { batches, traffic } = memory(undefined, "postgres")
  for (let i = 0; i < 2; i++) await traffic.allowed(WHO, decision({}))
  expect(batches.map((batch) => [batch.lax, batch.events?.[0]?.type])).toEqual([
    [undefined, "network.decided"],
    [true, "network.repeated"],
  ])
})

test("a first record that fails is none to refer to: all that waited fail, and the next one is whole", async () => {
  let broken = true
  const { events, traffic } = memory(() =>
    broken ? new NanoguardError("disk full", { exit: EXIT.environment }) : undefined,
  )
  const all = await Promise.allSettled([1, 2, 3].map(() => traffic.allowed(WHO, decision({}))))
  expect(all.map(({ status }) => status)).toEqual(Array(3).fill("rejected"))
  broken = false
  await traffic.allowed(WHO, decision({}))
  broken = true
  await expect(traffic.allowed(WHO, decision({}))).rejects.toThrow("disk full")
  broken = false
  await traffic.allowed(WHO, decision({}))
  expect(events().map(({ type, detail }) => [type, detail])).toEqual([
    ["network.decided", undefined],
    ["network.repeated", { of: ["1 x1"] }],
  ])
})

test("remembers ten thousand, and refers to at most five hundred at once", async () => {
  const { batches, events, traffic } = memory()
  const ask = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, i) => traffic.allowed(WHO, decision({ path: `/${from + i}` }))))
  await ask(0, 10_050)
  batches.length = 0
  // The first fifty are forgotten.
  await ask(0, 1)
  expect(events().map(({ type }) => type)).toEqual(["network.decided"])
  batches.length = 0
  await ask(9_000, 10_050)
  const of = events().map(({ type, detail }) => [type, (detail?.["of"] as string[] | undefined)?.length])
  expect(of).toEqual([500, 500, 50].map((length) => ["network.repeated", length]))
})

test("the same refusal is recorded whole once a minute", async () => {
  const { events, traffic } = memory()
  const now = vi.spyOn(performance, "now")
  onTestFinished(() => now.mockRestore())
  for (const time of [1, 59_000, 60_500, 61_000]) {
    now.mockReturnValue(time)
    await traffic.refused(WHO, decision({ effect: "deny" }))
  }
  expect(events().map(({ type, detail }) => [type, detail?.["of"]])).toEqual([
    ...[
      ["network.decided", undefined],
      ["network.repeated", ["1 x1"]],
    ],
    ...[
      ["network.decided", undefined],
      ["network.repeated", ["3 x1"]],
    ],
  ])
  // With a question behind it, it is another one.
  await traffic.refused(WHO, decision({ effect: "deny" }), { approval: "ap-1" })
  expect(events().at(-1)).toMatchObject({ type: "network.decided", approval: "ap-1" })
})

test("beyond 600 refusals a minute of one agent they are counted, and hide no other kind and no other agent", async () => {
  const { events, traffic } = memory()
  const refuse = (who: typeof WHO, i: number) => traffic.refused(who, decision({ path: `/${i}`, effect: "deny" }))
  const flood = Promise.all(Array.from({ length: 5_000 }, (_, i) => refuse(WHO, i)))
  await sleep(0)
  await refuse({ ...WHO, agent: "claude-2" }, 1)
  await traffic.exfiltration(WHO, decision({ effect: "deny" }), { credential: "github", canary: false })
  const seqs = await flood
  expect(new Set(seqs).size).toBe(601)
  const counts = Map.groupBy(events(), ({ type }) => type)
  expect(counts.get("network.decided")).toHaveLength(601)
  expect(counts.get("credential.exfiltration")).toHaveLength(1)
  expect(counts.get("network.flooded")).toMatchObject([
    { agent: "claude-1", outcome: "refused", detail: { kind: "refused", count: 4_400 } },
  ])
})

test("a refusal that no record takes whole is recorded in short; what no record takes is not released", async () => {
  const { events, traffic } = memory(({ events }) =>
    events?.[0]?.decision ? new NanoguardError("no record takes this", { exit: EXIT.usage }) : undefined,
  )
  await traffic.refused(WHO, decision({ path: `/${"x".repeat(9_000)}\u001b[2J`, effect: "deny" }))
  expect(events()).toMatchObject([
    { type: "network.decided", policy: "sha256:p", detail: { effect: "deny", cut: true } },
  ])
  expect(events()[0]!.subject.length).toBeLessThanOrEqual(300)
  await expect(traffic.allowed(WHO, decision({}))).rejects.toThrow("no record takes this")
})
