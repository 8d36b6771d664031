// One transaction: a group of batches becomes durable. Whoever holds the log's lock is alone with the end of the log until the
// transaction has ended, on whatever machine the others are.
import type { Client, QueryResult } from "pg"
import { newPerson, PEOPLE_SQL } from "../../audit/sealing/people.ts"
import type { PersonCommitment } from "../../audit/types.ts"
import { NanoguardError } from "../../errors.ts"
import { Conflict } from "../conflict.ts"
import type { EngineOptions, Outcome, PendingBatch } from "../engine.ts"
import type { PeopleTable } from "../schema.ts"
import {
  type Commitments,
  clockBackEvent,
  forgetPeople,
  personalValuesOf,
  type SealedBatch,
  sealBatch,
  timeOfRecord,
} from "../sealing.ts"
import { CHANNEL, LOCKS, storable } from "./client.ts"
import { isExhausted, isLost, toStoreError } from "./errors.ts"
import type { Server } from "./url.ts"

/** What an attempt would have put where: after a lost connection it says whether it did. */
export interface Attempt {
  first: number
  bodies: string[]
  outcomes: Outcome[]
  /** Whether COMMIT was sent: from then on only the log knows. */
  committing: boolean
  /** Whether COMMIT is answered before the server's disk has it. */
  lax: boolean
}

export interface GroupOptions extends EngineOptions {
  server: Server
}

/** What is gathered while the batches of a group are written. */
interface Group {
  options: GroupOptions
  time: number
  commitments: Commitments
  /** Rows to insert before the next records. */
  people: PeopleTable[]
  /** How many of the attempt's bodies are inserted. */
  inserted: number
}

const BEGIN = `begin; select pg_advisory_xact_lock(${LOCKS.log});
  select coalesce(seq, (select value::bigint from nanoguard.settings where name = 'archived'), 0) as seq, body
  from (select 1) one left join (select seq, body from nanoguard.events order by seq desc limit 1) newest on true`

const END = `notify ${CHANNEL}; commit`

/** Nothing of these batches yet. */
export function newAttempt(batches: readonly PendingBatch[]): Attempt {
  const lax = batches.every((batch) => batch.lax)
  return { first: 0, bodies: [], outcomes: [], committing: false, lax }
}

/**
 * Writes the batches in one transaction; `attempt` is filled in on the way, with what became of each batch. Throws what the
 * connection throws; the transaction is still open then, unless the connection is gone.
 */
export async function writeGroup(
  client: Client,
  batches: readonly PendingBatch[],
  options: GroupOptions,
  attempt: Attempt,
): Promise<void> {
  const log = await begin(client)
  attempt.first = log.seq + 1
  const group: Group = { options, time: options.now(), commitments: new Map(), people: [], inserted: 0 }
  await findPeople(client, batches, group)
  const newest = log.body === null ? 0 : timeOfRecord(log.body)
  const back = batches.some(asksForTime) ? clockBackEvent(newest, group.time, options.gateway) : undefined
  if (back !== undefined) attempt.bodies.push(...sealBatch([back], options, group.commitments, group.time).bodies)
  for (const batch of batches) attempt.outcomes.push(await writeBatch(client, batch, group, attempt))
  await insertRows(client, group, attempt)
  attempt.committing = true
  const end = attempt.lax ? `set local synchronous_commit = off; ${END}` : END
  const ended = (await client.query(end)) as unknown as QueryResult[]
  // COMMIT of a transaction that had failed answers ROLLBACK, and that is no error to PostgreSQL.
  if (ended.at(-1)?.command === "COMMIT") return
  attempt.committing = false
  throw new Error("the transaction was rolled back")
}

const asksForTime = (batch: PendingBatch) => batch.events.some((event) => event.time === undefined)

/** Whether an attempt is in the log. Asked under the log's lock: what is not there now never will be. */
export async function isInLog(client: Client, { first, bodies }: Attempt): Promise<boolean> {
  await begin(client)
  const sql = "select body from nanoguard.events where seq >= $1 and seq < $2 order by seq"
  const { rows } = await client.query<{ body: string }>(sql, [first, first + bodies.length])
  await client.query("rollback")
  return rows.length === bodies.length && rows.every(({ body }, i) => body === bodies[i])
}

async function begin(client: Client): Promise<{ seq: number; body: string | null }> {
  const results = (await client.query(BEGIN)) as unknown as QueryResult<{ seq: number; body: string | null }>[]
  return results.at(-1)!.rows[0]!
}

/** The commitments that are kept of the group's personal values. */
async function findPeople(client: Client, batches: readonly PendingBatch[], group: Group): Promise<void> {
  const values = personalValuesOf(batches, group.options)
  if (values.length === 0) return
  const { rows } = await client.query<{ value: string; commitment: PersonCommitment }>(PEOPLE_SQL.postgres.find, [
    values.map((value) => storable(value)),
  ])
  for (const { value, commitment } of rows) group.commitments.set(value, commitment)
  // What PostgreSQL cannot hold as it is, is committed to as it is held.
  for (const value of values) {
    const held = storable(value)
    if (held === value) continue
    if (!group.commitments.has(held)) {
      const person = newPerson(held)
      group.people.push(person)
      group.commitments.set(held, person.commitment)
    }
    group.commitments.set(value, group.commitments.get(held)!)
  }
}

/** A batch whose event or change fails, or whose change affects another number of rows than it must, is undone alone. */
async function writeBatch(client: Client, batch: PendingBatch, group: Group, attempt: Attempt): Promise<Outcome> {
  let sealed: SealedBatch | undefined
  try {
    sealed = sealBatch(batch.events, group.options, group.commitments, group.time)
    if (batch.changes.length > 0) {
      // A change may read the records before it.
      await insertRows(client, group, attempt)
      await applyChanges(client, batch)
    }
  } catch (error) {
    if (sealed !== undefined) forgetPeople(sealed.people, group.commitments)
    if (error instanceof NanoguardError) return { refused: error }
    if (isLost(error) || isExhausted(error)) throw error
    return { refused: toStoreError(error, group.options.server) }
  }
  const first = attempt.first + attempt.bodies.length
  attempt.bodies.push(...sealed.bodies)
  group.people.push(...sealed.people)
  return { seqs: sealed.bodies.map((_, i) => first + i) }
}

async function applyChanges(client: Client, { changes }: PendingBatch): Promise<void> {
  await client.query("savepoint batch")
  try {
    for (const [i, { sql, parameters, expect }] of changes.entries()) {
      const values = parameters.map((value) => storable(value))
      const { rowCount } = await client.query(sql, values)
      if (expect !== undefined && rowCount !== expect) throw new Conflict(i, expect, rowCount ?? 0)
    }
    await client.query("release savepoint batch")
  } catch (error) {
    if (error instanceof Conflict || !isLost(error)) {
      await client.query("rollback to savepoint batch; release savepoint batch")
    }
    throw error
  }
}

async function insertRows(client: Client, group: Group, { first, bodies }: Attempt): Promise<void> {
  if (group.people.length > 0) {
    const sql = `insert into nanoguard.people (commitment, salt, value)
      select * from unnest($1::text[], $2::text[], $3::text[])`
    const columns = (["commitment", "salt", "value"] as const).map((name) => group.people.map((row) => row[name]))
    await client.query(sql, columns)
    group.people = []
  }
  if (bodies.length === group.inserted) return
  const sql = `insert into nanoguard.events (seq, body)
    select $1::bigint + place - 1, body from unnest($2::text[]) with ordinality as added (body, place)`
  await client.query(sql, [first + group.inserted, bodies.slice(group.inserted)])
  group.inserted = bodies.length
}
