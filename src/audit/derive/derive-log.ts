// What derivation reads of the log, and what must hold between the log and its index before anything is added.
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import { HASH_SIZE, hashLeaf, sameHash } from "../tree/merkle.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"
import { type Engine, readDerived, readTile, run } from "./derive-sql.ts"

/** Records read at once. A record has at most 256 KiB. */
const PAGE = 256

/** UTF-16 units of bodies after which a slice ends, whatever its number of records. */
const MOST_TEXT = 8 * 1024 * 1024

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
  /**
   * Makes durable what can be read of `source`: called for each slice before the index takes it in, which must never know of records
   * that a power cut takes from the log. Absent where both are one database.
   */
  settle?: () => void
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

/** Throws `LogMismatch` where the log is shorter than its index, or its record there is another. Reads only. */
export async function checkIndex(derivation: Derivation): Promise<void> {
  await checkAgainstLog(derivation, derivation.index, await readPosition(derivation.index))
}

/** Throws `LogMismatch` where the log ends before the index does, or where its record there is another. */
export async function checkAgainstLog({ engine, source }: Derivation, db: Kysely<Tables>, seq: number): Promise<void> {
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
export async function readSlice(derivation: Derivation, after: number, size: number): Promise<EventRow[]> {
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
    hint: "run `nanoguard store derive --archive <directory>`, or put back the file index.db from a backup",
  })
}
