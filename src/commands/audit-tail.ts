// `nanoguard audit tail`: the newest records, and with --follow those to come.
import { lastSeq } from "../audit/derive/derive-log.ts"
import { emptyRecord, openDerived } from "../audit/derive/open-derived.ts"
import { type RecordFilter, readArchived, readLast, type StoredRecord } from "../audit/read/query.ts"
import { type RecordOptions, readFilter, readNumber } from "../audit/read/record-options.ts"
import { ERASED, openPeople } from "../audit/sealing/people.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { commitmentsOf, describeRecord, renderJsonLine, renderTailJson, renderTailLine } from "../render/audit-tail.ts"
import { formatCount } from "../render/clean.ts"
import { loadStyle } from "../render/style.ts"
import { storeLocation } from "../store/location.ts"
import { openReader, type Reader } from "../store/reader.ts"
import { readKnown, tellBehind, tellCut } from "./behind.ts"

export interface TailOptions extends RecordOptions {
  /** How many records, as it was typed. */
  lines?: string
  follow?: boolean
  format?: "text" | "json" | "ndjson"
  color?: boolean
}

const DEFAULT_LINES = "20"
const MOST_LINES = 100_000

/** Writes records; resolves when the output takes more. */
type Print = (records: readonly StoredRecord[]) => Promise<void>

/**
 * Prints the last records that the options choose, oldest first; with `follow` goes on until `signal`, SIGINT, SIGTERM or whoever
 * reads the output ends it. Exit: ok, also where no record is like that; nothingChecked where the record is empty; environment where
 * there is none.
 */
export async function auditTail(
  ctx: Context,
  options: TailOptions = {},
  signal?: AbortSignal,
): Promise<{ exit: ExitCode }> {
  const { format = "text", follow = false } = options
  if (follow && format === "json") {
    throw new NanoguardError("--format json is one document, and with --follow it would never end", {
      exit: EXIT.usage,
      hint: "use --format ndjson",
    })
  }
  const filter = readFilter(ctx, options)
  const count = readNumber(options.lines ?? DEFAULT_LINES, "--lines", MOST_LINES)
  const reader = await openFor(ctx, filter)
  const ended = follow ? endOf(ctx, signal) : undefined
  try {
    // Known before the end is read: a log that goes on meanwhile is none that was cut.
    const known = await readKnown(reader)
    const end = await lastSeq(reader.db)
    tellCut(ctx, known, end)
    if (end === 0 && !follow) throw emptyRecord()
    const records = await readLast(reader.db, { ...filter, toSeq: end }, count)
    const print = await makePrinter(ctx, reader, options)
    await print(records)
    if (ended !== undefined) await followLog(ctx, reader, { ...filter, since: undefined }, end, print, ended.signal)
    else if (records.length === 0) ctx.stderr.write(await describeNothing(reader, end))
    return { exit: EXIT.ok }
  } finally {
    ended?.release()
    await reader.close()
  }
}

/** What only asks for the newest needs no index, and nobody who keeps one. */
async function openFor(ctx: Context, filter: RecordFilter): Promise<Reader> {
  if (Object.values(filter).every((value) => value === undefined)) return openReader(ctx)
  const reader = await openDerived(ctx)
  tellBehind(ctx, reader)
  return reader
}

async function makePrinter(ctx: Context, reader: Reader, options: TailOptions): Promise<Print> {
  const { format = "text" } = options
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  const columns = ctx.stdout.isTTY ? ctx.stdout.columns : undefined
  return async (records) => {
    const people = new Map<string, string | null>()
    const opened = await openPeople(
      reader.db,
      records.flatMap(({ record }) => commitmentsOf(record)),
    )
    for (const [commitment, value] of opened) people.set(commitment, value === ERASED ? null : value)
    const text =
      format === "text"
        ? records.map((record) => renderTailLine(record, people, { style, columns })).join("")
        : format === "json"
          ? renderTailJson(records.map((record) => describeRecord(record, people)))
          : records.map((record) => renderJsonLine(describeRecord(record, people))).join("")
    if (text !== "") await writeAll(ctx, text)
  }
}

/** A slow reader is waited for, so that what was not yet read is not held in memory. */
async function writeAll({ stdout }: Context, text: string): Promise<void> {
  if (stdout.write(text) || stdout.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const events = ["drain", "close", "error"]
  for (const event of events) stdout.once(event, resolve)
  await promise
  for (const event of events) stdout.off(event, resolve)
}

async function followLog(
  ctx: Context,
  reader: Reader,
  filter: RecordFilter,
  after: number,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  const [{ followRecords }, { watchingOf }] = await Promise.all([
    import("../audit/read/follow.ts"),
    import("../store/subscribe.ts"),
  ])
  const watching = await watchingOf(storeLocation(ctx), reader.db)
  for await (const records of followRecords(reader.db, filter, after, watching, signal)) await print(records)
}

/** What ends following: a signal of the caller or of the system, or a reader of the output that leaves (`| head`). */
function endOf({ stdout }: Context, signal?: AbortSignal): { signal: AbortSignal; release: () => void } {
  const ended = new AbortController()
  const end = () => ended.abort()
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, end)
  for (const event of ["error", "close"]) stdout.once(event, end)
  signal?.addEventListener("abort", end)
  if (signal?.aborted) end()
  const release = () => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, end)
    for (const event of ["error", "close"]) stdout.off(event, end)
    signal?.removeEventListener("abort", end)
  }
  return { signal: ended.signal, release }
}

async function describeNothing(reader: Reader, end: number): Promise<string> {
  const archived = await readArchived(reader.db)
  const note = archived > 0 ? `; the texts of the first ${formatCount(archived)} lie with the archive` : ""
  return `no record is like that, out of ${formatCount(end)}${note}\n`
}
