// Reading records back: chosen through the derived index, their bodies from the log, in pages, so that memory stays bounded.
import type { Kysely } from "kysely"
import type { Effect } from "../../policy/types.ts"
import type { Tables } from "../../store/schema.ts"
import { indexText } from "../derive/index-rows.ts"
import { readBody } from "../sealing/record-shape.ts"
import type { EventKind, LogRecord, Outcome } from "../types.ts"

/** Which records; members that are absent choose nothing. */
export interface RecordFilter {
  /** First and last sequence number, both included. */
  fromSeq?: number | undefined
  toSeq?: number | undefined
  /** Milliseconds since the epoch, both included. */
  since?: number | undefined
  until?: number | undefined
  agent?: string | undefined
  run?: string | undefined
  kind?: EventKind | undefined
  type?: string | undefined
  effect?: Effect | undefined
  outcome?: Outcome | undefined
  /** At most so many. */
  limit?: number | undefined
  /** From the end of the log backwards. */
  newestFirst?: boolean | undefined
}

/** A record as it lies in the log. */
export interface StoredRecord {
  seq: number
  /** The canonical text, byte for byte. */
  body: string
  /** Undefined where the body cannot be read as a record: it was altered, or a newer nanoguard wrote it. */
  record: LogRecord | undefined
}

/** Bodies that are in memory at once; each has at most 256 KiB. */
const PAGE = 64

const FIELDS = ["agent", "run", "kind", "type", "effect", "outcome"] as const

/**
 * The records that a filter chooses, by sequence number. Only what is derived can be filtered by more than sequence numbers: call
 * `deriveAll` first where the newest records count. Bodies that were archived are left out.
 */
export async function* readRecords(db: Kysely<Tables>, filter: RecordFilter = {}): AsyncGenerator<StoredRecord, void> {
  const archived = await readArchived(db)
  const range = { from: Math.max(filter.fromSeq ?? 1, archived + 1), to: filter.toSeq ?? Number.MAX_SAFE_INTEGER }
  let left = filter.limit ?? Number.POSITIVE_INFINITY
  while (left > 0 && range.from <= range.to) {
    const size = Math.min(PAGE, left)
    const seqs = usesIndex(filter) ? await findSeqs(db, filter, range, size) : undefined
    if (seqs?.length === 0) return
    const rows = await readBodies(db, filter, range, size, seqs)
    for (const { seq, body } of rows) yield { seq, body, record: readBody(body) }
    const last = seqs === undefined ? rows.at(-1)?.seq : seqs.at(-1)
    if (last === undefined || (seqs ?? rows).length < size) return
    left -= rows.length
    if (filter.newestFirst) range.to = last - 1
    else range.from = last + 1
  }
}

/** The last `count` records that a filter chooses, oldest first. */
export async function readLast(db: Kysely<Tables>, filter: RecordFilter, count: number): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for await (const record of readRecords(db, { ...filter, limit: count, newestFirst: true })) found.push(record)
  return found.reverse()
}

/** Whether a filter chooses a record: what `readRecords` asks the index, asked of the record itself. */
export function matchesFilter(filter: RecordFilter, { seq, record }: StoredRecord): boolean {
  if (seq < (filter.fromSeq ?? 0) || seq > (filter.toSeq ?? Number.MAX_SAFE_INTEGER)) return false
  if (record === undefined) return !usesIndex(filter)
  const time = Date.parse(record.time)
  if (filter.since !== undefined && !(time >= filter.since)) return false
  if (filter.until !== undefined && !(time <= filter.until)) return false
  const values = { ...record, effect: record.verdict?.effect }
  return FIELDS.every((field) => filter[field] === undefined || filter[field] === values[field])
}

function usesIndex(filter: RecordFilter): boolean {
  return filter.since !== undefined || filter.until !== undefined || FIELDS.some((field) => filter[field] !== undefined)
}

/** How many decisions that a filter chooses have their bodies in an archive: their rows in the index are still here. */
export async function countArchivedDecisions(db: Kysely<Tables>, filter: RecordFilter): Promise<number> {
  const range = {
    from: filter.fromSeq ?? 1,
    to: Math.min(filter.toSeq ?? Number.MAX_SAFE_INTEGER, await readArchived(db)),
  }
  const query = chooseEntries(db, filter, range).where("type", "like", "%.decided")
  const row = await query.select(({ fn }) => fn.countAll<number>().as("count")).executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** The last record whose body is archived; 0 where none is. */
export async function readArchived(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom("settings").select("value").where("name", "=", "archived").executeTakeFirst()
  return Number(row?.value ?? 0)
}

interface SeqRange {
  from: number
  to: number
}

async function findSeqs(
  db: Kysely<Tables>,
  filter: RecordFilter,
  range: SeqRange,
  limit: number,
): Promise<readonly number[]> {
  const rows = await chooseEntries(db, filter, range)
    .select("seq")
    .orderBy("seq", filter.newestFirst ? "desc" : "asc")
    .limit(limit)
    .execute()
  return rows.map(({ seq }) => seq)
}

function chooseEntries(db: Kysely<Tables>, filter: RecordFilter, range: SeqRange) {
  let query = db.selectFrom("entries").where("seq", ">=", range.from).where("seq", "<=", range.to)
  if (filter.since !== undefined) query = query.where("time", ">=", filter.since)
  if (filter.until !== undefined) query = query.where("time", "<=", filter.until)
  for (const field of FIELDS) {
    const value = filter[field]
    if (value !== undefined) query = query.where(field, "=", indexText(value))
  }
  // The index of runs leaves out what has none, and is used only where that is said.
  return filter.run ? query.where("run", "<>", "") : query
}

function readBodies(
  db: Kysely<Tables>,
  filter: RecordFilter,
  range: SeqRange,
  limit: number,
  seqs: readonly number[] | undefined,
): Promise<{ seq: number; body: string }[]> {
  const query = db
    .selectFrom("events")
    .select(["seq", "body"])
    .orderBy("seq", filter.newestFirst ? "desc" : "asc")
  if (seqs !== undefined) return query.where("seq", "in", seqs).execute()
  return query.where("seq", ">=", range.from).where("seq", "<=", range.to).limit(limit).execute()
}
