// `nanoguard audit verify`: is the record what it was, and what can nobody say?
import { anchorsOf, openAnchor } from "../audit/anchors/index.ts"
import { parseVerifier, type Verifier } from "../audit/checkpoints/note.ts"
import type { Anchor } from "../audit/types.ts"
import { verifyExport } from "../audit/verify/export-file.ts"
import type { VerifyReport } from "../audit/verify/report.ts"
import { verifyLog } from "../audit/verify/verify.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { renderExportReport, renderVerifyReport } from "../render/audit-verify.ts"
import { loadStyle } from "../render/style.ts"

export interface VerifyCommandOptions {
  /** Verifier keys, one of which must have signed each checkpoint; this host's own where absent. */
  key?: readonly string[]
  /** Outside places, besides those of NANOGUARD_ANCHORS. */
  anchor?: readonly string[]
  /** False: the index is not compared. */
  index?: boolean
  /** Directory of archived records. */
  archive?: string
  /** A file of `audit export`, which is checked instead of the store. */
  export?: string
  format?: "text" | "json"
  color?: boolean
}

/**
 * Recomputes the log and compares it with everything that was signed, derived and published. Exit: ok; findings where anything
 * is wrong; nothingChecked for an empty log; environment where there is no store, or an outside place cannot be read.
 */
export async function auditVerify(ctx: Context, options: VerifyCommandOptions = {}): Promise<{ exit: ExitCode }> {
  const keys = (options.key ?? []).map(readKey)
  if (options.export !== undefined) return verifyFile(ctx, options.export, keys, options)
  const named = (options.anchor ?? []).map((text) => readAnchor(text, ctx))
  const known = new Set(named.map(({ name }) => name))
  const anchors = [...named, ...anchorsOf(ctx).filter(({ name }) => !known.has(name))]
  const report = await verifyLog(ctx, {
    ...{ keys, anchors, index: options.index !== false },
    ...(options.archive !== undefined && { archive: options.archive }),
  })
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  ctx.stdout.write(renderVerifyReport(report, options.format ?? "text", style))
  return { exit: exitOf(report) }
}

function exitOf({ intact, records, unchecked }: VerifyReport): ExitCode {
  if (!intact) return EXIT.findings
  if (unchecked.some(({ code }) => code === "anchor.unreachable")) return EXIT.environment
  return records === 0 ? EXIT.nothingChecked : EXIT.ok
}

async function verifyFile(
  ctx: Context,
  file: string,
  keys: readonly Verifier[],
  { anchor = [], format = "text", color }: VerifyCommandOptions,
): Promise<{ exit: ExitCode }> {
  const { readLines } = await import("../audit/verify/lines.ts")
  const anchors = [...anchor.map((text) => readAnchor(text, ctx)), ...anchorsOf(ctx)]
  // A place may hold checkpoints of any number of logs: which one it is, the file says.
  const read = async (origin: string) => (await Promise.all(anchors.map((place) => place.read(origin)))).flat()
  const report = await verifyExport(readLines(ctx.cwd, file), keys[0], anchors.length > 0 ? read : undefined)
  ctx.stdout.write(renderExportReport(report, format, await loadStyle(ctx.stdout, ctx.env, color)))
  return { exit: report.accepted ? EXIT.ok : EXIT.findings }
}

/** A place that was typed, not configured: the error says so. */
function readAnchor(text: string, ctx: Context): Anchor {
  try {
    return openAnchor(text, ctx)
  } catch (cause) {
    if (!(cause instanceof NanoguardError)) throw cause
    const hint = "--anchor takes dir:/absolute/path, git:/absolute/path, git:<https, ssh or file URL> or https://..."
    throw new NanoguardError(cause.message.replace("NANOGUARD_ANCHORS", "--anchor"), { exit: EXIT.usage, hint, cause })
  }
}

function readKey(text: string): Verifier {
  try {
    return parseVerifier(text)
  } catch (cause) {
    if (!(cause instanceof NanoguardError)) throw cause
    throw new NanoguardError(cause.message, {
      exit: EXIT.usage,
      hint: "--key takes a verifier key as `nanoguard audit verify` prints it: name+id+base64",
      cause,
    })
  }
}
