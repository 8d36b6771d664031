// Derives what can be rebuilt (Merkle tiles, index rows) from what cannot (the log): in slices, each one transaction with the
// position that it reaches. So it may die at any point, run anywhere and twice at once, and the result is the same.
import { setImmediate } from "node:timers/promises"
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../errors.ts"
import type { Tables } from "../store/schema.ts"
import { emptyChanges, foldRow } from "./derive-fold.ts"
import { boundKnown, loadKnown, loadStanding, type Standing } from "./derive-load.ts"
import { type Engine, readDerived, readTile, run, writeChanges, writeDerived } from "./derive-sql.ts"
import { type IndexRow, indexRow } from "./index-rows.ts"
import { HASH_SIZE, hashLeaf, sameHash } from "./merkle.ts"
import { appendLeaves, TILE_WIDTH } from "./tiles.ts"

/** Records read at once. A record has at most 256 KiB. */
const PAGE = 256

/** UTF-16 units of bodies after which a slice ends, whatever its number of records. */
const MOST_TEXT = 8 * 1024 * 1024

/** Records of a slice: more at once are faster, fewer let others in sooner. */
export const SLICE = 2_048

/** Milliseconds until another try, where another process derives in PostgreSQL. */
const WAIT = 20

/** The advisory lock of derivation in PostgreSQL, beside those of `store/postgres/connect.ts`. */
const LOCK = "1851879023, 3"

/** A record as it is stored. */
export interface EventRow {
  seq: number
  body: string
}

/** Reads the records after a sequence number in order, at most `limit`; none means that there are no more. */
export type ReadEvents = (after: number, limit: number) => Promise<readonly EventRow[]>

/** From where to where is derived. */
export interface Derivation {
  engine: Engine
  /** Has `events` and `settings`. */
  source: Kysely<Tables>
  /** Has the derived tables: a connection of its own in SQLite, which has no other database attached and nothing else to do. */
  index: Kysely<Tables>
  /** Reads bodies that were archived: needed only where the index is built anew. */
  archived?: ReadEvents
}

/** Derivation under way, with what it remembers between slices. */
export interface Deriver {
  derivation: Derivation
  standing: Standing | undefined
}

/** What a slice did. */
export interface Slice {
  /** The last record that the index contained before, and contains now. */
  from: number
  to: number
  /** Another process is at it, in PostgreSQL. */
  busy: boolean
  /** Whether one of its records ends a run. */
  endsRun: boolean
}

/** The log lacks records, or is not the one that the index was derived from. Nothing may be built over that silently. */
export class LogMismatch extends NanoguardError {
  constructor(message: string) {
    super(message, {
      exit: EXIT.environment,
      hint: "run `nanoguard audit verify` and look at the outside checkpoints: records were removed or an old copy was put back; keep the files as they are, and continue in a new state directory or from a complete copy",
    })
    this.name = "LogMismatch"
  }
}

/** Starts derivation; nothing is read yet. */
export function createDeriver(derivation: Derivation): Deriver {
  return { derivation, standing: undefined }
}

/**
 * Derives all that is in the log now. Yields to the event loop between slices. Throws `LogMismatch` where the log is shorter than
 * the index or disagrees with it, and environment errors of the store.
 */
export async function deriveAll(derivation: Derivation, size = SLICE): Promise<{ from: number; to: number }> {
  const deriver = createDeriver(derivation)
  const end = await lastSeq(derivation.source)
  let from: number | undefined
  // Nothing to write needs no lock, so it works where this user may only read.
  const at = await readPosition(derivation.index)
  if (at >= end) {
    await checkIndex(derivation)
    return { from: at, to: at }
  }
  for (;;) {
    const slice = await deriveSlice(deriver, size)
    from ??= slice.from
    if (slice.to >= end && !slice.busy) return { from, to: slice.to }
    if (slice.busy) await new Promise((resolve) => setTimeout(resolve, WAIT))
    else await setImmediate()
  }
}

/** Throws `LogMismatch` where the log is shorter than its index, or its record there is another. Reads only. */
export async function checkIndex(derivation: Derivation): Promise<void> {
  await checkAgainstLog(derivation, derivation.index, await readPosition(derivation.index))
}

/** Derives the next records, at most `size`, in one transaction. Errors are those of `deriveAll`. */
export async function deriveSlice(deriver: Deriver, size = SLICE): Promise<Slice> {
  const { derivation } = deriver
  return derivation.index.connection().execute(async (db) => {
    // SQLite copies pages that a statement of many rows changes, into a file in /tmp unless told otherwise: a third of the time.
    if (derivation.engine === "sqlite" && !deriver.standing) await run(db, "pragma temp_store = memory")
    await run(db, derivation.engine === "sqlite" ? "begin immediate" : "begin")
    try {
      const slice = await deriveLocked(deriver, db, size)
      await run(db, "commit")
      return slice
    } catch (error) {
      // What was folded in memory may not be what is stored.
      deriver.standing = undefined
      await run(db, "rollback").catch(() => {})
      throw error
    }
  })
}

/** The last record that the index contains. */
export async function readPosition(index: Kysely<Tables>): Promise<number> {
  return Number((await readDerived(index, "seq")) ?? 0)
}

