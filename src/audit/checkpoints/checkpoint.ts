// Takes checkpoints: when one is due, and what must hold before the log signs it.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { sameHash, type TreeHead, verifyConsistency } from "../tree/merkle.ts"
import { loadConsistency, loadRoot } from "../tree/tile-table.ts"
import type { Checkpoint } from "../types.ts"
import { parseCheckpoint, signCheckpoint } from "./checkpoint-text.ts"
import type { Signer } from "./note.ts"
import { SplitView } from "./split-view.ts"

/** After how many records a checkpoint is due, however little time has passed. */
const CHECKPOINT_RECORDS = 4096

/** After how many milliseconds one is due, where anything is new. */
const CHECKPOINT_MS = 10_000

interface Due {
  /** Records that are derived. */
  size: number
  /** The newest checkpoint; undefined where there is none. */
  last: { size: number; time: number } | undefined
  /** Milliseconds since the epoch. */
  now: number
  everyRecords?: number
  everyMs?: number
}

/** Whether a checkpoint is due. A clock that ran back does not put it off. */
export function isDue({ size, last, now, everyRecords = CHECKPOINT_RECORDS, everyMs = CHECKPOINT_MS }: Due): boolean {
  const fresh = size - (last?.size ?? 0)
  if (fresh <= 0) return false
  return last === undefined || fresh >= everyRecords || Math.abs(now - last.time) >= everyMs
}

interface Taking {
  /** Has `checkpoints`. */
  record: Kysely<Tables>
  /** Has `tiles`, derived up to `size`. */
  index: Kysely<Tables>
  /** Records to be under it, more than none. */
  size: number
  /** Its name is the log's origin. */
  signer: Signer
  /** Milliseconds since the epoch. */
  now: number
}

/**
 * Signs the tree of `size` records and stores the checkpoint, once it is shown to contain the newest one that was signed before;
 * where another process was faster, theirs is what is returned, and it may be larger. Throws `SplitView` where the tree and a
 * signed checkpoint contradict each other: nothing is signed then. Throws `MissingTile` where the tree is not derived that far.
 */
export async function takeCheckpoint({ record, index, size, signer, now }: Taking): Promise<Checkpoint> {
  const last = await newestCheckpoint(record)
  const head = { size, root: await loadRoot(index, size) }
  if (last !== undefined && last.size > 0) {
    const [older, newer] = last.size < size ? [last, head] : [head, last]
    const proof = await loadConsistency(index, older.size, newer.size)
    if (!verifyConsistency(older, newer, proof)) throw new SplitView("the store", last, head)
    if (last.size >= size) return last
  }
  const checkpoint = signCheckpoint(head, signer)
  const row = { size, root: Buffer.from(head.root).toString("base64"), note: checkpoint.note, time: now }
  await record
    .insertInto("checkpoints")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return confirm(record, checkpoint)
}

/** The stored checkpoint over the most records; undefined where there is none. */
export async function newestCheckpoint(record: Kysely<Tables>): Promise<(Checkpoint & { time: number }) | undefined> {
  const row = await record.selectFrom("checkpoints").selectAll().orderBy("size", "desc").limit(1).executeTakeFirst()
  return row && { ...parseCheckpoint(row.note), time: Number(row.time) }
}

/** What is stored of this size: ours, or the same head by another process. */
async function confirm(record: Kysely<Tables>, made: Checkpoint): Promise<Checkpoint> {
  const row = await record
    .selectFrom("checkpoints")
    .select("note")
    .where("size", "=", made.size)
    .executeTakeFirstOrThrow()
  const stored: Checkpoint = parseCheckpoint(row.note)
  if (!sameHead(stored, made)) throw new SplitView("the store", stored, made)
  return stored
}

function sameHead(a: TreeHead, b: TreeHead): boolean {
  return a.size === b.size && sameHash(a.root, b.root)
}
