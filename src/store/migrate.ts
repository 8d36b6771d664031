// The record's schema, version by version. A change is a new entry, never an edit.
import { randomBytes } from "node:crypto"
import { type Kysely, sql } from "kysely"
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration"
import { createActionTables } from "./action-tables.ts"
import { createApprovalTables } from "./approval-tables.ts"
import { createKillTable } from "./kill-table.ts"
import type { Tables } from "./schema.ts"
import { ACTION_GUARDS, APPROVAL_GUARDS, GUARDS, KILL_GUARDS } from "./sqlite/guards.ts"
import { newerSchema } from "./versions.ts"

export type Dialect = "sqlite" | "postgres"

/** By name, in the order of the names. */
export type Migrations = Readonly<Record<string, Migration>>

/** The record's migrations as SQLite has them, which numbers its versions by how many there are (`PRAGMA user_version`). */
export function recordMigrations(): Migrations {
  return {
    "0001-record": { up: (db) => createRecordTables(db, "sqlite") },
    "0002-guards": { up: (db) => createGuards(db, GUARDS) },
    "0003-approvals": {
      up: async (db) => {
        await createApprovalTables(db, "sqlite")
        await createGuards(db, APPROVAL_GUARDS)
      },
    },
    "0004-actions": {
      up: async (db) => {
        await createActionTables(db, "sqlite")
        await createGuards(db, ACTION_GUARDS)
      },
    },
    "0005-kills": {
      up: async (db) => {
        await createKillTable(db, "sqlite")
        await createGuards(db, KILL_GUARDS)
      },
    },
  }
}

/**
 * Brings a database to the newest version and returns the names of the migrations that it made. Takes no lock on SQLite: the
 * caller has begun a transaction. Throws `NanoguardError` (environment) for a schema that is newer than this program.
 */
export async function migrateTo(db: Kysely<Tables>, migrations: Migrations, place: string): Promise<string[]> {
  const provider: MigrationProvider = { getMigrations: async () => ({ ...migrations }) }
  const migrator = new Migrator({ db, provider })
  await refuseNewer(migrator, db, migrations, place)
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
  return results.map((result) => result.migrationName)
}

async function refuseNewer(
  migrator: Migrator,
  db: Kysely<Tables>,
  migrations: Migrations,
  place: string,
): Promise<void> {
  // getMigrations lists only what this program knows: one that was made and is not among them is from the future.
  const made = (await migrator.getMigrations()).some((migration) => migration.executedAt)
  if (!made) return
  const rows = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  if (rows.rows.some((row) => !(row.name in migrations))) throw newerSchema(place)
}

/** The tables of the first version. In PostgreSQL the connection's search_path says in which schema. */
export async function createRecordTables(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const sqlite = dialect === "sqlite"
  const int = sqlite ? "integer" : "bigint"
  const create = (name: string) => {
    const table = db.schema.createTable(name)
    return sqlite ? table.modifyEnd(sql`strict`) : table
  }
  await create("events")
    .addColumn("seq", int, (column) => column.primaryKey())
    .addColumn("body", "text", (column) => column.notNull())
    .execute()
  await create("people")
    .addColumn("commitment", "text", (column) => column.primaryKey().notNull())
    .addColumn("salt", "text", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull().unique())
    .execute()
  await create("checkpoints")
    .addColumn("size", int, (column) => column.primaryKey())
    .addColumn("root", "text", (column) => column.notNull())
    .addColumn("note", "text", (column) => column.notNull())
    .addColumn("time", int, (column) => column.notNull())
    .execute()
  await create("publications")
    .addColumn("anchor", "text", (column) => column.notNull())
    .addColumn("size", int, (column) => column.notNull())
    .addColumn("time", int, (column) => column.notNull())
    .addPrimaryKeyConstraint("publications_key", ["anchor", "size"])
    .execute()
  await create("settings")
    .addColumn("name", "text", (column) => column.primaryKey().notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .execute()
  // The log's name, for good: it is signed into every checkpoint, and outside places know the log by it.
  const origin = `nanoguard/${randomBytes(8).toString("hex")}`
  const settings = [
    { name: "origin", value: origin },
    { name: "archived", value: "0" },
  ]
  await (db as Kysely<Tables>).insertInto("settings").values(settings).execute()
}

/** Makes triggers and what they need, statement by statement. */
export async function createGuards(db: Kysely<unknown>, guards: readonly string[]): Promise<void> {
  for (const guard of guards) await sql.raw(guard).execute(db)
}
