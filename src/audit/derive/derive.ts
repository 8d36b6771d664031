// Derives what can be rebuilt (Merkle tiles, index rows) from what cannot (the log): in slices, each one transaction with the
// position that it reaches. So it may die at any point, run anywhere and twice at once, and the result is the same.
import { setImmediate, setTimeout } from "node:timers/promises"
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import { SQLITE, sqliteCode } from "../../store/sqlite/errors.ts"
import { HASH_SIZE, hashLeaf } from "../tree/merkle.ts"
import { appendLeaves } from "../tree/tiles.ts"
import { emptyChanges, foldRow } from "./derive-fold.ts"
import { boundKnown, loadKnown, loadStanding, type Standing } from "./derive-load.ts"
import {
  checkAgainstLog,
  checkIndex,
  type Derivation,
  type EventRow,
  lastSeq,
  readPosition,
  readSlice,
} from "./derive-log.ts"
import { run, writeChanges, writeDerived } from "./derive-sql.ts"
import { type IndexRow, indexRow } from "./index-rows.ts"

export { checkIndex, type Derivation, LogMismatch, lastSeq, readPosition } from "./derive-log.ts"

/** Records of a slice: more at once are faster, fewer let others in sooner. */
const SLICE = 4_096

/** Milliseconds until another try where another process derives, and until it counts as stuck. */
const WAIT = 20
const STUCK = 15_000

/** Milliseconds that SQLite itself waits for that, with this thread. */
const LOCK_WAIT = 100

/** The advisory lock of derivation in PostgreSQL, beside those of `store/postgres/connect.ts`. */
const LOCK = "1851879023, 3"

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
  /** Another process is at it. */
  busy: boolean
  /** Whether one of its records ends a run. */
  endsRun: boolean
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
  const end = await lastSeq(derivation.source)
  const from = await readPosition(derivation.index)
  if (from < end) return { from, to: await deriveTo(createDeriver(derivation), end, size) }
  // Nothing to write needs no lock, so it works where this user may only read.
  await checkIndex(derivation)
  return { from, to: from }
}

/**
 * Derives at least up to `end`, by itself or by whoever else is at it, and resolves with the position; `after` is called between
 * slices. Errors are those of `deriveAll`, and one where another process holds the index for 15 s without going on.
 */
export async function deriveTo(
  deriver: Deriver,
  end: number,
  size: number,
  after?: (slice: Slice) => Promise<void>,
): Promise<number> {
  let reached = await readPosition(deriver.derivation.index)
  let moved = performance.now()
  while (reached < end) {
    const slice = await deriveSlice(deriver, size)
    if (slice.to > reached) moved = performance.now()
    else if (performance.now() - moved > STUCK) throw stuck()
    reached = slice.to
    await after?.(slice)
    await (slice.busy ? setTimeout(WAIT) : setImmediate())
  }
  return reached
}

/** Derives the next records, at most `size`, in one transaction. Errors are those of `deriveAll`. */
export async function deriveSlice(deriver: Deriver, size = SLICE): Promise<Slice> {
  const { derivation } = deriver
  return derivation.index.connection().execute(async (db) => {
    if (!(await begin(deriver, db))) {
      const at = await readPosition(db)
      return { from: at, to: at, busy: true, endsRun: false }
    }
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

/** Begins a transaction that no other deriver is in; false where one is. */
async function begin({ derivation, standing }: Deriver, db: Kysely<Tables>): Promise<boolean> {
  if (derivation.engine === "postgres") {
    await run(db, "begin")
    const { rows } = await run<{ locked: boolean }>(db, `select pg_try_advisory_xact_lock(${LOCK}) as "locked"`)
    if (rows[0]?.locked === true) return true
    await run(db, "rollback")
    return false
  }
  if (standing === undefined) {
    await run(db, `pragma busy_timeout = ${LOCK_WAIT}`)
    // SQLite copies pages that a statement of many rows changes, into a file in /tmp unless told otherwise: a third of the time.
    await run(db, "pragma temp_store = memory")
    // 16 MiB: the pages that a slice changes, which are all over the index.
    await run(db, "pragma cache_size = -16000")
  }
  try {
    await run(db, "begin immediate")
    return true
  } catch (error) {
    if (error instanceof Error && (sqliteCode(error) ?? sqliteCode(error.cause)) === SQLITE.BUSY) return false
    throw error
  }
}

function stuck(): NanoguardError {
  return new NanoguardError("another process holds the index and does not go on", {
    exit: EXIT.environment,
    hint: "look for a gateway that is stopped or hangs, end it, and try again",
  })
}

async function deriveLocked(deriver: Deriver, db: Kysely<Tables>, size: number): Promise<Slice> {
  const { derivation } = deriver
  const { engine } = derivation
  const seq = await readPosition(db)
  if (deriver.standing?.seq !== seq) deriver.standing = await resume(derivation, db, seq)
  const { edge, known } = deriver.standing
  const events = await readSlice(derivation, seq, size)
  const last = events.at(-1)?.seq
  if (last === undefined) return { from: seq, to: seq, busy: false, endsRun: false }
  derivation.settle?.()
  const rows: IndexRow[] = events.map(({ seq, body }) => indexRow(seq, body))
  const grown = appendLeaves(edge, leavesOf(events))
  const changes = emptyChanges()
  await loadKnown(db, engine, known, rows)
  for (const row of rows) foldRow(known, changes, row)
  await writeChanges(db, engine, changes, grown.changed)
  await writeDerived(db, engine, "seq", String(last))
  deriver.standing = { seq: last, edge: grown.edge, known: boundKnown(known) }
  return { from: seq, to: last, busy: false, endsRun: rows.some(({ type }) => type === "sandbox.ended") }
}

/** Where the index stands, once it is sure that it is this log's. */
async function resume(derivation: Derivation, db: Kysely<Tables>, seq: number): Promise<Standing> {
  await checkAgainstLog(derivation, db, seq)
  return loadStanding(db, derivation.engine, seq)
}

/** Concatenated leaf hashes. */
function leavesOf(events: readonly EventRow[]): Uint8Array {
  const leaves = Buffer.allocUnsafe(events.length * HASH_SIZE)
  for (const [i, { body }] of events.entries()) leaves.set(hashLeaf(body), i * HASH_SIZE)
  return leaves
}
