import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, onTestFinished, test } from "vitest"
import { readInventory } from "../../../src/audit/inventory/index.ts"
import { readQuestion } from "../../../src/audit/inventory/touched.ts"
import type { Inventory, InventoryQuery } from "../../../src/audit/inventory/types.ts"
import type { LogRecord } from "../../../src/audit/types.ts"
import { hashName } from "../../../src/packages/advisories/format.ts"
import { openAdvisories } from "../../../src/packages/advisories/read.ts"
import type { AdvisoryIndex, AdvisoryRecord } from "../../../src/packages/advisories/types.ts"
import { writeIndex } from "../../../src/packages/advisories/write.ts"
import { temporaryDirectory } from "../../context.ts"
import { addPerson, at, fillStore, recordOf, verdictOf } from "./inventory-store.ts"

const NOW = at("2026-11-21T00:00:00Z")
const NO_ADVISORIES = { reason: "not asked for" }
const lodash = { kind: "package", name: "pkg:npm/lodash", version: "4.17.20", digest: "sha256:aa" } as const

type Store = Awaited<ReturnType<typeof fillStore>>
const ask = (db: Store, query: InventoryQuery = {}, advisories: AdvisoryIndex | { reason: string } = NO_ADVISORIES) =>
  readInventory(db, query, NOW, advisories)

/** A real index file of npm advisories by package name. */
function advisoriesOf(records: Record<string, AdvisoryRecord[]>): AdvisoryIndex {
  const file = join(temporaryDirectory(), "advisories.idx")
  const packages = Object.entries(records).map(([name, advisories]) => ({
    hash: hashName("npm", name),
    record: { ecosystem: "npm" as const, name, advisories },
  }))
  const description = { kind: "imported" as const, created: "2026-11-20T00:00:00.000Z", asOf: "2026-11-20", newest: {} }
  writeIndex(
    file,
    packages.sort((a, b) => a.hash - b.hash),
    { ...description, completeness: { npm: "complete" }, sources: [], unreadable: 0 },
  )
  const index = openAdvisories(file)
  onTestFinished(() => index.close())
  return index
}

const usesOf = (inventory: Inventory) =>
  inventory.items.flatMap(({ name, version, uses }) =>
    uses.map(({ agent, outcome, count, because }) => ({
      item: version ? `${name}@${version}` : name,
      ...{ agent, outcome, count },
      ...(because && { because }),
    })),
  )

// ---- against plain data ------------------------------------------------------------------------------------------

const START = at("2026-11-01T00:00:00Z")
const time = (hour: number) => START + hour * 3_600_000

const events = fc.array(
  fc.record({
    hour: fc.integer({ min: 0, max: 30 }),
    agent: fc.constantFrom("a", "b"),
    run: fc.constantFrom("r1", "r2", undefined),
    item: fc.constantFrom(
      lodash,
      { ...lodash, version: "4.17.21" },
      { ...lodash, digest: "sha256:bb" },
      { kind: "host", name: "api.example.com" } as const,
      undefined,
    ),
    outcome: fc.constantFrom("released" as const, "refused" as const, "held" as const, "unknown" as const, undefined),
    policy: fc.constantFrom("p1", "p2"),
    started: fc
      .integer({ min: 0, max: 9 })
      .map((n) => (n === 0 ? "sandbox.started" : n === 1 ? "sandbox.ended" : undefined)),
  }),
  { minLength: 1, maxLength: 60 },
)

interface Plain {
  agents: Record<string, unknown>
  uses: Record<string, unknown>
}

/** The same answer, from a loop over the records that were there by then. */
function expected(log: readonly LogRecord[], asOf: number, refused: boolean): Plain {
  const agents: Plain["agents"] = {}
  const uses: Plain["uses"] = {}
  for (const [i, record] of log.entries()) {
    const now = at(record.time)
    if (now > asOf) continue
    const run = `${record.agent} ${record.run ?? ""}`
    const known = (agents[run] ?? { first: now, last: now, events: 0, started: null, ended: null }) as Record<
      string,
      number | null
    >
    known["first"] = Math.min(known["first"]!, now)
    known["last"] = Math.max(known["last"]!, now)
    known["events"]!++
    if (record.type === "sandbox.started") known["started"] ??= now
    if (record.type === "sandbox.ended") known["ended"] = now
    agents[run] = known
    const outcome = record.outcome ?? ""
    if (record.item === undefined || ["refused", "held", "failed"].includes(outcome) !== refused) continue
    const { name, version = "", digest = "" } = record.item
    const key = [name, version, digest, record.agent, outcome, record.policy].join(" ")
    const use = (uses[key] ?? { first: now, last: now, count: 0 }) as Record<string, number>
    use["first"] = Math.min(use["first"]!, now)
    use["last"] = Math.max(use["last"]!, now)
    use["lastSeq"] = i + 1
    use["count"]!++
    uses[key] = use
  }
  return { agents, uses }
}

