// record.db, ready to be written: of this program's version, its migrations made once whoever comes first.
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import type { Tables } from "../schema.ts"
import { newerSchema, RECORD_VERSION } from "../versions.ts"
import { numberOf, openForWriting, RECORD } from "./database.ts"
import { storeError, withStoreErrors } from "./errors.ts"

/**
 * A writing connection to the record of a state directory; makes directory, file, tables and the log's `origin` where they
 * are missing. Any number of processes may do so at once. Errors: environment.
 */
export async function openRecord(directory: string): Promise<DatabaseSync> {
  const file = join(directory, RECORD)
  const db = openForWriting(directory, RECORD)
  try {
    // Only the first process, and the first of a newer version, loads the machinery for it.
    if (withStoreErrors(file, () => numberOf(db, "user_version")) !== RECORD_VERSION) await migrateRecord(db, file)
    return db
  } catch (error) {
    db.close()
    throw storeError(error, file)
  }
}

async function migrateRecord(db: DatabaseSync, file: string): Promise<void> {
  const [{ Kysely }, { migrateTo, recordMigrations }, { sqliteDialect }] = await Promise.all([
    import("kysely"),
    import("../migrate.ts"),
    import("./dialect.ts"),
  ])
  if (numberOf(db, "user_version") > RECORD_VERSION) throw newerSchema(file)
  // Not destroyed: that would close the connection.
  const kysely = new Kysely<Tables>({ dialect: sqliteDialect(db, file) })
  db.exec("BEGIN IMMEDIATE")
  try {
    await migrateTo(kysely, recordMigrations(), file)
    db.exec(`PRAGMA user_version=${RECORD_VERSION}; COMMIT`)
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK")
    throw error
  }
}
