// Is the log in the database at least as long as it is known to have been? A restored backup, a failover to a server that had
// not received everything, or an owner who deleted rows all show here.
import type { Client } from "pg"
import { checkLength, type Lengths } from "../lengths.ts"
import type { Server } from "./url.ts"

const LENGTHS = `select
  greatest((select coalesce(max(seq), 0) from nanoguard.events), archived.value::bigint) as log,
  (select coalesce(max(size), 0) from nanoguard.checkpoints) as checkpoint,
  coalesce((select value::bigint from nanoguard.derived where name = 'seq'), 0) as index,
  (select value from nanoguard.derived where name = 'origin') as "indexOrigin",
  origin.value as origin
  from nanoguard.settings archived, nanoguard.settings origin
  where archived.name = 'archived' and origin.name = 'origin'`

/**
 * Throws `NanoguardError` (environment) where the log is shorter than its newest checkpoint, than what was derived from it, or than
 * `acknowledged`, the last record that this process was told is durable.
 */
export async function checkDatabaseLength(client: Client, server: Server, acknowledged: number): Promise<void> {
  const { rows } = await client.query<Omit<Lengths, "indexOrigin"> & { indexOrigin: string | null }>(LENGTHS)
  const { indexOrigin, ...lengths } = rows[0]!
  const index = Math.max(lengths.index, acknowledged)
  checkLength({ ...lengths, index, ...(indexOrigin !== null && { indexOrigin }) }, server.shown)
}
