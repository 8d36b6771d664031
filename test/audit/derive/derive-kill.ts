// Processes that derive, several at once, killed at random while the log grows: whatever they leave, derivation goes on from there,
// and the tables are those of a rebuild.
import { join, resolve } from "node:path"
import fc from "fast-check"
import { Kysely } from "kysely"
import { expect, onTestFinished } from "vitest"
import { deriveAll, readPosition } from "../../../src/audit/derive/derive.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { RECORD } from "../../../src/store/sqlite/database.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"
import { openIndex } from "../../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { temporaryDirectory } from "../../context.ts"
import { killHard, source, startScript } from "../../store/directory.ts"
import { sampleEvents, sealSamples } from "../events.ts"
import { dumpIndex, modelIndex } from "./derive-model.ts"

/** A process that derives without end, in small slices, and says so once it has begun. */
const startDeriving = (directory: string, origin: string) =>
  startScript(`
    import { join } from "node:path"
    import { Kysely } from ${JSON.stringify(import.meta.resolve("kysely"))}
    import { createDeriver, deriveSlice } from ${source("audit/derive/derive.ts")}
    import { sqliteDialect } from ${source("store/sqlite/dialect.ts")}
    import { openIndex } from ${source("store/sqlite/index-file.ts")}
    import { openForReading } from ${source("store/sqlite/database.ts")}
    const file = ${JSON.stringify(join(directory, RECORD))}
    const record = new Kysely({ dialect: sqliteDialect(openForReading(file, false), file) })
    const index = await openIndex(${JSON.stringify(directory)}, ${JSON.stringify(origin)})
    const deriver = createDeriver({ engine: "sqlite", source: record, index: index.db })
    process.stdout.write("deriving\\n")
    for (;;) {
      await deriveSlice(deriver, 7)
      await new Promise(setImmediate)
    }
  `)

/** Kills two derivers so many times at random, while the log grows; expects the tables of a rebuild, and of a naive reading. */
export async function killDerivers(deaths: number): Promise<void> {
  const directory = temporaryDirectory()
  const connection = await openRecord(directory)
  onTestFinished(() => connection.close())
  const origin = String(connection.prepare("SELECT value FROM settings WHERE name = 'origin'").get()!["value"])
  const insert = connection.prepare("INSERT INTO events (seq, body) VALUES (?, ?)")
  const index = await openIndex(directory, origin)
  onTestFinished(() => index.close())
  const { bodies } = sealSamples(sampleEvents(9, Math.min(20_000, 700 * deaths)))
  const [delays] = fc.sample(fc.array(fc.nat(120), { minLength: deaths, maxLength: deaths }), 1)
  let seq = 0
  const reached: number[] = []
  for (const delay of delays!) {
    const children = await Promise.all([startDeriving(directory, origin), startDeriving(directory, origin)])
    const until = performance.now() + delay
    do {
      if (seq < bodies.length) insert.run(++seq, bodies[seq - 1]!)
      if (seq % 50 === 0) await new Promise(setImmediate)
    } while (performance.now() < until)
    await Promise.all(children.map(killHard))
    reached.push(await readPosition(index.db))
  }
  expect(reached).toEqual(reached.toSorted((a, b) => a - b))
  expect(reached.at(-1)).toBeGreaterThan(0)
  const derivation = {
    engine: "sqlite" as const,
    source: new Kysely<Tables>({ dialect: sqliteDialect(connection, resolve(directory, RECORD)) }),
  }
  expect(await deriveAll({ ...derivation, index: index.db })).toMatchObject({ to: seq })
  const rebuilt = await openIndex(temporaryDirectory(), origin)
  onTestFinished(() => rebuilt.close())
  expect(await deriveAll({ ...derivation, index: rebuilt.db })).toEqual({ from: 0, to: seq })
  const tables = await dumpIndex(index.db)
  expect(tables).toEqual(await dumpIndex(rebuilt.db))
  expect(tables).toEqual(modelIndex(bodies.slice(0, seq)))
}
