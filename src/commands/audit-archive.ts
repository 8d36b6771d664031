// `nanoguard audit archive`: bodies of old records leave the log for files; their hashes stay.
import { resolve } from "node:path"
import { archiveRecords, planArchive } from "../audit/archive.ts"
import type { WrittenSegment } from "../audit/archive-write.ts"
import { openDerived } from "../audit/open-derived.ts"
import { readTime } from "../audit/time.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { DURATION } from "../policy/duration.ts"
import { type ArchiveReport, renderArchive } from "../render/audit-archive.ts"
import { loadStyle } from "../render/style.ts"
import { openStore } from "../store/open.ts"
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

/**
 * Moves records that are old enough into segments in a directory. Exit: ok; findings where the question was answered with no;
 * nothingChecked where nothing is that old; environment where there is no record or it could not be written.
 */
export async function auditArchive(
  ctx: Context,
  options: ArchiveCommandOptions,
): Promise<{ report: ArchiveReport; exit: ExitCode }> {
  refuseUnasked(ctx, "audit archive", options)
  const by = nameOfCaller(ctx, options.by)
  const before = readBefore(ctx, options)
  const directory = resolve(ctx.cwd, options.to)
  const plan = await planNow(ctx, before, options.dryRun === true)
  const records = Math.max(0, plan.to - plan.from + 1)
  const report: ArchiveReport = {
    ...{ schema: "nanoguard.audit-archive/1", state: "planned", directory, before: new Date(before).toISOString() },
    ...{ from: plan.from, to: plan.to, records, unsigned: plan.checkpoint === undefined, segments: [] },
  }
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  const done = (state: ArchiveReport["state"], exit: ExitCode) => {
    Object.assign(report, { state })
    ctx.stdout.write(renderArchive(report, options.format ?? "text", style))
    return { report, exit }
  }
  if (records === 0) return done("nothing", EXIT.nothingChecked)
  if (options.dryRun) return done("planned", EXIT.ok)
  if (!options.yes) {
    ctx.stdout.write(renderArchive(report, "text", style))
    if (!(await askFirst(ctx, "Move them there?"))) return done("declined", EXIT.findings)
  }
  const onSegment = ({ path, from, to, digest }: WrittenSegment) => report.segments.push({ path, from, to, digest })
  const store = await openStore(ctx, { gateway: "audit-archive" })
  try {
    const settings = {
      directory,
      by,
      gzip: options.gzip !== false,
      gateway: "audit-archive",
      now: ctx.now(),
      onSegment,
    }
    await archiveRecords(store, plan, settings)
  } finally {
    await store.close()
  }
  return done("archived", EXIT.ok)
}

/** Where something is to be moved, what is under no checkpoint yet gets one first. */
async function planNow(ctx: Context, before: number, dryRun: boolean) {
  const existing = await openDerived(ctx)
  const plan = await planArchive(existing.db, before).finally(() => existing.close())
  if (dryRun || plan.size === 0 || plan.checkpoint?.size === plan.size) return plan
  const store = await openStore(ctx, { gateway: "audit-archive" })
  await store.checkpoint().finally(() => store.close())
  const reader = await openDerived(ctx)
  return planArchive(reader.db, before).finally(() => reader.close())
}

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
