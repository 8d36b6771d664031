// The deriver's own connections: one to the record, which it only adds checkpoints to, and one to the index.
import { statSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { Kysely } from "kysely"
import type { StoreLocation } from "../../store/location.ts"
import type { Tables } from "../../store/schema.ts"
import type { Engine } from "./derive-sql.ts"

/** Bytes of a WAL after which its pages are brought into the database. */
const WAL_BYTES = 4 * 1024 * 1024

export interface Place {
  engine: Engine
  /** Has `events`, `settings`, `checkpoints`, `publications`. */
  record: Kysely<Tables>
  /** Has the derived tables. */
  index: Kysely<Tables>
  origin: string
  /** Makes durable what can be read of the record; absent where record and index are one database. */
  settle?: () => void
  /** Brings the pages of long WALs into their files, so that the committer never has to. */
  checkpointFiles(): void
  /** Puts a damaged index aside; the place is to be opened again. False where the error is another. */
  discardDamaged(error: unknown): boolean
  close(): Promise<void>
}

/** Opens the connections. Errors: environment. */
export async function openPlace(location: StoreLocation): Promise<Place> {
  return location.kind === "sqlite" ? openFiles(location.directory) : openPostgres(location.url)
}

async function openFiles(directory: string): Promise<Place> {
  const [
    { INDEX, RECORD, settleRecord },
    { sqliteDialect },
    { discardIndex, openIndex },
    { openRecord },
    { isDamage },
  ] = await Promise.all([
    import("../../store/sqlite/database.ts"),
    import("../../store/sqlite/dialect.ts"),
    import("../../store/sqlite/index-file.ts"),
    import("../../store/sqlite/record.ts"),
    import("../../store/sqlite/errors.ts"),
  ])
  const connection = await openRecord(directory)
  try {
    const file = join(directory, RECORD)
    const record = new Kysely<Tables>({ dialect: sqliteDialect(connection, file) })
    const origin = await readOrigin(record)
    const index = await openIndex(directory, origin)
    // Its commits would stop for it otherwise, with the lock of derivation held.
    index.connection.exec("PRAGMA wal_autocheckpoint=0")
    return {
      ...{ engine: "sqlite", record, index: index.db, origin },
      settle: () => settleRecord(directory),
      checkpointFiles() {
        checkpointWal(connection, file)
        checkpointWal(index.connection, join(directory, INDEX))
      },
      discardDamaged(error) {
        const [damage] = causesOf(error).filter(isDamage)
        if (damage === undefined) return false
        index.close()
        connection.close()
        discardIndex(directory)
        return true
      },
      async close() {
        if (index.connection.isOpen) index.close()
        if (connection.isOpen) connection.close()
      },
    }
  } catch (error) {
    connection.close()
    throw error
  }
}

async function openPostgres(url: string): Promise<Place> {
  const [{ openDatabase }, { parseServer }] = await Promise.all([
    import("../../store/postgres/connect.ts"),
    import("../../store/postgres/url.ts"),
  ])
  const db = await openDatabase(parseServer(url), "deriver")
  try {
    const origin = await readOrigin(db)
    return {
      ...{ engine: "postgres", record: db, index: db, origin },
      checkpointFiles: () => {},
      discardDamaged: () => false,
      close: () => db.destroy(),
    }
  } catch (error) {
    await db.destroy()
    throw error
  }
}

async function readOrigin(record: Kysely<Tables>): Promise<string> {
  const row = await record.selectFrom("settings").select("value").where("name", "=", "origin").executeTakeFirst()
  return row?.value ?? ""
}

/** An error and what it was made of. */
function causesOf(error: unknown): unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...causesOf(error.cause)] : [error]
}

/** PASSIVE waits for nobody and holds nobody up. Where commits never pause, the committer begins its WAL anew itself. */
function checkpointWal(connection: DatabaseSync, file: string): void {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  if (wal && wal.size >= WAL_BYTES) connection.exec("PRAGMA wal_checkpoint(PASSIVE)")
}
