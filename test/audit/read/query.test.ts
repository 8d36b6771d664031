import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { matchesFilter, type RecordFilter, readLast, readRecords } from "../../../src/audit/read/query.ts"
import { readTime } from "../../../src/audit/read/time.ts"
import { readBody } from "../../../src/audit/sealing/record-shape.ts"
import type { LogRecord } from "../../../src/audit/types.ts"
import { at, fillStore, recordOf, verdictOf } from "../inventory/inventory-store.ts"

async function seqs(db: Parameters<typeof readRecords>[0], filter: RecordFilter): Promise<number[]> {
  const found: number[] = []
  for await (const { seq } of readRecords(db, filter)) found.push(seq)
  return found
}

const MINUTE = 60_000
const START = at("2026-11-01T00:00:00Z")

const records = fc.array(
  fc.record({
    agent: fc.constantFrom("a", "b", undefined),
    run: fc.constantFrom("r1", "r2", undefined),
    kind: fc.constantFrom("package" as const, "network" as const),
    outcome: fc.constantFrom("released" as const, "refused" as const, undefined),
    effect: fc.constantFrom("allow" as const, "deny" as const, undefined),
    minute: fc.integer({ min: 0, max: 20 }),
  }),
  { minLength: 1, maxLength: 180 },
)

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })

const filters = fc.record({
  fromSeq: maybe(fc.integer({ min: -1, max: 200 })),
  toSeq: maybe(fc.integer({ min: -1, max: 200 })),
  since: maybe(fc.integer({ min: -1, max: 22 }).map((minute) => START + minute * MINUTE)),
  until: maybe(fc.integer({ min: -1, max: 22 }).map((minute) => START + minute * MINUTE)),
  agent: maybe(fc.constantFrom("a", "b", "c")),
  run: maybe(fc.constantFrom("r1", "r2")),
  kind: maybe(fc.constantFrom("package" as const, "network" as const)),
  type: maybe(fc.constantFrom("package.decided", "network.decided")),
  effect: maybe(fc.constantFrom("allow" as const, "deny" as const)),
  outcome: maybe(fc.constantFrom("released" as const, "refused" as const)),
  limit: maybe(fc.integer({ min: 0, max: 150 })),
  newestFirst: fc.boolean(),
})

/** The same question, asked of plain data. */
function choose(all: readonly LogRecord[], filter: RecordFilter): number[] {
  const found = all.flatMap((record, i) => {
    const time = at(record.time)
    const wrong =
      i + 1 < (filter.fromSeq ?? 0) ||
      i + 1 > (filter.toSeq ?? 1e9) ||
      (filter.since !== undefined && time < filter.since) ||
      (filter.until !== undefined && time > filter.until) ||
      (filter.agent !== undefined && record.agent !== filter.agent) ||
      (filter.run !== undefined && record.run !== filter.run) ||
      (filter.kind !== undefined && record.kind !== filter.kind) ||
      (filter.type !== undefined && record.type !== filter.type) ||
      (filter.effect !== undefined && record.verdict?.effect !== filter.effect) ||
      (filter.outcome !== undefined && record.outcome !== filter.outcome)
    return wrong ? [] : [i + 1]
  })
  if (filter.newestFirst) found.reverse()
  return found.slice(0, filter.limit)
}

describe("readRecords", () => {
  test("chooses what a plain loop over the records chooses, also where clocks ran back", async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.array(filters, { minLength: 5, maxLength: 15 }), async (all, asked) => {
        const log = all.map(({ minute, effect, agent, run, outcome, kind }) =>
          recordOf({
            ...{ kind, type: `${kind}.decided`, time: new Date(START + minute * MINUTE).toISOString() },
            ...(agent && { agent }),
            ...(run && { run }),
            ...(outcome && { outcome }),
            ...(effect && { verdict: verdictOf(effect) }),
          }),
        )
        const db = await fillStore(log)
        for (const filter of asked) {
          const wanted = choose(log, filter)
          expect(await seqs(db, filter)).toEqual(wanted)
          const { limit: _, newestFirst: __, ...open } = filter
          const matching = log.flatMap((record, i) =>
            matchesFilter(open, { seq: i + 1, body: "", record }) ? [i + 1] : [],
          )
          expect(matching).toEqual(choose(log, open))
        }
      }),
      { numRuns: 25 },
    )
  })

  test("gives the body byte for byte, and no record where it is none", async () => {
    const good = recordOf({ agent: "a" })
    const db = await fillStore([good, "{not json", '{"v":2,"time":"x","type":"y.z"}', "null"])
    const found = await readLast(db, {}, 10)
    expect(found.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(found[0]).toEqual({ seq: 1, body: JSON.stringify(good), record: good })
    expect(found.slice(1).map(({ record }) => record)).toEqual([undefined, undefined, undefined])
    expect(readBody("[]")).toBeUndefined()
  })

  test("the last three are the newest, in the order in which they were written", async () => {
    const db = await fillStore(Array.from({ length: 200 }, (_, n) => recordOf({ agent: n % 2 ? "odd" : "even" })))
    expect((await readLast(db, { agent: "odd" }, 3)).map(({ seq }) => seq)).toEqual([196, 198, 200])
    expect((await readLast(db, {}, 3)).map(({ seq }) => seq)).toEqual([198, 199, 200])
  })

  test("leaves out what was archived, and goes on after it", async () => {
    const db = await fillStore(Array.from({ length: 300 }, () => recordOf({ agent: "a" })))
    await db.updateTable("settings").set({ value: "200" }).where("name", "=", "archived").execute()
    await db.deleteFrom("events").where("seq", "<=", 200).execute()
    const rest = Array.from({ length: 100 }, (_, n) => n + 201)
    expect(await seqs(db, { agent: "a" })).toEqual(rest)
    expect(await seqs(db, {})).toEqual(rest)
    expect(await seqs(db, { agent: "a", limit: 5 })).toEqual(rest.slice(0, 5))
    expect(await seqs(db, { agent: "a", newestFirst: true })).toEqual(rest.toReversed())
  })
})

describe("readTime", () => {
  const now = at("2026-11-21T12:00:00Z")
  test.each([
    ["2h", "2026-11-21T10:00:00.000Z"],
    ["3d", "2026-11-18T12:00:00.000Z"],
    ["2026-11-01", "2026-11-01T00:00:00.000Z"],
    ["2026-11-01T09:30:00Z", "2026-11-01T09:30:00.000Z"],
    ["2026-11-01 09:30Z", "2026-11-01T09:30:00.000Z"],
    ["2026-11-01T09:30:00.5+02:00", "2026-11-01T07:30:00.500Z"],
    ["2026-11-01t09:30:00z", "2026-11-01T09:30:00.000Z"],
  ])("%s is %s", (text, wanted) => expect(new Date(readTime(text, now, "--since")).toISOString()).toBe(wanted))

  test("a day ends with its last millisecond where it is an end", () => {
    expect(new Date(readTime("2026-11-01", now, "--as-of", true)).toISOString()).toBe("2026-11-01T23:59:59.999Z")
    expect(new Date(readTime("2026-11-01T00:00:00Z", now, "--as-of", true)).toISOString()).toBe(
      "2026-11-01T00:00:00.000Z",
    )
  })

  test.each([
    "",
    "yesterday",
    "0h",
    "-2h",
    "2026-02-30",
    "2026-13-01",
    "2026-11-01T09:30:00",
    "2026-11-01T25:00:00Z",
    "1e9d",
    "12",
  ])("%j is no time, and the option is named", (text) =>
    expect(() => readTime(text, now, "--since")).toThrow(/^--since is not a time/),
  )
})
