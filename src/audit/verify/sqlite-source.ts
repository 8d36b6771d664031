// A range's rows out of SQLite files, through connections of this thread's own.
import { join } from "node:path"
import { INDEX, openForReading, RECORD } from "../../store/sqlite/database.ts"
import { ENTRY_TEXT, type EntryText } from "./index-range.ts"
import type { RangeSource } from "./range.ts"
import type { BodyRow } from "./scan.ts"

export interface SqliteFiles {
  directory: string
  /** Nobody can write, and there is no WAL. */
  immutable: boolean
  /** Whether there is an index to read. */
  indexed: boolean
  /** Whether its rows are to be compared, and not its tiles alone. */
  entries: boolean
}

/** Opens the files for reading. Without an index there are no tiles. Errors: environment. */
export function openSqliteSource(files: SqliteFiles): RangeSource & { close(): void } {
  const { directory, immutable } = files
  const record = openForReading(join(directory, RECORD), immutable)
  const derived = files.indexed ? openForReading(join(directory, INDEX), immutable) : undefined
  // A text column as text also where somebody stored a BLOB or a number: it is then hashed as what it says.
  const bodies = record.prepare("SELECT seq, CAST(body AS TEXT) FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq")
  const archived = record.prepare("SELECT value FROM settings WHERE name = 'archived'")
  const tile = derived?.prepare("SELECT hashes FROM tiles WHERE level = 0 AND position = ?")
  const entries = derived?.prepare(`SELECT seq, ${ENTRY_TEXT}, use FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq`)
  bodies.setReturnArrays(true)
  entries?.setReturnArrays(true)
  return {
    bodies: (from, to) => bodies.all(from, to) as unknown as BodyRow[],
    tile: (position) => {
      const hashes = tile?.get(position)?.["hashes"]
      return hashes instanceof Uint8Array ? hashes : undefined
    },
    entries: files.entries && entries ? (from, to) => entries.all(from, to) as unknown as EntryText[] : undefined,
    archived: () => Number(archived.get()?.["value"] ?? 0),
    close: () => {
      record.close()
      derived?.close()
    },
  }
}
