// What the record has of requests, on both engines, and what the inventory makes of it.
import { describe, expect, onTestFinished, test, vi } from "vitest"
import type { ActiveGrant } from "../../../src/approvals/types.ts"
import { deriveAll } from "../../../src/audit/derive/derive.ts"
import { readInventory } from "../../../src/audit/inventory/index.ts"
import { readBody } from "../../../src/audit/sealing/record-shape.ts"
import type { LogRecord } from "../../../src/audit/types.ts"
import { verifyLog } from "../../../src/audit/verify/verify.ts"
import { createTrafficRecorder } from "../../../src/gateway/egress/record.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { openStore } from "../../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { decision, WHO } from "./decisions.ts"

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
    // What repeats is in the journal by then, and in the log a moment later.
    await vi.waitUntil(async () => (await records()).length === 4, 10_000)
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
