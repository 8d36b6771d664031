// A real log on disk for tests of verification: sealed events, people, tiles, index, signed checkpoints; and ways to tamper
// with it as somebody can who may write the files: triggers dropped, rows changed, trees made anew.
import { cpSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Kysely } from "kysely"
import { takeCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts"
import { parseCheckpoint } from "../../src/audit/checkpoints/checkpoint-text.ts"
import { loadOrCreateLogKey } from "../../src/audit/checkpoints/keys.ts"
import type { Signer } from "../../src/audit/checkpoints/note.ts"
import { deriveAll } from "../../src/audit/derive/derive.ts"
import type { Anchor, Checkpoint, NewEvent } from "../../src/audit/types.ts"
import type { VerifyOptions } from "../../src/audit/verify/options.ts"
import type { VerifyReport } from "../../src/audit/verify/report.ts"
import { verifyStore } from "../../src/audit/verify/verify.ts"
import type { PeopleTable, Tables } from "../../src/store/schema.ts"
import { INDEX, RECORD } from "../../src/store/sqlite/database.ts"
import { sqliteDialect } from "../../src/store/sqlite/dialect.ts"
import { openIndex } from "../../src/store/sqlite/index-file.ts"
import { openFilesForReading } from "../../src/store/sqlite/reader.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { temporaryDirectory } from "../context.ts"
import { EPOCH, sampleEvents, sealSamples } from "./events.ts"

export interface TestLog {
  directory: string
  origin: string
  signer: Signer
}

/** A log of sampled events in a directory of its own, with checkpoints at the given sizes. */
export async function makeLog(count: number, sizes: readonly number[] = [count], seed = 1): Promise<TestLog> {
  return writeLog(temporaryDirectory(), sampleEvents(seed, count), sizes)
}

/** The same of given events. */
export async function writeLog(
  directory: string,
  events: readonly NewEvent[],
  sizes: readonly number[],
): Promise<TestLog> {
  const { bodies, people } = sealSamples(events)
  return writeBodies(directory, bodies, people, sizes)
}

/** The same of records as they lie in the log. */
export async function writeBodies(
  directory: string,
  bodies: readonly string[],
  people: readonly PeopleTable[],
  sizes: readonly number[],
): Promise<TestLog> {
  const record = await openRecord(directory)
  const origin = String(record.prepare("SELECT value FROM settings WHERE name = 'origin'").get()!["value"])
  const signer = loadOrCreateLogKey(directory, origin)
  const insert = record.prepare("INSERT INTO events (seq, body) VALUES (?, ?)")
  record.exec("BEGIN")
  for (const { commitment, salt, value } of people) {
    record
      .prepare("INSERT OR IGNORE INTO people (commitment, salt, value) VALUES (?, ?, ?)")
      .run(commitment, salt, value)
  }
  for (const [at, body] of bodies.entries()) insert.run(at + 1, body)
  record.exec("COMMIT")
  record.close()
  await derive({ directory, origin, signer }, sizes)
  return { directory, origin, signer }
}

/** Derives what is in the log now, and takes checkpoints of the given sizes that are not there yet. */
export async function derive({ directory, origin, signer }: TestLog, sizes: readonly number[] = []): Promise<void> {
  const connection = await openRecord(directory)
  const source = new Kysely<Tables>({ dialect: sqliteDialect(connection, RECORD) })
  const index = await openIndex(directory, origin)
  try {
    await deriveAll({ engine: "sqlite", source, index: index.db })
    for (const size of sizes) {
      await takeCheckpoint({ record: source, index: index.db, size, signer, now: EPOCH + 86_400_000 + size * 1000 })
    }
  } finally {
    index.close()
    connection.close()
  }
}

/** The same files in another directory. */
export function copyLog(log: TestLog): TestLog {
  const directory = temporaryDirectory()
  cpSync(log.directory, directory, { recursive: true })
  return { ...log, directory }
}

/** Changes record.db as somebody who may write it: no trigger is in the way. */
export function tamper({ directory }: TestLog, work: (db: DatabaseSync) => void, name = RECORD): void {
  const db = new DatabaseSync(join(directory, name), { timeout: 5000 })
  try {
    const triggers = db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all()
    for (const trigger of triggers) db.exec(`DROP TRIGGER "${trigger["name"]}"`)
    work(db)
  } finally {
    db.close()
  }
}

/** Changes index.db. */
export function tamperIndex(log: TestLog, work: (db: DatabaseSync) => void): void {
  tamper(log, work, INDEX)
}

/** Runs SQL on record.db without its triggers. */
export function run(sql: string, ...parameters: (string | number)[]): (db: DatabaseSync) => void {
  return (db) => {
    const { changes } = db.prepare(sql).run(...parameters)
    if (changes === 0) throw new Error(`nothing was tampered with: ${sql}`)
  }
}

/** Makes tree and index anew from whatever the log holds now. */
export async function rebuildIndex(log: TestLog): Promise<void> {
  tamperIndex(log, (db) => {
    for (const table of ["tiles", "entries", "agents", "items", "uses", "touched"]) db.exec(`DELETE FROM ${table}`)
    db.exec("UPDATE derived SET value = '0' WHERE name = 'seq'")
  })
  await derive(log)
}

/** All checkpoints of the store. */
export function checkpointsOf({ directory }: TestLog): Checkpoint[] {
  const db = new DatabaseSync(join(directory, RECORD))
  try {
    const rows = db.prepare("SELECT note FROM checkpoints ORDER BY size").all()
    return rows.map((row) => parseCheckpoint(String(row["note"])))
  } finally {
    db.close()
  }
}

/** An outside place in memory. */
export function anchorOf(checkpoints: readonly Checkpoint[], name = "dir:/mnt/witness"): Anchor {
  const anchor = {
    name,
    read: async () => [...checkpoints],
    newest: async () => checkpoints.at(-1),
    publish: async () => {},
  }
  return anchor
}

/** Verifies with the log's own key. */
export async function verify(log: TestLog, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  const reader = await openFilesForReading(log.directory)
  try {
    return await verifyStore(reader, { keys: [log.signer], anchors: [], index: true, ...options })
  } finally {
    await reader.close()
  }
}