/** The last record of the log; 0 where there is none. */
export async function lastSeq(source: Kysely<Tables>): Promise<number> {
  const { rows } = await run<{ seq: number | null }>(source, `select max("seq") as "seq" from "events"`)
  return Math.max(Number(rows[0]?.seq ?? 0), await archivedSeq(source))
}

/** The last record whose body is archived; 0 where none is. */
async function archivedSeq(source: Kysely<Tables>): Promise<number> {
  const { rows } = await run<{ value: string }>(source, `select "value" from "settings" where "name" = 'archived'`)
  return Number(rows[0]?.value ?? 0)
}

async function deriveLocked(deriver: Deriver, db: Kysely<Tables>, size: number): Promise<Slice> {
  const { derivation } = deriver
  const { engine } = derivation
  const at = await readPosition(db)
  const slice: Slice = { from: at, to: at, busy: false, endsRun: false }
  if (engine === "postgres" && !(await tryLock(db))) return { ...slice, busy: true }
  // In PostgreSQL the position may be newer than what was read before the lock.
  const seq = engine === "postgres" ? await readPosition(db) : at
  if (deriver.standing?.seq !== seq) deriver.standing = await resume(derivation, db, seq)
  const { edge, known } = deriver.standing
  const events = await readSlice(derivation, seq, size)
  const last = events.at(-1)?.seq
  if (last === undefined) return { ...slice, from: seq, to: seq }
  const rows: IndexRow[] = events.map(({ seq, body }) => indexRow(seq, body))
  const grown = appendLeaves(edge, leavesOf(events))
  const changes = emptyChanges()
  await loadKnown(db, engine, known, rows)
  for (const row of rows) foldRow(known, changes, row)
  await writeChanges(db, engine, changes, grown.changed)
  await writeDerived(db, engine, "seq", String(last))
  deriver.standing = { seq: last, edge: grown.edge, known: boundKnown(known) }
  return { ...slice, from: seq, to: last, endsRun: rows.some(({ type }) => type === "sandbox.ended") }
}

async function tryLock(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await run<{ locked: boolean }>(db, `select pg_try_advisory_xact_lock(${LOCK}) as "locked"`)
  return rows[0]?.locked === true
}

/** Where the index stands, once it is sure that it is this log's. */
async function resume(derivation: Derivation, db: Kysely<Tables>, seq: number): Promise<Standing> {
  await checkAgainstLog(derivation, db, seq)
  return loadStanding(db, derivation.engine, seq)
}

/** Throws `LogMismatch` where the log ends before the index does, or where its record there is another. */
async function checkAgainstLog({ engine, source }: Derivation, db: Kysely<Tables>, seq: number): Promise<void> {
  if (seq === 0) return
  const end = await lastSeq(source)
  if (end < seq) throw new LogMismatch(`the log ends with record ${end}, and its index knows of ${seq}`)
  const { rows } = await run<EventRow>(source, `select "seq", "body" from "events" where "seq" = ${seq}`)
  if (rows[0] === undefined) {
    if (seq <= (await archivedSeq(source))) return
    throw new LogMismatch(`the log lacks record ${seq}`)
  }
  const at = (seq - 1) % TILE_WIDTH
  const tile = await readTile(db, engine, 0, Math.floor((seq - 1) / TILE_WIDTH))
  const leaf = tile?.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE)
  if (leaf === undefined || !sameHash(hashLeaf(rows[0].body), leaf))
    throw new LogMismatch(`record ${seq} of the log is not the one that its index was derived from`)
}

/** The next records, at most `size` and no more than fit in memory. Throws `LogMismatch` where one is missing. */
async function readSlice(derivation: Derivation, after: number, size: number): Promise<EventRow[]> {
  const events: EventRow[] = []
  let text = 0
  while (events.length < size && text < MOST_TEXT) {
    const seq = after + events.length
    const limit = Math.min(PAGE, size - events.length)
    const page = await readPage(derivation, seq, limit)
    for (const [i, row] of page.entries()) {
      if (Number(row.seq) !== seq + i + 1) throw new LogMismatch(`the log lacks record ${seq + i + 1}`)
      events.push({ seq: seq + i + 1, body: row.body })
      text += row.body.length
    }
    if (page.length < limit) break
  }
  return events
}

async function readPage({ engine, source, archived }: Derivation, after: number, limit: number) {
  const [a, b] = engine === "sqlite" ? ["?", "?"] : ["$1", "$2"]
  const sql = `select "seq", "body" from "events" where "seq" > ${a} order by "seq" limit ${b}`
  const { rows } = await run<EventRow>(source, sql, [after, limit])
  if (Number(rows[0]?.seq) === after + 1) return rows
  const gone = await archivedSeq(source)
  if (after >= gone) return rows
  if (archived !== undefined) return archived(after, Math.min(limit, gone - after))
  throw new NanoguardError(`the index has to be built anew, and the records up to ${gone} are archived`, {
    exit: EXIT.environment,
    hint: "put back the file index.db from a backup, or name the archive with --archive",
  })
}

/** Concatenated leaf hashes. */
function leavesOf(events: readonly EventRow[]): Uint8Array {
  const leaves = Buffer.allocUnsafe(events.length * HASH_SIZE)
  for (const [i, { body }] of events.entries()) leaves.set(hashLeaf(body), i * HASH_SIZE)
  return leaves
}