function simplify(inventory: Inventory): Plain {
  const runs = inventory.agents.flatMap(({ agent, runs }) =>
    runs.map(({ run, first, last, events, started, ended }) => [
      `${agent} ${run}`,
      { first: at(first), last: at(last), events, started: started && at(started), ended: ended && at(ended) },
    ]),
  )
  const uses = inventory.items.flatMap(({ name, version, digest, uses }) =>
    uses.map(({ agent, outcome, policy, first, last, lastSeq, count }) => [
      [name, version, digest, agent, outcome, policy].join(" "),
      { first: at(first), last: at(last), lastSeq, count },
    ]),
  )
  return { agents: Object.fromEntries(runs), uses: Object.fromEntries(uses) }
}

describe("as of a time", () => {
  test("is what a plain loop over the records until then says, to the last count, also where clocks ran back", async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: -1, max: 31 }), fc.boolean(), async (all, hour, refused) => {
        // The end of a run that came before its start is no part of the question.
        const log = all.map(({ hour, agent, run, item, outcome, policy, started }) =>
          recordOf({
            ...{ time: new Date(time(hour)).toISOString(), agent, policy },
            ...(run && { run }),
            ...(item && { item }),
            ...(outcome && { outcome }),
            ...(started && { type: started, kind: "sandbox" as const }),
          }),
        )
        // What is known of a run's two ends as of a time is exact where each came once.
        for (const type of ["sandbox.started", "sandbox.ended"]) {
          const seen = new Set<string>()
          for (const record of log) {
            if (record.type !== type) continue
            const run = `${record.agent} ${record.run}`
            if (seen.has(run)) record.type = "sandbox.other"
            seen.add(run)
          }
        }
        const db = await fillStore(log)
        expect(simplify(await ask(db, { asOf: time(hour), refused }))).toEqual(expected(log, time(hour), refused))
        expect(simplify(await ask(db, { refused }))).toEqual(expected(log, Number.POSITIVE_INFINITY, refused))
      }),
      { numRuns: 40 },
    )
  })

  test("names the operator, the policy and the box as the records said by then", async () => {
    const base = { agent: "bot", run: "r1" }
    const day = (n: number) => `2026-11-0${n}T00:00:00.000Z`
    const db = await fillStore([])
    const ana = await addPerson(db, "ana@acme.example")
    const ben = await addPerson(db, "ben@acme.example")
    const other = await fillStore([
      recordOf({
        ...base,
        time: day(1),
        type: "sandbox.started",
        kind: "sandbox",
        operator: ana,
        policy: "old",
        boxed: true,
      }),
      recordOf({ ...base, time: day(2) }),
      recordOf({ ...base, time: day(3), operator: ben, policy: "new", boxed: false }),
      recordOf({ ...base, time: day(4), type: "sandbox.ended", kind: "sandbox", outcome: "failed" }),
    ])
    await other
      .insertInto("people")
      .values(await db.selectFrom("people").selectAll().execute())
      .execute()
    const [then] = (await ask(other, { asOf: at(day(2)) })).agents
    expect(then).toMatchObject({ running: 1, operators: [{ name: "ana@acme.example" }], policies: ["old"], events: 2 })
    expect(then!.runs[0]).toMatchObject({ state: "running", boxed: true, outcome: "", ended: null, last: day(2) })
    const [now] = (await ask(other)).agents
    expect(now).toMatchObject({ running: 0, operators: [{ name: "ben@acme.example" }], policies: ["new"], events: 4 })
    expect(now!.runs[0]).toMatchObject({ state: "ended", boxed: false, outcome: "failed", ended: day(4) })
  })
})

