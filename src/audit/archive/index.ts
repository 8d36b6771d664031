// Retention: bodies of old records go to files and leave the log; their hashes stay, so every proof holds. What is removed was
// read back from a synced file first, and goes in one transaction with the record that says so. A crash leaves a segment that
// the next run finds and goes on with.
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import type { Store } from "../../store/types.ts"
import { parseCheckpoint } from "../checkpoints/checkpoint-text.ts"
import { lastSeq, readPosition } from "../derive/derive.ts"
import { loadRoot } from "../tree/tile-table.ts"
import type { Checkpoint } from "../types.ts"
import { listSegments, type SegmentFile } from "./format.ts"
import { checkSegment } from "./read.ts"
import { removeAbandoned, type WrittenSegment, writeSegment } from "./write.ts"

/**
 * Records of one segment, and of one transaction that removes them. Measured on a busy machine: 0.3 s, in which nobody else can
 * write; 65,536 took 1.4 s.
 */
const SEGMENT = 16_384

/** What can be archived. */
export interface ArchivePlan {
  /** First and last record; `to` is less than `from` where nothing is that old. */
  from: number
  to: number
  /** The newest signed checkpoint; no record after it is archived. Absent where there is none. */
  checkpoint?: Checkpoint
  /** Records of the log. */
  size: number
}

/**
 * Which records are older than `before` (milliseconds since the epoch): those before the first that is not, where clocks ran back.
 * The newest record always stays, as does whatever no checkpoint is over. The index must be derived.
 */
export async function planArchive(db: Kysely<Tables>, before: number): Promise<ArchivePlan> {
  const from = (await archivedSeq(db)) + 1
  const size = await lastSeq(db)
  const newest = await db.selectFrom("checkpoints").select("note").orderBy("size", "desc").limit(1).executeTakeFirst()
  if (newest === undefined) return { from, to: from - 1, size }
  const checkpoint = parseCheckpoint(newest.note)
  const young = await db
    .selectFrom("entries")
    .select(({ fn }) => fn.min("seq").as("seq"))
    .where("time", ">=", before)
    .where("seq", ">=", from)
    .executeTakeFirst()
  const bounds = [(young?.seq ?? size + 1) - 1, checkpoint.size, await readPosition(db), size - 1]
  return { from, to: Math.max(from - 1, Math.min(...bounds)), checkpoint, size }
}

export interface ArchiveOptions {
  directory: string
  gzip: boolean
  /** Personal name of who ordered it. */
  by: string
  gateway: string
  /** Milliseconds since the epoch. */
  now: number
  /** Called after each segment that was written and whose records were removed. */
  onSegment?: (segment: WrittenSegment) => void
  /** Records of a segment; `SEGMENT` where absent. */
  segment?: number
}

/**
 * Archives a plan's records, segment by segment, and returns the segments. Rejects with `Conflict` where another process archives
 * as well, with `NanoguardError` (environment) where a file cannot be written or the log is not what its tree says.
 */
export async function archiveRecords(
  store: Pick<Store, "db" | "write">,
  plan: ArchivePlan,
  options: ArchiveOptions,
): Promise<WrittenSegment[]> {
  const { checkpoint } = plan
  if (!checkpoint) return []
  await removeAbandoned(options.directory, options.now)
  const segments: WrittenSegment[] = []
  for (let from = plan.from; from <= plan.to; from = segments.at(-1)!.to + 1) {
    const to = Math.min(plan.to, from + (options.segment ?? SEGMENT) - 1)
    const segment =
      (await findFinished(store.db, options.directory, from, plan.to, checkpoint.origin)) ??
      (await writeSegment(store.db, { ...options, from, to, checkpoint }))
    await removeBodies(store, segment, options)
    segments.push(segment)
    options.onSegment?.(segment)
  }
  return segments
}

/** A segment that an earlier run finished without removing its records. */
async function findFinished(
  db: Kysely<Tables>,
  directory: string,
  from: number,
  last: number,
  origin: string,
): Promise<WrittenSegment | undefined> {
  for (const segment of segmentsIn(directory).filter((one) => one.from === from && one.to <= last)) {
    const checked = await checkSegment(segment)
    const root = Buffer.from(await loadRoot(db, segment.to)).toString("base64")
    if (checked.header.origin === origin && checked.header.root === root) return { ...segment, ...checked }
    throw new NanoguardError(`the archive holds other records ${segment.from} to ${segment.to} than this log`, {
      exit: EXIT.environment,
      where: { file: segment.path },
      hint: "give --to a directory of this log's own",
    })
  }
  return undefined
}

function segmentsIn(directory: string): SegmentFile[] {
  try {
    return listSegments(directory)
  } catch (error) {
    // It is made with the first segment.
    if (error instanceof NanoguardError && (error.cause as NodeJS.ErrnoException)?.code === "ENOENT") return []
    throw error
  }
}

async function removeBodies(
  { db, write }: Pick<Store, "db" | "write">,
  { from, to, path, digest, header }: WrittenSegment,
  { by, gateway }: ArchiveOptions,
): Promise<void> {
  const moveOn = db
    .updateTable("settings")
    .set({ value: String(to) })
    .where("name", "=", "archived")
    .where("value", "=", String(from - 1))
    .compile()
  const remove = db.deleteFrom("events").where("seq", ">=", from).where("seq", "<=", to).compile()
  const segment = path.split(/[\\/]/).at(-1)!
  await write({
    changes: [
      { sql: moveOn.sql, parameters: moveOn.parameters, expect: 1 },
      { sql: remove.sql, parameters: remove.parameters, expect: to - from + 1 },
    ],
    events: [
      {
        ...{ type: "log.archived", subject: `records ${from} to ${to}`, gateway, by: [by] },
        detail: { from, to, segment, digest, root: header.root },
      },
    ],
  })
}

async function archivedSeq(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom("settings").select("value").where("name", "=", "archived").executeTakeFirst()
  return Number(row?.value ?? 0)
}
