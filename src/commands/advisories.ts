// `nanoguard advisories update` and `nanoguard advisories status`.
import { existsSync, statSync } from "node:fs"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { importedIndexPath, openAdvisories } from "../packages/advisories/index.ts"
import { findSnapshot } from "../packages/advisories/snapshot.ts"
import type { AdvisoryIndex } from "../packages/advisories/types.ts"
import { updateAdvisories } from "../packages/advisories/update.ts"
import { verifyIndex } from "../packages/advisories/verify.ts"
import {
  type IndexStatus,
  renderStatus,
  renderUpdate,
  type StatusReport,
  type UpdateReport,
} from "../render/advisories.ts"
import { cleanText, formatCount } from "../render/clean.ts"

interface OutputOptions {
  format?: "text" | "json"
}

export interface UpdateCommandOptions extends OutputOptions {
  from?: readonly string[]
  ecosystem?: readonly string[]
  complete?: boolean
}

/** A line that rewrites itself, on a terminal only; at most ten times a second. */
function progressOn(ctx: Context): ((source: string, records: number) => void) | undefined {
  if (ctx.stderr.isTTY !== true) return undefined
  let shown = 0
  return (source, records) => {
    const now = ctx.now()
    if (now - shown < 100) return
    shown = now
    ctx.stderr.write(`\r\u001b[2K${cleanText(source, 60)}: ${formatCount(records)} records`)
  }
}

/**
 * Imports advisories: OSV's exports, or what `--from` names. Options: `--from <directory, zip, file or URL>` (repeatable),
 * `--ecosystem <name>` (repeatable), `--complete`, `--format text|json`. Exit: ok, also where single records could not be
 * read, which the report names; environment where a source failed, nothingChecked where there was nothing to import, and
 * then the index in use has not changed.
 */
export async function advisoriesUpdate(
  ctx: Context,
  options: UpdateCommandOptions,
): Promise<{ report: UpdateReport; exit: ExitCode }> {
  const onProgress = progressOn(ctx)
  try {
    const imported = await updateAdvisories(ctx, {
      from: options.from ?? [],
      ecosystems: options.ecosystem ?? [],
      complete: options.complete === true,
      ...(onProgress && { onProgress }),
    })
    const report: UpdateReport = { schema: "nanoguard.advisories-update/1", file: importedIndexPath(ctx), ...imported }
    if (onProgress) ctx.stderr.write("\r\u001b[2K")
    ctx.stdout.write(renderUpdate(report, options.format ?? "text"))
    return { report, exit: EXIT.ok }
  } catch (error) {
    if (onProgress) ctx.stderr.write("\r\u001b[2K")
    throw error
  }
}

function statusOf(file: string, now: number): IndexStatus {
  const size = statSync(file).size
  let index: AdvisoryIndex | undefined
  try {
    index = openAdvisories(file)
    const { info } = index
    const days = info.asOf === "" ? null : Math.max(0, Math.floor((now - Date.parse(info.asOf)) / 86_400_000))
    return { file, size, checksum: verifyIndex(file) ? "ok" : "damaged", ageDays: days, info }
  } catch {
    return { file, size, checksum: "damaged", ageDays: null, info: null }
  } finally {
    index?.close()
  }
}

/**
 * Says what is searched: sources, counts, date, completeness, and whether every byte is as it was written. Options:
 * `--format text|json`. Exit: ok; environment where an index is damaged or there is none.
 */
export async function advisoriesStatus(
  ctx: Context,
  options: OutputOptions,
): Promise<{ report: StatusReport; exit: ExitCode }> {
  const imported = importedIndexPath(ctx)
  const snapshot = findSnapshot()
  const report: StatusReport = {
    schema: "nanoguard.advisories-status/1",
    imported: existsSync(imported) ? statusOf(imported, ctx.now()) : null,
    snapshot: snapshot === undefined ? null : statusOf(snapshot, ctx.now()),
  }
  ctx.stdout.write(renderStatus(report, options.format ?? "text"))
  const indexes = [report.imported, report.snapshot].filter((index) => index !== null)
  const fine = indexes.length > 0 && indexes.every((index) => index.checksum === "ok")
  return { report, exit: fine ? EXIT.ok : EXIT.environment }
}
