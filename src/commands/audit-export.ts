// `nanoguard audit export`: records with proofs, for those who check them without this host.
import { newestCheckpoint } from "../audit/checkpoints/checkpoint.ts"
import { verifyCheckpoint } from "../audit/checkpoints/checkpoint-text.ts"
import { loadLogKey } from "../audit/checkpoints/keys.ts"
import { parseVerifier, type Verifier } from "../audit/checkpoints/note.ts"
import { readPosition } from "../audit/derive/derive.ts"
import { type DerivedReader, openDerived } from "../audit/derive/open-derived.ts"
import type { Selection } from "../audit/export/format.ts"
import { exportLog } from "../audit/export/index.ts"
import { readNumber } from "../audit/read/record-options.ts"
import { readTime } from "../audit/read/time.ts"
import type { Checkpoint } from "../audit/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { renderExportSummary } from "../render/audit-export.ts"
import { openSink } from "./export-sink.ts"

export interface ExportCommandOptions {
  /** First and last sequence number, as they were typed. */
  from?: string
  to?: string
  since?: string
  until?: string
  agent?: string
  /** A file; stdout where absent. */
  output?: string
  /** Leaves personal commitments closed. */
  withoutPeople?: boolean
  /** The log's public key, where this user has none. */
  key?: string
}

/**
 * Writes records as NDJSON, each with the proof that it is in the newest checkpoint's tree; what was written is said on stderr.
 * Exit: ok; nothingChecked where no record is under a checkpoint, or none was chosen; findings where the store and its checkpoint
 * contradict each other; usage for a file that cannot be written; environment where there is no store, or no key.
 */
export async function auditExport(ctx: Context, options: ExportCommandOptions = {}): Promise<{ exit: ExitCode }> {
  const most = Number.MAX_SAFE_INTEGER
  const range = {
    from: options.from === undefined ? undefined : readNumber(options.from, "--from", most),
    to: options.to === undefined ? undefined : readNumber(options.to, "--to", most),
  }
  const selection = readSelection(ctx, options)
  const reader = await openDerived(ctx)
  try {
    const { key, checkpoint } = await findCheckpoint(ctx, reader, options.key)
    const sink = openSink(ctx, options.output)
    try {
      const people = options.withoutPeople !== true
      const lines = exportLog(reader.db, { key, checkpoint, now: ctx.now(), ...range, selection, people })
      let line = await lines.next()
      for (; !line.done; line = await lines.next()) await sink.write(line.value)
      sink.commit()
      const left = Math.max(0, Math.min(range.to ?? most, reader.size) - checkpoint.size)
      ctx.stderr.write(renderExportSummary({ ...line.value, size: checkpoint.size, left }))
      return { exit: line.value.records > 0 ? EXIT.ok : EXIT.nothingChecked }
    } finally {
      sink.close()
    }
  } finally {
    await reader.close()
  }
}

function readSelection(ctx: Context, { agent, since, until }: ExportCommandOptions): Selection {
  const timeOf = (text: string, option: string, end: boolean) =>
    new Date(readTime(text, ctx.now(), option, end)).toISOString()
  return {
    ...(agent !== undefined && { agent }),
    ...(since !== undefined && { since: timeOf(since, "--since", false) }),
    ...(until !== undefined && { until: timeOf(until, "--until", true) }),
  }
}

/** The newest checkpoint whose tree is derived, its signature checked. */
async function findCheckpoint(
  ctx: Context,
  reader: DerivedReader,
  text: string | undefined,
): Promise<{ key: Verifier; checkpoint: Checkpoint }> {
  const newest = await newestCheckpoint(reader.db)
  if (newest === undefined || newest.size > (await readPosition(reader.db))) {
    throw new NanoguardError("no record is under a checkpoint yet", {
      exit: EXIT.nothingChecked,
      hint: "`nanoguard audit checkpoint` signs one; a gateway does so every ten seconds and when it closes",
      where: { file: reader.location },
    })
  }
  const key = text === undefined ? ownKey(ctx, reader, newest.origin) : readKey(text)
  return { key, checkpoint: verifyCheckpoint(newest.note, key.name, [key]) }
}

function ownKey(ctx: Context, { directory }: DerivedReader, origin: string): Verifier {
  const key = loadLogKey(directory ?? stateHome(ctx), origin)
  if (key) return key
  throw new NanoguardError("this user does not have the key that signs the log", {
    exit: EXIT.environment,
    hint: "give the log's public key with --key: `nanoguard audit verify` prints it where the gateway runs",
  })
}

function readKey(text: string): Verifier {
  try {
    return parseVerifier(text)
  } catch (cause) {
    if (!(cause instanceof NanoguardError)) throw cause
    const hint = "--key takes a verifier key as `nanoguard audit verify` prints it: name+id+base64"
    throw new NanoguardError(cause.message, { exit: EXIT.usage, hint, cause })
  }
}
