import { writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { CompiledQuery, Kysely } from "kysely"
import { describe, expect, onTestFinished, test } from "vitest"
import {
  createDeriver,
  type Derivation,
  deriveAll,
  deriveSlice,
  LogMismatch,
} from "../../../src/audit/derive/derive.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { RECORD } from "../../../src/store/sqlite/database.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"
import { openIndex } from "../../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { temporaryDirectory } from "../../context.ts"
import { sampleEvents, sealSamples } from "../events.ts"
import { anyEvent } from "./derive-events.ts"
import { dumpIndex, modelIndex, modelTiles, textOf } from "./derive-model.ts"

interface Log {
  directory: string
  origin: string
  source: Kysely<Tables>
  append(bodies: readonly string[]): void
  exec(sql: string): void
}

async function openLog(): Promise<Log> {
  const directory = temporaryDirectory()
  const connection = await openRecord(directory)
  onTestFinished(() => connection.close())
  const origin = String(connection.prepare("SELECT value FROM settings WHERE name = 'origin'").get()!["value"])
  const insert = connection.prepare("INSERT INTO events SELECT coalesce(max(seq), 0) + 1, ? FROM events")
  return {
    ...{ directory, origin, source: new Kysely<Tables>({ dialect: sqliteDialect(connection, RECORD) }) },
    append(bodies) {
      connection.exec("BEGIN")
      for (const body of bodies) insert.run(body)
      connection.exec("COMMIT")
    },
    // As somebody does who may write the file.
    exec(sql) {
      const triggers = connection.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
      for (const { name } of triggers) connection.exec(`DROP TRIGGER ${name}`)
      connection.exec(sql)
      for (const { sql: text } of triggers) connection.exec(String(text))
    },
  }
}

async function derivationOf(log: Log): Promise<Derivation> {
  const index = await openIndex(log.directory, log.origin)
  onTestFinished(() => {
    if (index.connection.isOpen) index.close()
  })
  return { engine: "sqlite", source: log.source, index: index.db }
}

const sampleBodies = (count: number, seed = 1) => sealSamples(sampleEvents(seed, count)).bodies

describe("deriving", () => {
  test("gives the tables of a naive reading, whatever the slices and whoever derives", async () => {
    const log = await openLog()
    const derivers = [createDeriver(await derivationOf(log)), createDeriver(await derivationOf(log))]
    const bodies: string[] = []
    const steps = fc.array(
      fc.record({
        events: fc.array(anyEvent, { maxLength: 40 }),
        size: fc.integer({ min: 1, max: 60 }),
        who: fc.nat(1),
      }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        // The log only grows, also from one run of this property to the next.
        for (const { events, size, who } of history) {
          const more = sealSamples(events).bodies
          log.append(more)
          bodies.push(...more)
          await deriveSlice(derivers[who]!, size)
        }
        await deriveAll(derivers[0]!.derivation, 100)
        expect(await dumpIndex(derivers[0]!.derivation.index)).toEqual(modelIndex(bodies))
      }),
      { numRuns: 25, endOnFailure: true },
    )
    const rebuilt = await openLog()
    rebuilt.append(bodies)
    const again = await derivationOf(rebuilt)
    expect(await deriveAll(again)).toEqual({ from: 0, to: bodies.length })
    expect(await dumpIndex(again.index)).toEqual(await dumpIndex(derivers[0]!.derivation.index))
  })

  test("crosses full tiles of two levels", async () => {
    const log = await openLog()
    const bodies = Array.from({ length: 66_000 }, (_, at) => `{"v":1,"number":${at}}`)
    const derivation = await derivationOf(log)
    log.append(bodies.slice(0, 65_536))
    expect(await deriveAll(derivation, 5_000)).toEqual({ from: 0, to: 65_536 })
    log.append(bodies.slice(65_536))
    expect(await deriveAll(derivation)).toEqual({ from: 65_536, to: 66_000 })
    const tiles = await derivation.index.selectFrom("tiles").selectAll().execute()
    expect(
      tiles
        .filter(({ level }) => level > 0)
        .map(({ level, position }) => `${level}/${position}`)
        .sort(),
    ).toEqual(["1/0", "1/1", "2/0"])
    expect(tiles.map(textOf).sort()).toEqual(modelTiles(bodies))
  })

  test("does nothing where nothing is new", async () => {
    const log = await openLog()
    const derivation = await derivationOf(log)
    expect(await deriveAll(derivation)).toEqual({ from: 0, to: 0 })
    log.append(sampleBodies(300))
    await deriveAll(derivation)
    expect(await deriveAll(derivation)).toEqual({ from: 300, to: 300 })
  })

  test("leaves index and position as they were where a slice fails, and goes on afterwards", async () => {
    const log = await openLog()
    const derivation = await derivationOf(log)
    const bodies = sampleBodies(600)
    log.append(bodies)
    const deriver = createDeriver(derivation)
    await deriveSlice(deriver, 100)
    const before = await dumpIndex(derivation.index)
    const { index } = derivation
    await index.executeQuery(
      CompiledQuery.raw("CREATE TRIGGER stop BEFORE INSERT ON uses BEGIN SELECT raise(abort, 'stopped'); END"),
    )
    await expect(deriveSlice(deriver, 100)).rejects.toThrow("stopped")
    expect(await dumpIndex(index)).toEqual(before)
    await index.executeQuery(CompiledQuery.raw("DROP TRIGGER stop"))
    while ((await deriveSlice(deriver, 100)).to < bodies.length);
    expect(await dumpIndex(index)).toEqual(modelIndex(bodies))
  })
})

