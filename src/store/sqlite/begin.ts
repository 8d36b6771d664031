// What happens before the first append: this process is marked as a writer, the log must be as long as it was once, and what
// the last writers left behind becomes the first record.
import { join } from "node:path"
import type { NewEvent } from "../../audit/types.ts"
import { checkLength, readLengths } from "../lengths.ts"
import { enterAsWriter, type WriterEntry } from "../recovery.ts"
import { RECORD } from "./database.ts"
import { openWriter, type Writer } from "./writer.ts"

/** Most writers that one record names; after a night of crashes there may be thousands. */
const MAX_NAMED = 32

export interface Beginning {
  writer: Writer
  entry: WriterEntry
  /** What is to be the first record: `log.recovered`, where the last end was no clean one. */
  recovered: NewEvent | undefined
}

/** Opens the record of a state directory to append to it; `now` in milliseconds since the epoch. Errors: environment. */
export async function beginWriting(directory: string, gateway: string, now: number): Promise<Beginning> {
  const entry = enterAsWriter(directory, gateway, now)
  let writer: Writer | undefined
  try {
    writer = await openWriter(directory)
    const lengths = readLengths(writer.db, directory)
    checkLength(lengths, join(directory, RECORD))
    return { writer, entry, recovered: recoveredEvent(entry, gateway, lengths.log) }
  } catch (error) {
    writer?.db.close()
    entry.leave()
    throw error
  }
}

function recoveredEvent(entry: WriterEntry, gateway: string, lastSeq: number): NewEvent | undefined {
  const { deadWriters, tornBytes } = entry
  if (deadWriters.length === 0 && tornBytes === 0) return undefined
  const gateways = [...new Set(deadWriters.map((writer) => writer.gateway || "unknown"))].slice(0, MAX_NAMED)
  const detail = { gateways, writers: deadWriters.length, lastSeq, tornBytes }
  return { type: "log.recovered", subject: "log", gateway, detail }
}
