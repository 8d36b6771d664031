// What SQLite reports, as errors that people can act on.
import { EXIT, NanoguardError } from "../../errors.ts"

/** Primary result codes that mean the surroundings, not the statement (https://www.sqlite.org/rescode.html). */
export const SQLITE = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  NOTADB: 26,
} as const

const CAUSES: Record<number, { what: string; hint: string }> = {
  [SQLITE.PERM]: { what: "may not be read or written by this user", hint: "run as the user who owns the directory" },
  [SQLITE.BUSY]: {
    what: "is locked by another process",
    hint: "try again; if it stays, find out who holds the file open (`fuser <file>`)",
  },
  [SQLITE.LOCKED]: { what: "is locked by another connection", hint: "try again" },
  [SQLITE.READONLY]: {
    what: "cannot be written: it, its directory or its file system is read-only",
    hint: "make the directory writable for this user, or set NANOGUARD_HOME or NANOGUARD_STORE to another place",
  },
  [SQLITE.IOERR]: {
    what: "cannot be read or written: the disk reports an error",
    hint: "look at the system's log; what was acknowledged before is in the file as far as the disk kept it",
  },
  [SQLITE.CORRUPT]: {
    what: "is damaged",
    hint: "keep it as it is for examination, and restore the directory from a backup or set another NANOGUARD_HOME",
  },
  [SQLITE.FULL]: {
    what: "cannot grow: the disk is full",
    hint: "free some space; nothing that was acknowledged is lost",
  },
  [SQLITE.CANTOPEN]: {
    what: "cannot be opened",
    hint: "check that the directory exists and that this user may enter, read and write it",
  },
  [SQLITE.PROTOCOL]: { what: "is locked by another process in a way that does not end", hint: "try again" },
  [SQLITE.NOTADB]: {
    what: "is not a database of nanoguard",
    hint: "move it away if it is yours; if nanoguard wrote it, keep it for examination and restore a backup",
  },
}

/** The primary result code of an error of node:sqlite, also as the cause of a `storeError`; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (error instanceof NanoguardError) return sqliteCode(error.cause)
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return undefined
  return "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined
}

/** Whether an error means that the database's file is damaged or not a database. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB
}

/**
 * The error for a caller: an environment `NanoguardError` with what, where and a hint where SQLite's surroundings failed
 * (disk full, read-only, damaged, locked ...); anything else, such as a constraint, comes back as it is. `file` is the database.
 */
export function storeError(error: unknown, file: string): unknown {
  if (error instanceof NanoguardError) return error
  const code = sqliteCode(error)
  const cause = code === undefined ? undefined : CAUSES[code]
  if (!cause) return error
  return new NanoguardError(`the store ${cause.what}`, {
    exit: EXIT.environment,
    hint: cause.hint,
    where: { file },
    cause: error,
  })
}

/** Runs `work`; what it throws goes through `storeError`. */
export function withStoreErrors<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storeError(error, file)
  }
}
