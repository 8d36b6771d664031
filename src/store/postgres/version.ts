// Whether the database is of this program's version: asked by whoever opens it, without the machinery that migrates it.
import type { Client } from "pg"
import { newerSchema } from "../versions.ts"
import { oldSchema, toStoreError } from "./errors.ts"
import type { Server } from "./url.ts"

/** Names of the migrations that `postgresMigrations` has. */
export const POSTGRES_MIGRATIONS: readonly string[] = [
  "0001-record",
  "0002-postgres",
  "0003-approvals",
  "0004-actions",
  "0005-kills",
]

/** Throws `NanoguardError` (environment) where the schema is missing, closed to this role, older or newer than this program's. */
export async function checkSchema(client: Pick<Client, "query">, server: Server): Promise<void> {
  const made = await client.query<{ name: string }>("select name from nanoguard.kysely_migration").catch((error) => {
    throw toStoreError(error, server)
  })
  const names = made.rows.map(({ name }) => name)
  if (names.some((name) => !POSTGRES_MIGRATIONS.includes(name))) throw newerSchema(server.shown)
  if (POSTGRES_MIGRATIONS.some((name) => !names.includes(name))) throw oldSchema(server)
}
