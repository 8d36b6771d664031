// Opening the files, each with the settings that its contents need.
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { EXIT, NanoguardError } from "../../errors.ts"
import { withStoreErrors } from "./errors.ts"
import { prepareDirectory, prepareFile, withFileErrors } from "./files.ts"
import { loadSqlite } from "./module.ts"
import { syncWal } from "./wal-sync.ts"

/** What must never be lost: the log, people, checkpoints, publications, settings. */
export const RECORD = "record.db"
/** What is derived from it. */
export const INDEX = "index.db"

/** Milliseconds that a statement waits for another process's lock before it fails with SQLITE_BUSY. */
const LOCK_WAIT = 10_000

/** `PRAGMA application_id` of nanoguard's files: "ngrd". Another program's database is never written to. */
const APPLICATION = 0x6e677264

interface Purpose {
  /** FULL: a commit is on the disk when it returns. NORMAL: the last ones may be gone after a power cut. */
  synchronous: "FULL" | "NORMAL"
  /** Pages in the WAL after which a commit also checkpoints; 0 leaves that to whoever calls `wal_checkpoint`. */
  autocheckpoint: number
}

const PURPOSES: Record<string, Purpose> = {
  [RECORD]: { synchronous: "FULL", autocheckpoint: 0 },
  [INDEX]: { synchronous: "NORMAL", autocheckpoint: 1000 },
}

/**
 * A connection that writes `record.db` or `index.db` of a state directory; creates directory and file where they are missing.
 * It has no tables yet where it is new: see `openRecord` and `openIndex`. Errors: environment.
 */
export function openForWriting(directory: string, name: typeof RECORD | typeof INDEX): DatabaseSync {
  const file = join(directory, name)
  prepareDirectory(directory)
  prepareFile(file)
  const { synchronous, autocheckpoint } = PURPOSES[name]!
  return configure(file, { timeout: LOCK_WAIT }, (db) => {
    claimFile(db, file)
    db.exec("PRAGMA journal_mode=WAL")
    // fullfsync: on macOS fsync alone leaves the data in the drive's cache.
    db.exec(`PRAGMA synchronous=${synchronous}; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON`)
    db.exec(`PRAGMA wal_autocheckpoint=${autocheckpoint}; PRAGMA trusted_schema=OFF; PRAGMA recursive_triggers=ON`)
    // What is erased is overwritten, in the file as well.
    if (name === RECORD) db.exec("PRAGMA secure_delete=ON")
  })
}

/**
 * A connection that can only read. `immutable` reads the file alone, without locks and without its WAL: only where nobody
 * can write and there is no WAL. Errors: environment; SQLITE_CANTOPEN where a WAL cannot be shared.
 */
export function openForReading(file: string, immutable: boolean): DatabaseSync {
  return configure(
    fileUri(file, immutable),
    { timeout: LOCK_WAIT, readOnly: true },
    (db) => {
      db.exec("PRAGMA trusted_schema=OFF")
      // The first read: only now SQLite looks into the file and its WAL.
      db.prepare("PRAGMA schema_version").get()
    },
    file,
  )
}

/** The `file:` URI of a database, for opening and for ATTACH (https://www.sqlite.org/uri.html). */
export function fileUri(file: string, immutable: boolean): string {
  const uri = pathToFileURL(file)
  uri.searchParams.set("mode", "ro")
  if (immutable) uri.searchParams.set("immutable", "1")
  return uri.href
}

/** Makes durable all that can be read of the record until now, by whatever process it was written. Errors: environment. */
export function settleRecord(directory: string): void {
  const file = join(directory, RECORD)
  withFileErrors(file, () => syncWal(`${file}-wal`))
}

/** Whether there is a record in the directory. */
export function hasRecord(directory: string): boolean {
  return existsSync(join(directory, RECORD))
}

function configure(
  address: string,
  options: { timeout: number; readOnly?: boolean },
  settings: (db: DatabaseSync) => void,
  file = address,
): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite()
  return withStoreErrors(file, () => {
    const db = new Database(address, { ...options, enableForeignKeyConstraints: false })
    try {
      settings(db)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/** Marks a new file as nanoguard's, and refuses one of another program. */
function claimFile(db: DatabaseSync, file: string): void {
  const found = numberOf(db, "application_id")
  if (found === APPLICATION) return
  if (found === 0 && numberOf(db, "schema_version") === 0) {
    db.exec(`PRAGMA application_id=${APPLICATION}`)
    return
  }
  throw new NanoguardError("the store is a database of another program", {
    exit: EXIT.environment,
    hint: "move that file away, or set NANOGUARD_HOME to another directory",
    where: { file },
  })
}

/** The value of a PRAGMA that is a number. */
export function numberOf(db: DatabaseSync, pragma: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0)
}
