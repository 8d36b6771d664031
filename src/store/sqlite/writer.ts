// The committer's connection to record.db: the statements of a commit, prepared once.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { PEOPLE_SQL } from "../../audit/sealing/people.ts"
import { openRecord } from "./record.ts"

/** Rows that one statement inserts where a group has as many: half the cost of a call for each. */
const ROWS = 8

/** Prepared statements of callers' changes that are kept. */
const MAX_STATEMENTS = 200

/** Bytes of the WAL file that are kept from one use to the next. */
const MAX_WAL = 128 * 1024 * 1024

export interface Writer {
  readonly db: DatabaseSync
  readonly begin: StatementSync
  readonly commit: StatementSync
  readonly savepoint: StatementSync
  readonly release: StatementSync
  /** Newest event's `seq`. */
  readonly lastSeq: StatementSync
  readonly lastBody: StatementSync
  readonly archived: StatementSync
  readonly findPeople: StatementSync
  readonly addPerson: StatementSync
  readonly insert: StatementSync
  readonly insertMany: StatementSync
  /** Statements of callers' changes, by text; the one used longest ago is the first. */
  readonly changes: Map<string, StatementSync>
  /** Whether COMMIT waits for the disk. */
  synced: boolean
}

/** Opens the record for writing and prepares what a commit needs. Errors: environment. */
export async function openWriter(directory: string): Promise<Writer> {
  const db = await openRecord(directory)
  try {
    // Waiting for other processes is the group's own affair: SQLite's steps grow to 100 ms.
    db.exec("PRAGMA busy_timeout=0")
    // What a savepoint may have to undo stays in memory: no record passes through a temporary file.
    db.exec("PRAGMA temp_store=MEMORY")
    // A WAL that grew beside a long reader is cut to this when it starts over.
    db.exec(`PRAGMA journal_size_limit=${MAX_WAL}`)
    return {
      db,
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      savepoint: db.prepare("SAVEPOINT batch"),
      release: db.prepare("RELEASE batch"),
      lastSeq: db.prepare("SELECT seq FROM events ORDER BY seq DESC LIMIT 1"),
      lastBody: db.prepare("SELECT body FROM events ORDER BY seq DESC LIMIT 1"),
      archived: db.prepare("SELECT value FROM settings WHERE name = 'archived'"),
      findPeople: db.prepare(PEOPLE_SQL.sqlite.find),
      addPerson: db.prepare(PEOPLE_SQL.sqlite.add),
      insert: db.prepare("INSERT INTO events (seq, body) VALUES (?, ?)"),
      insertMany: db.prepare(`INSERT INTO events (seq, body) VALUES ${Array(ROWS).fill("(?, ?)").join(", ")}`),
      changes: new Map(),
      synced: true,
    }
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Whether commits wait for the disk from now on. One that does not is in the WAL when it returns, where no end of a process can
 * take it back; the WAL's order is kept in any case (https://www.sqlite.org/pragma.html#pragma_synchronous). Outside of transactions.
 */
export function syncEachCommit(writer: Writer, synced: boolean): void {
  if (writer.synced === synced) return
  writer.db.exec(`PRAGMA synchronous=${synced ? "FULL" : "NORMAL"}`)
  writer.synced = synced
}

/** Inserts bodies from sequence number `first` on. */
export function insertEvents(writer: Writer, first: number, bodies: readonly string[]): void {
  let at = 0
  for (; at + ROWS <= bodies.length; at += ROWS) {
    const values: (number | string)[] = []
    for (let i = at; i < at + ROWS; i++) values.push(first + i, bodies[i]!)
    writer.insertMany.run(...values)
  }
  for (; at < bodies.length; at++) writer.insert.run(first + at, bodies[at]!)
}

/** A caller's statement, prepared now or before. */
export function prepareChange(writer: Writer, sql: string): StatementSync {
  const { changes } = writer
  const statement = changes.get(sql) ?? writer.db.prepare(sql)
  changes.delete(sql)
  if (changes.size >= MAX_STATEMENTS) changes.delete(changes.keys().next().value!)
  changes.set(sql, statement)
  return statement
}
