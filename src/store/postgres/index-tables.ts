// The derived tables in PostgreSQL, for whoever derives: beside a gateway, or a command before it reads.
import { type Kysely, sql } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import { INDEX_VERSION } from "../index-tables.ts"
import type { Tables } from "../schema.ts"
import { openClient } from "./client.ts"
import { openDatabase } from "./connect.ts"
import { parseServer, type Server } from "./url.ts"
import { checkSchema } from "./version.ts"

export interface PostgresIndex {
  /** Log and derived tables, for reading and deriving; several connections. */
  readonly db: Kysely<Tables>
  /** Whether this role may derive: a reader sees what others derived. */
  readonly mayDerive: boolean
  close(): Promise<void>
}

/**
 * Opens log and derived tables for deriving. The tables themselves are the owner's: where they are of another version, the error
 * (environment) says to migrate. Errors: configuration (address), environment.
 */
export async function openPostgresIndex(url: string): Promise<PostgresIndex> {
  const server = parseServer(url)
  const client = await openClient(server, "deriver")
  try {
    await checkSchema(client, server)
  } finally {
    client.end().catch(() => {})
  }
  const db = await openDatabase(server, "deriver")
  try {
    await requireVersion(db, server)
    const { rows } = await sql<{ may: boolean }>`
      select has_table_privilege('nanoguard.derived', 'INSERT') and has_table_privilege('nanoguard.tiles', 'INSERT') as may
    `.execute(db)
    return { db, mayDerive: rows[0]?.may === true, close: () => db.destroy() }
  } catch (error) {
    await db.destroy()
    throw error
  }
}

async function requireVersion(db: Kysely<Tables>, server: Server): Promise<void> {
  const rows = await db.selectFrom("derived").selectAll().execute()
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const version = Number(values.get("version"))
  if (version === INDEX_VERSION) return
  const older = !(version > INDEX_VERSION)
  throw new NanoguardError(
    `PostgreSQL at ${server.shown} holds an index of ${older ? "an older" : "a newer"} version`,
    {
      exit: EXIT.environment,
      hint: older ? "run `nanoguard store migrate` as the owner of the database" : "update nanoguard on this machine",
    },
  )
}