describe("what was consumed", () => {
  test("is told from what was asked for; a release that a crash hid counts as given", async () => {
    const record = (outcome: LogRecord["outcome"]) =>
      recordOf({ agent: "a", item: lodash, ...(outcome && { outcome }) })
    const outcomes = ["released", "refused", "held", "failed", "unknown", undefined] as const
    const db = await fillStore(outcomes.map(record))
    const given = await ask(db)
    expect(usesOf(given).map(({ outcome }) => outcome)).toEqual(["released", "unknown", ""])
    expect(given.others).toBe(3)
    const refused = await ask(db, { refused: true })
    expect(usesOf(refused).map(({ outcome }) => outcome)).toEqual(["refused", "held", "failed"])
    expect(refused).toMatchObject({ refused: true, others: 3, seq: 6 })
  })

  test("names approvers and operators, and says who was erased", async () => {
    const people = await fillStore([])
    const [ana, ben, cy] = await Promise.all(["ana", "ben", "cy"].map((name) => addPerson(people, name)))
    const db = await fillStore([
      recordOf({ agent: "a", item: lodash, outcome: "released", operator: cy!, by: [ben!, ana!] }),
      recordOf({ agent: "b", item: lodash, outcome: "released" }),
    ])
    await db
      .insertInto("people")
      .values(await people.selectFrom("people").selectAll().execute())
      .execute()
    await db.deleteFrom("people").where("value", "=", "ben").execute()
    const [first, second] = (await ask(db)).items[0]!.uses
    expect(first!.approvers).toEqual(
      [
        { commitment: ana, name: "ana" },
        { commitment: ben, name: null },
      ].sort((a, b) => (a.commitment! < b.commitment! ? -1 : 1)),
    )
    expect(first!.operator).toEqual({ commitment: cy, name: "cy" })
    expect(second).toMatchObject({ approvers: [], operator: null })
  })

  test("agent and kind choose", async () => {
    const host = { kind: "host", name: "api.example.com" } as const
    const db = await fillStore([
      recordOf({ agent: "a", item: lodash, outcome: "released" }),
      recordOf({ agent: "b", item: host, outcome: "released" }),
    ])
    expect(usesOf(await ask(db, { kind: "host" })).map(({ agent }) => agent)).toEqual(["b"])
    const onlyA = await ask(db, { agent: "a" })
    expect(usesOf(onlyA).map(({ item }) => item)).toEqual(["pkg:npm/lodash@4.17.20"])
    expect(onlyA.agents.map(({ agent }) => agent)).toEqual(["a"])
    expect((await ask(db, { agent: "A" })).agents).toEqual([])
  })
})

