import fc from "fast-check"
import { type Kysely, sql } from "kysely"
import { describe, expect, onTestFinished, type TestContext, test } from "vitest"
import {
  createDeriver,
  type Derivation,
  deriveAll,
  deriveSlice,
  LogMismatch,
} from "../../../src/audit/derive/derive.ts"
import { openStore } from "../../../src/store/open.ts"
import { openDatabase } from "../../../src/store/postgres/connect.ts"
import { parseServer } from "../../../src/store/postgres/url.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { type Database, newStoreDatabase } from "../../postgres.ts"
import { sampleEvents, sealSamples } from "../events.ts"
import { anyEvent } from "./derive-events.ts"
import { dumpIndex, modelIndex } from "./derive-model.ts"

async function newLog(t: TestContext) {
  const database = await newStoreDatabase(t)
  const writer = await database.login("gateway", "nanoguard_writer")
  // Each deriver has a pool of its own, as a process has.
  const open = async (): Promise<Derivation> => {
    const db = await openDatabase(parseServer(writer), "deriver")
    onTestFinished(() => db.destroy())
    return { engine: "postgres", source: db, index: db }
  }
  return { database, writer, open }
}

async function append(db: Kysely<Tables>, bodies: readonly string[]): Promise<void> {
  if (bodies.length === 0) return
  await sql`insert into events select row_number() over () + (select coalesce(max(seq), 0) from events), body
    from unnest(${bodies}::text[]) as body`.execute(db)
}

describe("deriving in PostgreSQL, as a writer", () => {
  test("gives the tables of a naive reading, whatever the slices and whoever derives", async (t) => {
    const { open } = await newLog(t)
    const derivers = [createDeriver(await open()), createDeriver(await open())] as const
    const bodies: string[] = []
    const steps = fc.array(
      fc.record({
        events: fc.array(anyEvent, { maxLength: 40 }),
        size: fc.integer({ min: 1, max: 60 }),
        who: fc.nat(1),
      }),
      { minLength: 1, maxLength: 4 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        for (const { events, size, who } of history) {
          const more = sealSamples(events).bodies
          await append(derivers[0].derivation.source, more)
          bodies.push(...more)
          await deriveSlice(derivers[who]!, size)
        }
        await deriveAll(derivers[0].derivation, 100)
        expect(await dumpIndex(derivers[0].derivation.index)).toEqual(modelIndex(bodies))
      }),
      { numRuns: 10, endOnFailure: true },
    )
  })

  test("by three at once is the same as by one", async (t) => {
    const { open } = await newLog(t)
    const derivations = [await open(), await open(), await open()]
    const { bodies } = sealSamples(sampleEvents(3, 1_500))
    await append(derivations[0]!.source, bodies)
    const done = await Promise.all(derivations.map((derivation) => deriveAll(derivation, 40)))
    expect(done.map(({ to }) => to)).toEqual([1_500, 1_500, 1_500])
    expect(await dumpIndex(derivations[0]!.index)).toEqual(modelIndex(bodies))
  })

  test("keeps what agents wrote: characters that PostgreSQL has none of, names longer than it can index", async (t) => {
    const { open } = await newLog(t)
    const derivation = await open()
    const name = "ü".repeat(5_000)
    const bodies = [
      JSON.stringify({
        v: 1,
        time: "2026-11-01T00:00:00.000Z",
        agent: "a\0b",
        run: name,
        item: { kind: "host", name },
      }),
      JSON.stringify({
        v: 1,
        time: "never",
        agent: "\ud800",
        item: { kind: name, name: `${name}2`, version: name, digest: name },
      }),
      JSON.stringify({
        v: 1,
        by: Array.from({ length: 22 }, (_, n) => `person:${n}${name}`),
        item: { name: "x" },
        operator: name,
      }),
      JSON.stringify({ v: 2, agent: "newer" }),
      "no JSON",
    ]
    await append(derivation.source, bodies)
    expect(await deriveAll(derivation)).toEqual({ from: 0, to: 5 })
    const kinds = await derivation.index.selectFrom("entries").select(["seq", "kind", "agent"]).orderBy("seq").execute()
    expect(kinds.map(({ kind, agent }) => [kind, agent])).toEqual([
      ["", "a\ufffdb"],
      ["", "\ufffd"],
      ["", ""],
      ["unreadable", ""],
      ["unreadable", ""],
    ])
    const items = await derivation.index.selectFrom("items").select("name").execute()
    expect(new Set(items.map((item) => item.name)).size).toBe(3)
  })

  test("goes on by itself in a gateway, which signs what is asked for", async (t) => {
    const { writer, open } = await newLog(t)
    const { index } = await open()
    const ctx = testContext(temporaryDirectory(), { env: emptyHome({ NANOGUARD_STORE: writer }) })
    const store = await openStore(ctx, { gateway: "gateway-1" })
    onTestFinished(() => store.close())
    await Promise.all(sampleEvents(6, 400).map((event) => store.append(event)))
    expect(await store.checkpoint()).toBe(400)
    const events = await store.db.selectFrom("events").selectAll().orderBy("seq").execute()
    expect(await dumpIndex(index)).toEqual(modelIndex(events.map(({ body }) => body)))
    await store.append(sampleEvents(7, 1)[0]!)
    await store.close()
    const sizes = await index.selectFrom("checkpoints").select("size").orderBy("size", "desc").execute()
    expect(sizes[0]).toEqual({ size: 401 })
  })

  test("is refused where the log ends before its index does", async (t) => {
    const { database, open } = await newLog(t)
    const derivation = await open()
    await append(derivation.source, sealSamples(sampleEvents(4, 300)).bodies)
    await deriveAll(derivation)
    await cut(database, 290)
    await expect(deriveAll(derivation)).rejects.toThrow(LogMismatch)
  })
})

/** As somebody does who is the server's administrator. */
async function cut(database: Database, last: number): Promise<void> {
  await database.admin(
    `alter table nanoguard.events disable trigger all; delete from nanoguard.events where seq > ${last}`,
  )
}
