// Is the log at least as long as it is known to have been? Asked before anything is appended.
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { EXIT, NanoguardError } from "../errors.ts"
import { INDEX, openForReading, RECORD } from "./sqlite/database.ts"
import { withStoreErrors } from "./sqlite/errors.ts"

/** How long a log is, and how long it must have been once. */
export interface Lengths {
  /** Newest sequence number; the last archived one where no record is left. */
  log: number
  /** Size of the newest checkpoint in the record. */
  checkpoint: number
  /** The last record that the index was derived from. */
  index: number
  /** Name of the log that the index belongs to; undefined without an index. */
  indexOrigin?: string
  /** Name of this log. */
  origin: string
}

/** Reads the lengths of a state directory; `record` is its open record. An index that cannot be read claims nothing. */
export function readLengths(record: DatabaseSync, directory: string): Lengths {
  const row = withStoreErrors(join(directory, RECORD), () =>
    record
      .prepare(
        `SELECT max(coalesce((SELECT max(seq) FROM events), 0), cast(a.value AS INTEGER)) AS log,
          coalesce((SELECT max(size) FROM checkpoints), 0) AS checkpoint, o.value AS origin
        FROM settings a, settings o WHERE a.name = 'archived' AND o.name = 'origin'`,
      )
      .get(),
  )
  const lengths = {
    log: Number(row?.["log"]),
    checkpoint: Number(row?.["checkpoint"]),
    origin: String(row?.["origin"]),
  }
  return { ...lengths, ...readIndex(join(directory, INDEX)) }
}

function readIndex(file: string): Pick<Lengths, "index" | "indexOrigin"> {
  try {
    const db = openForReading(file, false)
    try {
      const rows = db.prepare("SELECT name, value FROM derived").all()
      const facts = new Map(rows.map((row) => [row["name"], String(row["value"])]))
      const origin = facts.get("origin")
      return { index: Number(facts.get("seq") ?? 0), ...(origin !== undefined && { indexOrigin: origin }) }
    } finally {
      db.close()
    }
  } catch {
    return { index: 0 }
  }
}

/**
 * Throws `NanoguardError` (environment) where the log is shorter than its newest checkpoint or than what the index was derived from,
 * or where the index is another log's: records are gone or the file was exchanged, and appending would cover it up.
 */
export function checkLength(lengths: Lengths, place: string): void {
  const { log, checkpoint, index, indexOrigin, origin } = lengths
  const details = {
    exit: EXIT.environment,
    hint:
      "keep the directory as it is for examination; restore a backup of all of it, or begin a new record elsewhere " +
      "(NANOGUARD_HOME, NANOGUARD_STORE)",
    where: { file: place },
  }
  if (indexOrigin !== undefined && indexOrigin !== origin) {
    throw new NanoguardError(`the record was exchanged: its index belongs to ${indexOrigin}, not to ${origin}`, details)
  }
  const known = Math.max(checkpoint, index)
  if (log >= known) return
  const witness = checkpoint >= index ? "its newest checkpoint" : "its index"
  throw new NanoguardError(`the record ends at ${log}, and ${witness} has seen ${known}: records are gone`, details)
}