describe("an index that is not the log's", () => {
  test("that knows more records than the log has is an error, not a reason to build it anew", async () => {
    const log = await openLog()
    const derivation = await derivationOf(log)
    log.append(sampleBodies(400))
    await deriveAll(derivation)
    log.exec("DELETE FROM events WHERE seq > 390")
    await expect(deriveAll(derivation)).rejects.toThrow(LogMismatch)
    await expect(deriveSlice(createDeriver(derivation))).rejects.toThrow(
      "ends with record 390, and its index knows of 400",
    )
    log.append(sampleBodies(20, 2))
    await expect(deriveAll(derivation)).rejects.toThrow("record 400 of the log is not the one")
  })

  test("is found where the last record of a full tile was changed", async () => {
    const log = await openLog()
    const derivation = await derivationOf(log)
    log.append(sampleBodies(512))
    await deriveAll(derivation)
    log.exec("UPDATE events SET body = '{}' WHERE seq = 512")
    await expect(deriveAll(derivation)).rejects.toThrow("record 512 of the log is not the one")
  })

  test("says which record the log lacks", async () => {
    const log = await openLog()
    const derivation = await derivationOf(log)
    log.append(sampleBodies(600))
    log.exec("DELETE FROM events WHERE seq = 300")
    await expect(deriveAll(derivation)).rejects.toThrow("the log lacks record 300")
  })

  test("is made anew where it is damaged, of another version or gone", async () => {
    const log = await openLog()
    const bodies = sampleBodies(700)
    log.append(bodies)
    const first = await openIndex(log.directory, log.origin)
    await deriveAll({ engine: "sqlite", source: log.source, index: first.db })
    first.connection.exec("UPDATE derived SET value = '0' WHERE name = 'version'; UPDATE uses SET count = 7")
    first.close()
    const second = await derivationOf(log)
    expect(await deriveAll(second)).toEqual({ from: 0, to: 700 })
    expect(await dumpIndex(second.index)).toEqual(modelIndex(bodies))
    await second.index.destroy()
    writeFileSync(join(log.directory, "index.db"), Buffer.alloc(40_000, 7))
    const third = await derivationOf(log)
    expect(await deriveAll(third)).toEqual({ from: 0, to: 700 })
    expect(await dumpIndex(third.index)).toEqual(modelIndex(bodies))
  })
})

describe("records that are archived", () => {
  test("stay in the index; built anew, it asks for them", async () => {
    const log = await openLog()
    const bodies = sampleBodies(900)
    log.append(bodies)
    const derivation = await derivationOf(log)
    await deriveAll(derivation)
    log.exec("UPDATE settings SET value = '500' WHERE name = 'archived'; DELETE FROM events WHERE seq <= 500")
    expect(await deriveAll(derivation)).toEqual({ from: 900, to: 900 })
    const empty = await openIndex(temporaryDirectory(), log.origin)
    onTestFinished(() => empty.close())
    const anew = { ...derivation, index: empty.db }
    await expect(deriveAll(anew)).rejects.toThrow("the records up to 500 are archived")
    const archived = async (after: number, limit: number) =>
      bodies.slice(after, Math.min(500, after + limit)).map((body, at) => ({ seq: after + at + 1, body }))
    await deriveAll({ ...anew, archived })
    expect(await dumpIndex(empty.db)).toEqual(modelIndex(bodies))
  })

  test("may be all of the log", async () => {
    const log = await openLog()
    log.append(sampleBodies(256))
    const derivation = await derivationOf(log)
    await deriveAll(derivation)
    log.exec("UPDATE settings SET value = '256' WHERE name = 'archived'; DELETE FROM events")
    expect(await deriveAll(derivation)).toEqual({ from: 256, to: 256 })
    const empty = await openIndex(temporaryDirectory(), log.origin)
    onTestFinished(() => empty.close())
    await expect(deriveAll({ ...derivation, index: empty.db })).rejects.toThrow("the records up to 256 are archived")
  })
})
