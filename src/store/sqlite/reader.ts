// The files of a state directory, opened for reading only: beside gateways that write, or where nobody can write at all.
import { accessSync, constants, lstatSync, type Stats, statSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import { createTables, INDEX_VERSION } from "../index-tables.ts"
import type { Tables } from "../schema.ts"
import type { Reader } from "../types.ts"
import { newerSchema, RECORD_VERSION } from "../versions.ts"
import { fileUri, INDEX, numberOf, openForReading, RECORD } from "./database.ts"
import { sqliteDialect } from "./dialect.ts"
import { sqliteCode, storeError, withStoreErrors } from "./errors.ts"
import { requirePlain } from "./files.ts"

/** Opens record.db, and index.db beside it where there is one of this version; else empty derived tables. Errors: environment. */
export async function openFilesForReading(directory: string): Promise<Reader> {
  const file = join(directory, RECORD)
  requireFile(file, directory)
  const { connection, immutable } = openShared(file)
  try {
    withStoreErrors(file, () => requireVersion(connection, file, directory))
    const db = new Kysely<Tables>({ dialect: sqliteDialect(connection, file) })
    const indexed = withStoreErrors(file, () => attachIndex(connection, join(directory, INDEX), immutable))
    if (!indexed) await attachEmptyIndex(connection, db)
    const close = async () => connection.close()
    return { kind: "sqlite", db, directory, location: directory, indexed, immutable, close }
  } catch (error) {
    connection.close()
    throw storeError(error, file)
  }
}

function openShared(file: string): { connection: DatabaseSync; immutable: boolean } {
  try {
    return { connection: openForReading(file, false), immutable: false }
  } catch (error) {
    // SQLite wants to make the files that readers and writers share, and cannot. With a WAL the file alone is an old state.
    if (sqliteCode(error) === undefined || isWritable(file)) throw error
    if (sizeOf(`${file}-wal`) > 0) throw unfinished(file, error)
    return { connection: openForReading(file, true), immutable: true }
  }
}

/** Whether the index was there, whole enough to read, and of this version and this log. */
function attachIndex(db: DatabaseSync, file: string, immutable: boolean): boolean {
  if (sizeOf(file) === 0) return false
  try {
    db.prepare("ATTACH ? AS idx").run(fileUri(file, immutable && sizeOf(`${file}-wal`) === 0))
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    return false
  }
  if (isCurrentIndex(db)) return true
  db.exec("DETACH idx")
  return false
}

function isCurrentIndex(db: DatabaseSync): boolean {
  try {
    const rows = db.prepare("SELECT name, value FROM idx.derived").all()
    const values = new Map(rows.map((row) => [row["name"], row["value"]]))
    const origin = db.prepare("SELECT value FROM main.settings WHERE name = 'origin'").get()
    return values.get("version") === String(INDEX_VERSION) && values.get("origin") === origin?.["value"]
  } catch {
    return false
  }
}

async function attachEmptyIndex(connection: DatabaseSync, db: Kysely<Tables>): Promise<void> {
  // A database in memory of this connection alone; ":memory:" would be as read-only as the record.
  connection.exec("ATTACH 'file:empty?mode=memory' AS idx")
  await createTables(db.withSchema("idx"), "sqlite")
}

function requireVersion(db: DatabaseSync, file: string, directory: string): void {
  const version = numberOf(db, "user_version")
  if (version > RECORD_VERSION) throw newerSchema(file)
  if (version === RECORD_VERSION) return
  if (version === 0 && numberOf(db, "schema_version") === 0) throw noRecord(directory)
  throw new NanoguardError("the store is of an older version of nanoguard, or of another program", {
    exit: EXIT.environment,
    hint: "start a gateway once: whatever writes the record brings it to this version",
    where: { file },
  })
}

function requireFile(file: string, directory: string): void {
  let stats: Stats
  try {
    stats = lstatSync(file)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "ENOENT" || code === "ENOTDIR") throw noRecord(directory)
    throw new NanoguardError("the store cannot be read: its directory is closed to this user", {
      exit: EXIT.environment,
      hint: "run as the user who runs the gateway",
      where: { file },
      cause: error,
    })
  }
  requirePlain(file, stats)
}

function noRecord(directory: string): NanoguardError {
  return new NanoguardError("there is no record here yet", {
    exit: EXIT.environment,
    hint: "it begins with `nanoguard approver add <name>` or the first gateway; NANOGUARD_HOME or NANOGUARD_STORE says where another one is",
    where: { file: directory },
  })
}

function unfinished(file: string, cause: unknown): NanoguardError {
  return new NanoguardError("the store cannot be read here: part of it is still in its write-ahead log", {
    exit: EXIT.environment,
    hint: "copy the whole directory to a place that can be written, and read it there",
    where: { file },
    cause,
  })
}

function isWritable(file: string): boolean {
  try {
    accessSync(join(file, ".."), constants.W_OK)
    return true
  } catch {
    return false
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
