// Making a store, or bringing one to this program's version, without writing anything to the log.
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import type { Context } from "../context.ts"
import { storeLocation } from "./location.ts"

export interface Prepared {
  kind: "sqlite" | "postgres"
  /** A directory, or an address without its password. */
  location: string
  /** Names of the migrations that were made now. */
  migrations: string[]
  /** PostgreSQL: names of the group roles that were made now. */
  roles: string[]
  /** Whether the derived tables were made anew: they fill with the next derivation. */
  index: boolean
}

/**
 * Creates or upgrades the record's and the derived tables, and in PostgreSQL the roles: there by the owner of the database. May be
 * repeated. Errors: configuration (address), environment (unreachable, not permitted, of a newer version).
 */
export async function prepareStore(ctx: Pick<Context, "env">): Promise<Prepared> {
  const location = storeLocation(ctx)
  if (location.kind === "sqlite") return prepareFiles(location.directory)
  const [{ migratePostgres }, { parseServer }] = await Promise.all([
    import("./postgres/migrate.ts"),
    import("./postgres/url.ts"),
  ])
  const server = parseServer(location.url)
  return { kind: "postgres", location: server.shown, ...(await migratePostgres(server)) }
}

async function prepareFiles(directory: string): Promise<Prepared> {
  const [{ hasRecord, numberOf, openForReading, RECORD }, { openIndex }, { openRecord }, { recordMigrations }] =
    await Promise.all([
      import("./sqlite/database.ts"),
      import("./sqlite/index-file.ts"),
      import("./sqlite/record.ts"),
      import("./migrate.ts"),
    ])
  const file = join(directory, RECORD)
  const names = Object.keys(recordMigrations())
  const before = hasRecord(directory) ? readWith(openForReading(file, false), (db) => numberOf(db, "user_version")) : 0
  // A record that is of this version is not opened for writing: closing it would tidy up what a crash left to be found.
  if (before !== names.length) (await openRecord(directory)).close()
  const origin = readWith(openForReading(file, false), (db) =>
    String(db.prepare("SELECT value FROM settings WHERE name = 'origin'").get()?.["value"]),
  )
  const index = await openIndex(directory, origin)
  index.close()
  return { kind: "sqlite", location: directory, migrations: names.slice(before), roles: [], index: index.fresh }
}

function readWith<T>(db: DatabaseSync, read: (db: DatabaseSync) => T): T {
  try {
    return read(db)
  } finally {
    db.close()
  }
}
