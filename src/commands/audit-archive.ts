// `nanoguard audit archive`: bodies of old records leave the log for files; their hashes stay.
import { resolve } from "node:path"
import { type ArchivePlan, archiveRecords, planArchive } from "../audit/archive/index.ts"
import { openDerived } from "../audit/derive/open-derived.ts"
import { readTime } from "../audit/read/time.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { DURATION } from "../policy/duration.ts"
import { type ArchiveReport, renderArchive } from "../render/audit-archive.ts"
import { loadStyle } from "../render/style.ts"
import { openStore } from "../store/open.ts"
import type { Store } from "../store/types.ts"
import { askFirst, type ConfirmOptions, nameOfCaller, refuseUnasked } from "./confirm.ts"

export interface ArchiveCommandOptions extends ConfirmOptions {
  /** Directory for the segments. */
  to: string
  /** Records before this time go. */
  before?: string
  /** Records older than this span go. */
  keep?: string
  /** False: segments are written as they are. */
  gzip?: boolean
  /** Who ordered it; the account's name where absent. */
  by?: string
  color?: boolean
}

interface Done {
  report: ArchiveReport
  exit: ExitCode
}

/**
 * Moves records that are old enough into segments in a directory. Exit: ok; findings where the question was answered with no;
 * nothingChecked where nothing is that old; environment where there is no record or it could not be written.
 */
export async function auditArchive(ctx: Context, options: ArchiveCommandOptions): Promise<Done> {
  refuseUnasked(ctx, "audit archive", options)
  const by = options.dryRun ? "" : nameOfCaller(ctx, options.by)
  const before = readBefore(ctx, options)
  const existing = await openDerived(ctx)
  const plan = await planArchive(existing.db, before).finally(() => existing.close())
  const order: Order = { by, before, directory: resolve(ctx.cwd, options.to) }
  if (options.dryRun || plan.size === 0) return show(ctx, options, reportOf(order, plan))
  const store = await openStore(ctx, { gateway: "audit-archive" })
  return archiveFrom(ctx, store, order, options).finally(() => store.close())
}

interface Order {
  by: string
  /** Milliseconds since the epoch. */
  before: number
  directory: string
}

/** What is under no checkpoint yet gets one first: no segment is without. */
async function archiveFrom(ctx: Context, store: Store, order: Order, options: ArchiveCommandOptions): Promise<Done> {
  await store.checkpoint()
  const plan = await planArchive(store.db, order.before)
  const report = reportOf(order, plan)
  if (report.records === 0) return show(ctx, options, report)
  if (!options.yes) {
    await show(ctx, options, report)
    if (!(await askFirst(ctx, "Move them there?"))) return show(ctx, options, { ...report, state: "declined" })
  }
  const { by, directory } = order
  const settings = { directory, by, gzip: options.gzip !== false, gateway: "audit-archive", now: ctx.now() }
  const segments = await archiveRecords(store, plan, settings)
  const shown = segments.map(({ path, from, to, digest }) => ({ path, from, to, digest }))
  return show(ctx, options, { ...report, state: "archived", segments: shown })
}

function reportOf({ before, directory }: Order, { from, to, checkpoint }: ArchivePlan): ArchiveReport {
  const records = Math.max(0, to - from + 1)
  return {
    ...{ schema: "nanoguard.audit-archive/1", state: records > 0 ? "planned" : "nothing", directory },
    ...{ before: new Date(before).toISOString(), from, to, records, unsigned: checkpoint === undefined, segments: [] },
  }
}

async function show(ctx: Context, { format, color }: ArchiveCommandOptions, report: ArchiveReport): Promise<Done> {
  ctx.stdout.write(renderArchive(report, format ?? "text", await loadStyle(ctx.stdout, ctx.env, color)))
  return { report, exit: EXITS[report.state] }
}

const EXITS = {
  archived: EXIT.ok,
  planned: EXIT.ok,
  declined: EXIT.findings,
  nothing: EXIT.nothingChecked,
} as const

function readBefore(ctx: Context, { before, keep }: ArchiveCommandOptions): number {
  if ((before === undefined) === (keep === undefined))
    throw new NanoguardError("say which records are old: --before <time> or --keep <span>", {
      exit: EXIT.usage,
      hint: "for example --keep 90d, or --before 2026-09-01",
    })
  if (keep === undefined) return readTime(before!, ctx.now(), "--before")
  if (DURATION.test(keep)) return readTime(keep, ctx.now(), "--keep")
  throw new NanoguardError(`--keep is not a span: ${keep}`, { exit: EXIT.usage, hint: "for example 90d, 12w or 1y" })
}
