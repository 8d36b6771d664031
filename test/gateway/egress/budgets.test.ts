// What budgets count: alone, shared by gateways, across a restart, on a clock that runs back. On both engines where the store counts.
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { createBudgets } from "../../../src/gateway/egress/budgets.ts"
import type { Budget, ListRule } from "../../../src/policy/compiled.ts"
import type { NetworkAction } from "../../../src/policy/types.ts"
import { openStore } from "../../../src/store/open.ts"
import type { Store } from "../../../src/store/types.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"

const NOON = Date.UTC(2026, 10, 21, 12)
const WHO = { agent: "claude-1", operator: "ana", run: "run-1", boxed: true }

/** A rule with these budgets; what compiling adds to it is of no matter here. */
function rule(id: string, units: Partial<Record<Budget["unit"], Budget["window"]>>): ListRule<NetworkAction> {
  const budget = Object.entries(units).map(([unit, window]) => ({ unit, window, limit: 1, counter: `${id}/${unit}` }))
  return { id, budget } as unknown as ListRule<NetworkAction>
}

async function sqliteStore(env = emptyHome()): Promise<Store> {
  const store = await openStore(testContext(temporaryDirectory(), { env }), { gateway: "gw" })
  onTestFinished(() => store.close())
  return store
}

const engines = [
  ["SQLite", () => sqliteStore()],
  [
    "PostgreSQL",
    async (t: Parameters<typeof newStoreDatabase>[0]) => {
      const database = await newStoreDatabase(t)
      return sqliteStore(emptyHome({ NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }))
    },
  ],
] as const

/** Budgets over a store, closed when the test ends. */
function budgetsOn(store: Pick<Store, "db" | "write">, now = () => NOON) {
  const budgets = createBudgets(store, now)
  onTestFinished(() => budgets.close().catch(() => {}))
  return budgets
}

const used = async (store: Store) =>
  Object.fromEntries(
    (await store.db.selectFrom("usage").selectAll().execute()).map(({ counter, window, used }) => [
      `${counter} ${window}`,
      Number(used),
    ]),
  )

describe.each(engines)("budgets on %s", (_, open) => {
  test("count requests at once, and what they used when they are over", async (t) => {
    const store = await open(t)
    const budgets = budgetsOn(store)
    const model = [rule("model", { requests: "day", tokens: "day", usd: "run" })]
    const first = await budgets.reserve(WHO, model)
    expect(first.counters).toEqual({ "model/requests": 0, "model/tokens": 0, "model/usd": 0 })
    const second = await budgets.reserve(WHO, model)
    expect(second.counters).toEqual({ "model/requests": 1, "model/tokens": 1, "model/usd": 0.01 })
    first.settle({ tokens: 300, usd: 0.5, bytes: 7 })
    first.settle({ tokens: 300, usd: 0.5, bytes: 7 })
    // The one under way is taken for one like the other.
    expect((await budgets.reserve(WHO, model)).counters).toEqual({
      ...{ "model/requests": 2, "model/tokens": 600, "model/usd": 1 },
    })
    second.settle({ sent: false })
    await budgets.close()
    expect(await used(store)).toMatchObject({
      [`model/tokens ${Date.UTC(2026, 10, 21)}`]: 300,
      "model/usd@run-1 0": 0.5,
    })
  })

  test("of several gateways are one: none of what either used is lost, and both see it", async (t) => {
    const store = await open(t)
    const [one, two] = [budgetsOn(store), budgetsOn(store)]
    const rules = [rule("r", { requests: "hour", bytes: "hour" })]
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const { settle } = await [one, two][i % 2]!.reserve(WHO, rules)
        settle({ bytes: i })
      }),
    )
    await Promise.all([one.close(), two.close()])
    expect(await used(store)).toEqual({ [`r/requests ${NOON}`]: 100, [`r/bytes ${NOON}`]: 4950 })
    // One that starts anew goes on where they ended.
    expect((await budgetsOn(store).reserve(WHO, rules)).counters).toEqual({ "r/requests": 100, "r/bytes": 4950 })
  })

  test("have windows that begin in UTC, and one for each run", async (t) => {
    const store = await open(t)
    let now = NOON - 1
    const budgets = budgetsOn(store, () => now)
    const rules = [rule("r", { requests: "minute" }), rule("s", { requests: "run" })]
    const take = async (who = WHO) => {
      const { counters, settle } = await budgets.reserve(who, rules)
      settle({})
      return [counters["r/requests"], counters["s/requests"]]
    }
    expect(await take()).toEqual([0, 0])
    expect(await take()).toEqual([1, 1])
    now = NOON
    expect(await take()).toEqual([0, 2])
    expect(await take({ ...WHO, run: "run-2" })).toEqual([1, 0])
    // A clock that runs back finds what was used then.
    now = NOON - 2
    expect(await take()).toEqual([2, 3])
    await budgets.close()
    expect(await used(store)).toEqual({
      ...{ [`r/requests ${NOON - 60_000}`]: 3, [`r/requests ${NOON}`]: 2 },
      ...{ "s/requests@run-1 0": 4, "s/requests@run-2 0": 1 },
    })
  })
})

