// Writing a segment: beside its place, synced, read again and checked, and only then under its name.
import { randomBytes } from "node:crypto"
import { createWriteStream } from "node:fs"
import { link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { type Kysely, sql } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import { syncDirectory } from "../../store/sqlite/files.ts"
import { canonicalText } from "../sealing/canonical.ts"
import { loadConsistency, loadRoot } from "../tree/tile-table.ts"
import type { Checkpoint } from "../types.ts"
import { type ArchiveHeader, type SegmentFile, segmentName } from "./format.ts"
import { loadFrontier } from "./frontier.ts"
import { type CheckedSegment, checkSegment } from "./read.ts"

/** Bodies that are in memory at once. */
const PAGE = 256

/** Milliseconds after which an unfinished file is what a process left that died. */
const ABANDONED = 3_600_000

export interface SegmentPlan {
  directory: string
  from: number
  to: number
  /** Over at least `to` records. */
  checkpoint: Checkpoint
  gzip: boolean
}

export type WrittenSegment = SegmentFile & CheckedSegment

/**
 * Writes the records of a plan into the directory, which is made where it is missing (0700; files 0600). A finished segment of
 * the same records stays as it is if it is whole. Throws `NanoguardError` (environment), also where what was written is not what
 * the log's tree says: then the log has to be verified first.
 */
export async function writeSegment(db: Kysely<Tables>, plan: SegmentPlan): Promise<WrittenSegment> {
  const { directory, from, to } = plan
  const name = segmentName(from, to, plan.gzip)
  const path = join(directory, name)
  const draft = join(directory, `.part-${randomBytes(6).toString("hex")}-${name}`)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const header = await makeHeader(db, plan)
    const bytes = createWriteStream(draft, { flags: "wx", mode: 0o600 })
    const lines = linesOf(db, header)
    if (plan.gzip) await pipeline(lines, createGzip(), bytes)
    else await pipeline(lines, bytes)
    await syncFile(draft)
    const checked = await checkSegment({ path: draft, from, to })
    await publish(draft, path)
    return { path, from, to, ...checked }
  } catch (error) {
    throw error instanceof NanoguardError ? error : unwritable(directory, error)
  } finally {
    await rm(draft, { force: true }).catch(() => {})
  }
}

/** Removes what processes that died left of segments they were writing. */
export async function removeAbandoned(directory: string, now: number): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((one) => /^\.part-[0-9a-f]{12}-records-/.test(one))) {
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (found && now - found.mtimeMs > ABANDONED) await rm(path, { force: true }).catch(() => {})
  }
}

async function makeHeader(db: Kysely<Tables>, { from, to, checkpoint }: SegmentPlan): Promise<ArchiveHeader> {
  const proof = to < checkpoint.size ? await loadConsistency(db, to, checkpoint.size) : []
  return {
    format: "nanoguard.archive/1",
    origin: checkpoint.origin,
    from,
    to,
    before: (await loadFrontier(db, from - 1)).map(base64),
    root: base64(await loadRoot(db, to)),
    checkpoint: checkpoint.note,
    proof: proof.map(base64),
  }
}

async function* linesOf(db: Kysely<Tables>, header: ArchiveHeader): AsyncGenerator<string> {
  yield `${canonicalText(header)}\n`
  for (let first = header.from; first <= header.to; first += PAGE) {
    const last = Math.min(header.to, first + PAGE - 1)
    const rows = await db
      .selectFrom("events")
      // As text also where somebody stored a number: what is archived is what is hashed.
      .select(["seq", sql<string>`cast(body as text)`.as("body")])
      .where("seq", ">=", first)
      .where("seq", "<=", last)
      .orderBy("seq")
      .execute()
    if (rows.length !== last - first + 1) throw missing(first, last)
    yield rows.map(({ body }) => `${body}\n`).join("")
  }
}

/** Under its name without replacing anything; also on file systems that have no links. */
async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "EEXIST") throw taken(path)
    if (await stat(path).catch(() => undefined)) throw taken(path)
    await rename(draft, path)
  }
  syncDirectory(dirname(path))
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+")
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const base64 = (hash: Uint8Array) => Buffer.from(hash).toString("base64")

function missing(first: number, last: number): NanoguardError {
  return new NanoguardError(`the log lacks records between ${first} and ${last}: nothing more is archived`, {
    exit: EXIT.environment,
    hint: "run `nanoguard audit verify`",
  })
}

function taken(path: string): NanoguardError {
  return new NanoguardError("there is a file in the archive's place already", {
    exit: EXIT.environment,
    where: { file: path },
    hint: "another archiving may be under way; else move that file away and repeat",
  })
}

function unwritable(directory: string, cause: unknown): NanoguardError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error"
  return new NanoguardError(`the archive cannot be written (${code}); the log is as it was`, {
    exit: EXIT.environment,
    where: { file: directory },
    hint: "give --to a directory that can be written and has space",
    cause,
  })
}
