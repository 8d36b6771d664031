// What went wrong in a commit, for those who wait for it: each of them has to know whether its events may be in the log.
import { EXIT, NanoguardError } from "../../errors.ts"
import { SQLITE, sqliteCode, storeError } from "./errors.ts"

/** Codes after which a group fails as a whole: the statement was right, and the place where it should be kept is not. */
const SURROUNDINGS: ReadonlySet<number> = new Set(Object.values(SQLITE))

/** SQLITE_NOMEM: the transaction may have been rolled back with it. */
const NOMEM = 7

/** Whether an error is SQLite's about its surroundings: disk, memory, locks, a damaged file. */
export function isSurroundings(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== undefined && (SURROUNDINGS.has(code) || code === NOMEM)
}

/** Whether the connection is not to be trusted any more. A full disk or a lock of somebody else leaves it as it was. */
export function isBroken(error: unknown): boolean {
  const code = sqliteCode(error)
  return isSurroundings(error) && code !== SQLITE.BUSY && code !== SQLITE.LOCKED && code !== SQLITE.FULL
}

/** SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC, extended result codes. */
const FAILED_SYNCS: readonly unknown[] = [1034, 1290]

/**
 * Whether a sync failed. The kernel believes then that what it could not write is on the disk (https://lwn.net/Articles/752063/): what
 * is written over it later may be synced without an error and yet be lost. Seen on ext4 without a journal.
 */
export function isFailedSync(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && FAILED_SYNCS.includes(error.errcode)
}

/** The error for whatever comes after a failed sync. */
export function lostTrust(file: string): NanoguardError {
  return new NanoguardError(
    "the store takes nothing more: its disk failed to keep what was written; nothing of it is in the log",
    {
      exit: EXIT.environment,
      hint: "find out what the disk lacks, unmount and check its file system, then start this process again",
      where: { file },
    },
  )
}

/**
 * The error for everybody in a group. `committing`: it came out of COMMIT itself. Then an error of the disk leaves open what
 * is on it: SQLite has undone the transaction, but a crash before the next commit may find it whole.
 */
export function failedGroup(error: unknown, file: string, committing: boolean): NanoguardError {
  const shown = storeError(error, file)
  const uncertain = committing && sqliteCode(error) === SQLITE.IOERR
  const fate = uncertain ? "it may be in the log all the same" : "nothing of it is in the log"
  if (shown instanceof NanoguardError) {
    const { message, exit, hint, where } = shown
    return new NanoguardError(`${message}; ${fate}`, {
      exit,
      ...(hint && { hint }),
      ...(where && { where }),
      cause: error,
    })
  }
  return new NanoguardError(`the store could not commit: ${textOf(error)}; ${fate}`, {
    exit: EXIT.environment,
    where: { file },
    cause: error,
  })
}

/** The error for a batch whose statement SQLite refuses: a constraint, a trigger, a mistake in it. */
export function refusedChange(error: unknown): NanoguardError {
  return new NanoguardError(`the store refused a change: ${textOf(error)}; nothing of the batch happened`, {
    exit: EXIT.environment,
    cause: error,
  })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
