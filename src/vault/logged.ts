// What the record says was changed of credentials: it has checkpoints outside, the rows of the credentials have none.
import { type Kysely, sql } from "kysely"
import { readBody } from "../audit/sealing/record-shape.ts"
import type { Tables } from "../store/schema.ts"

/** Events of a change; each names the credential, and the digest of what was signed. */
const CHANGES = ["credential.set", "credential.rotated", "credential.removed"] as const

/**
 * The digest of each credential's last change, by name. Goes by the index of the record as far as that reaches, and reads what is newer: once,
 * when a gate starts. Errors: environment (store).
 */
export async function lastLogged(db: Kysely<Tables>): Promise<ReadonlyMap<string, { last: string }>> {
  const types = sql.join(CHANGES.map((type) => sql.lit(type)))
  const newer = sql.join(
    CHANGES.map((type) => sql`body like ${sql.lit(`%"type":"${type}"%`)}`),
    sql` or `,
  )
  const reaches = sql`(select coalesce(max(cast(value as bigint)), 0) from derived where name = 'seq')`
  const { rows } = await sql<{ body: string }>`select body from (
      select seq, body from events where seq in (select seq from entries where type in (${types}))
      union select seq, body from events where seq > ${reaches} and (${newer})
    ) as changes order by seq`.execute(db)
  const last = new Map<string, { last: string }>()
  for (const { body } of rows) {
    const { type, detail } = readBody(body) ?? {}
    const { credential, change } = detail ?? {}
    // What an agent made looks like one at the most in its text.
    if (!CHANGES.some((one) => one === type) || typeof credential !== "string" || typeof change !== "string") continue
    last.set(credential, { last: change })
  }
  return last
}