test("a rule twice counts once, and rules without budgets count nothing", async () => {
  const store = await sqliteStore()
  const budgets = budgetsOn(store)
  const rules = [rule("r", { requests: "day" }), rule("r", { requests: "day" }), rule("none", {})]
  const { counters, settle } = await budgets.reserve(WHO, rules)
  expect(counters).toEqual({ "r/requests": 0 })
  settle({})
  await budgets.close()
  expect(Object.values(await used(store))).toEqual([1])
})

test("what nobody says how much it used counts like the others, and nonsense counts as that", async () => {
  const store = await sqliteStore()
  const budgets = budgetsOn(store)
  const rules = [rule("r", { tokens: "run" })]
  for (const actual of [
    { tokens: 100 },
    { tokens: 50 },
    {},
    { tokens: Number.NaN },
    { tokens: -5 },
    { sent: false as const },
  ])
    (await budgets.reserve(WHO, rules)).settle(actual)
  await budgets.close()
  expect(Object.values(await used(store))).toEqual([100 + 50 + 75 * 3])
})

test("what does not say how much it used counts as no less than was guessed", async () => {
  const store = await sqliteStore()
  const budgets = budgetsOn(store)
  const rules = [rule("r", { tokens: "run" })]
  for (const actual of [{ tokens: 100, guess: 900 }, { guess: 700 }, { guess: 50 }])
    (await budgets.reserve(WHO, rules)).settle(actual)
  await budgets.close()
  expect(Object.values(await used(store))).toEqual([100 + 700 + 100])
})

test("a store that cannot be read lets nothing through, and one that cannot be written loses nothing", async () => {
  const store = await sqliteStore()
  const rules = [rule("r", { requests: "day" })]
  let broken = true
  const write: Store["write"] = (batch) => (broken ? Promise.reject(new Error("disk full")) : store.write(batch))
  const budgets = budgetsOn({ db: store.db, write })
  for (let i = 0; i < 3; i++) (await budgets.reserve(WHO, rules)).settle({})
  await expect(budgets.close()).rejects.toThrow("disk full")
  expect((await budgets.reserve(WHO, rules)).counters).toEqual({ "r/requests": 3 })
  broken = false
  await budgets.close()
  expect(Object.values(await used(store))).toEqual([3])
  await store.close()
  await expect(budgetsOn(store).reserve(WHO, rules)).rejects.toThrow()
})

test("requests that are under way for a while are on record before they end", async () => {
  const store = await sqliteStore()
  const budgets = budgetsOn(store)
  const { settle } = await budgets.reserve(WHO, [rule("stream", { requests: "day" })])
  await vi.waitFor(async () => expect(Object.values(await used(store))).toEqual([1]), { timeout: 10_000, interval: 20 })
  settle({ bytes: 1 })
  await budgets.close()
  expect(Object.values(await used(store))).toEqual([1])
})

test("sums of windows long over go, and none that still counts", async () => {
  const store = await sqliteStore()
  const at = (days: number) => Math.floor(Date.now() / 86_400_000 - days) * 86_400_000
  const rows = [0, 1, 30].map((days) => ({ counter: "r/requests", window: at(days), used: 5 }))
  await store.write({
    changes: [
      store.db
        .insertInto("usage")
        .values([...rows, { counter: "s/requests@old", window: 0, used: 1 }])
        .compile(),
    ],
  })
  const budgets = budgetsOn(store, Date.now)
  ;(await budgets.reserve(WHO, [rule("r", { requests: "day" })])).settle({})
  await budgets.close()
  expect(await used(store)).toEqual({
    ...{ [`r/requests ${at(0)}`]: 6, [`r/requests ${at(1)}`]: 5, "s/requests@old 0": 1 },
  })
})
