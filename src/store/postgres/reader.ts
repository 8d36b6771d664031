// The record in PostgreSQL, opened for reading: by a member of any of nanoguard's roles.
import type { Reader } from "../types.ts"
import { openClient } from "./client.ts"
import { openDatabase } from "./connect.ts"
import { parseServer } from "./url.ts"
import { checkSchema } from "./version.ts"

/** Checks server, role and schema over one connection, then reads through a pool. Errors: configuration (address), environment. */
export async function openPostgresReader(url: string): Promise<Reader> {
  const server = parseServer(url)
  const client = await openClient(server, "reader")
  try {
    await checkSchema(client, server)
  } finally {
    client.end().catch(() => {})
  }
  const db = await openDatabase(server, "reader", { readOnly: true })
  return { kind: "postgres", db, location: server.shown, indexed: true, immutable: false, close: () => db.destroy() }
}
