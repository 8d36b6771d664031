// `nanoguard store migrate` on PostgreSQL: schema, roles, tables, guards and rights, made by the owner of the database.
import { type Kysely, sql } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import { createActionTables } from "../action-tables.ts"
import { createApprovalTables } from "../approval-tables.ts"
import { ensureIndexTables } from "../index-tables.ts"
import { createKillTable } from "../kill-table.ts"
import { createGuards, createRecordTables, type Migrations, migrateTo } from "../migrate.ts"
import type { Tables } from "../schema.ts"
import { LOCKS, openClient } from "./client.ts"
import { openDatabase } from "./connect.ts"
import { codeOf, toStoreError } from "./errors.ts"
import { ACTION_GUARDS, APPROVAL_GUARDS, GUARDS, INDEX_GUARDS, KILL_GUARDS, OPENS_PERSON } from "./guards.ts"
import { ensureRoles, grantRights } from "./roles.ts"
import type { Server } from "./url.ts"

export interface Migrated {
  /** Names of the migrations that were made now. */
  migrations: string[]
  /** Names of the roles that were made now. */
  roles: string[]
  /** Whether the derived tables were made anew. */
  index: boolean
}

/** The record's migrations as PostgreSQL has them, by name. */
export function postgresMigrations(): Migrations {
  return {
    "0001-record": { up: (db) => createRecordTables(db, "postgres") },
    "0002-postgres": { up: fitPostgres },
    "0003-approvals": {
      up: async (db) => {
        await createApprovalTables(db, "postgres")
        await createGuards(db, APPROVAL_GUARDS)
      },
    },
    "0004-actions": {
      up: async (db) => {
        await createActionTables(db, "postgres")
        await createGuards(db, ACTION_GUARDS)
      },
    },
    "0005-kills": {
      up: async (db) => {
        await createKillTable(db, "postgres")
        await createGuards(db, KILL_GUARDS)
      },
    },
  }
}

async function fitPostgres(db: Kysely<unknown>): Promise<void> {
  // A btree holds no value beyond 2,700 bytes; a note may be longer. The constraint is the same.
  await sql.raw("alter table nanoguard.people drop constraint if exists people_value_key").execute(db)
  await sql
    .raw("alter table nanoguard.people add constraint people_value exclude using hash (value with =)")
    .execute(db)
  // A record's own bound (`MAX_RECORD`), for whoever writes without sealing: each commit reads the newest body.
  await sql
    .raw("alter table nanoguard.events add constraint events_body check (octet_length(body) <= 262144)")
    .execute(db)
  await sql.raw(`alter table nanoguard.people add constraint people_opens check (${OPENS_PERSON})`).execute(db)
  await createGuards(db, GUARDS)
}

/**
 * Brings the database to this program's version: may be repeated, and several may run at once. Throws `NanoguardError`
 * (environment): unreachable, not permitted (with the SQL to run), or written by a newer version.
 */
export async function migratePostgres(server: Server): Promise<Migrated> {
  const client = await openClient(server, "migrate", { statement: 0, lock: 60_000 })
  try {
    await client.query(`select pg_advisory_lock(${LOCKS.migration})`)
    const roles = await ensureRoles(client)
    await client.query("create schema if not exists nanoguard")
    const made = await migrateTables(server)
    await client.query("begin")
    await grantRights(client)
    await client.query("commit")
    return { ...made, roles }
  } catch (error) {
    throw codeOf(error) === "42501" ? notOwner(error, server) : toStoreError(error, server)
  } finally {
    client.end().catch(() => {})
  }
}

function notOwner(error: unknown, server: Server): NanoguardError {
  return new NanoguardError(toStoreError(error, server).message, {
    exit: EXIT.environment,
    hint: "migrate with the address of the database's owner: only this command needs it",
    cause: error,
  })
}

async function migrateTables(server: Server): Promise<Omit<Migrated, "roles">> {
  const db = await openDatabase(server, "migrate", { statement: 0, lock: 60_000 })
  try {
    const migrations = await migrateTo(db, postgresMigrations(), server.shown)
    const index = await db.transaction().execute(async (transaction) => {
      const { value } = await transaction
        .selectFrom("settings")
        .select("value")
        .where("name", "=", "origin")
        .executeTakeFirstOrThrow()
      const made = await ensureIndexTables(transaction as Kysely<Tables>, "postgres", value)
      if (made) for (const guard of INDEX_GUARDS) await sql.raw(guard).execute(transaction)
      return made
    })
    return { migrations, index }
  } finally {
    await db.destroy()
  }
}