describe("touched by", () => {
  const GHSA = { id: "GHSA-35jh-r3h4-6jhm", aliases: ["CVE-2021-23337"] }
  const fixed: AdvisoryRecord = { ...GHSA, kind: "vulnerability", ranges: [{ introduced: "0", fixed: "4.17.21" }] }
  const release = (agent: string, item: LogRecord["item"], verdict?: LogRecord["verdict"]) =>
    recordOf({ agent, outcome: "released", ...(item && { item }), ...(verdict && { verdict }) })

  const store = () =>
    fillStore([
      release("before", lodash),
      release("warned", lodash, verdictOf("allow", "x", [GHSA])),
      release("mended", { ...lodash, version: "4.17.21" }),
      release("rebuilt", { ...lodash, digest: "sha256:other" }),
      release("other", { kind: "package", name: "pkg:npm/axios", version: "1.6.0" }),
      release("online", { kind: "host", name: "api.example.com" }),
      release("helped", { kind: "mcp", name: "github", version: "1.2.0" }),
    ])

  test("an advisory: what verdicts named, the same version elsewhere, and what the advisories say today", async () => {
    const touched = await ask(await store(), { touched: GHSA.id }, advisoriesOf({ lodash: [fixed] }))
    expect(usesOf(touched)).toEqual([
      {
        item: "pkg:npm/lodash@4.17.20",
        agent: "before",
        outcome: "released",
        count: 1,
        because: ["other-verdict", "index"],
      },
      { item: "pkg:npm/lodash@4.17.20", agent: "warned", outcome: "released", count: 1, because: ["verdict", "index"] },
      {
        item: "pkg:npm/lodash@4.17.20",
        agent: "rebuilt",
        outcome: "released",
        count: 1,
        because: ["other-verdict", "index"],
      },
    ])
    expect(touched.agents.map(({ agent }) => agent)).toEqual(["before", "rebuilt", "warned"])
    expect(touched.touched).toEqual({
      ...{ asked: GHSA.id, by: "advisory", advisories: ["CVE-2021-23337", GHSA.id] },
      index: { searched: true, kind: "imported", asOf: "2026-11-20", partial: false },
    })
  })

  test("an advisory published after the install, by any of its names and in any case", async () => {
    const db = await fillStore([release("before", lodash), release("mended", { ...lodash, version: "4.17.21" })])
    const index = advisoriesOf({ lodash: [fixed] })
    for (const touched of [GHSA.id, "CVE-2021-23337", "cve-2021-23337", GHSA.id.toLowerCase()]) {
      expect(usesOf(await ask(db, { touched }, index)).map(({ agent, because }) => [agent, because])).toEqual([
        ["before", ["index"]],
      ])
    }
    expect(usesOf(await ask(db, { touched: "GHSA-xxxx-xxxx-xxxx" }, index))).toEqual([])
  })

  test("an advisory that was withdrawn since, and none that can be searched: what the record says stands", async () => {
    const silent = await ask(await store(), { touched: GHSA.id }, advisoriesOf({}))
    expect(usesOf(silent).map(({ agent, because }) => [agent, because])).toEqual([
      ["before", ["other-verdict"]],
      ["warned", ["verdict"]],
      ["rebuilt", ["other-verdict"]],
    ])
    const broken = await ask(await store(), { touched: GHSA.id }, { reason: "the index is damaged" })
    expect(usesOf(broken)).toEqual(usesOf(silent))
    expect(broken.touched!.index).toEqual({ searched: false, reason: "the index is damaged" })
  })

  test("a version that cannot be compared is undecided, never fine", async () => {
    const db = await fillStore([release("odd", { ...lodash, version: "not-a-version" })])
    const [use] = usesOf(await ask(db, { touched: GHSA.id }, advisoriesOf({ lodash: [fixed] })))
    expect(use!.because).toEqual(["undecided"])
  })

  test.each([
    ["pkg:npm/lodash", ["before", "warned", "rebuilt", "mended"]],
    ["pkg:npm/lodash@4.17.21", ["mended"]],
    ["pkg:NPM/lodash@4.17.21", ["mended"]],
    ["pkg:npm/lodash@9.9.9", []],
    ["api.example.com", ["online"]],
    ["API.example.com.", ["online"]],
    ["host:api.example.com", ["online"]],
    ["mcp:github", ["helped"]],
    ["github", ["helped"]],
    ["github@1.2.0", ["helped"]],
    ["mcp:github@1.3.0", []],
    ["skill:github", []],
  ])("%s", async (touched, agents) => {
    const inventory = await ask(await store(), { touched })
    expect(
      usesOf(inventory)
        .map(({ agent }) => agent)
        .sort(),
    ).toEqual([...agents].sort())
    expect(usesOf(inventory).every(({ because }) => because === undefined)).toBe(true)
  })

  test("the same version's refused uses are counted, and shown with `refused`", async () => {
    const db = await fillStore([
      release("a", lodash),
      recordOf({ agent: "b", item: lodash, outcome: "refused", verdict: verdictOf("deny", "x", [GHSA]) }),
    ])
    const had = await ask(db, { touched: GHSA.id })
    expect(usesOf(had).map(({ agent, because }) => [agent, because])).toEqual([["a", ["other-verdict"]]])
    expect(had.others).toBe(1)
    const refused = await ask(db, { touched: GHSA.id, refused: true })
    expect(usesOf(refused).map(({ agent, because }) => [agent, because])).toEqual([["b", ["verdict"]]])
  })
})

test("questions that would break a query are only names", () => {
  for (const text of ["' or 1=1 --", "%", "pkg:npm/%", "pkg:", "@", "mcp:", "\0", "x".repeat(10_000)]) {
    expect(readQuestion(text).by).toMatch(/^(?:name|package)$/)
  }
})

test("a like pattern in a name finds nothing else", async () => {
  const db = await fillStore([recordOf({ agent: "a", item: lodash, outcome: "released" })])
  expect(usesOf(await ask(db, { touched: "pkg:npm/%" }))).toEqual([])
  expect(usesOf(await ask(db, { touched: "%" }))).toEqual([])
})
