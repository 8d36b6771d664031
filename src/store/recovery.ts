// Beginning to write: what did the last writers leave behind?
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import { RECORD } from "./sqlite/database.ts"
import { withFileErrors } from "./sqlite/files.ts"
import { withLock } from "./sqlite/lock.ts"
import { inspectWal } from "./sqlite/wal.ts"
import { claimDeadWriters, type DeadWriter, markWriter, writersDirectory } from "./writers.ts"

export interface WriterEntry {
  /** Writers that ended without closing, each told to one process only. */
  deadWriters: readonly DeadWriter[]
  /** Bytes that lie in the record's WAL after its last commit: what was on its way when the end came. */
  tornBytes: number
  /** Their end is in the log (or there is nothing to say). Until then another process may have to say it. */
  settle(): void
  /** This writer ends, cleanly. Called before its connection is closed it is one that died at that moment. */
  leave(): void
}

/**
 * Registers this process as a writer of the state directory and tells what earlier ones left, before anybody writes over it:
 * call it before `openRecord`. Where there are dead writers or torn bytes, the first record says so, then `settle()`.
 * `now` in milliseconds since the epoch. Errors: environment.
 */
export function enterAsWriter(directory: string, gateway: string, now: number): WriterEntry {
  return withLock(join(writersDirectory(directory), "lock"), () => {
    const claim = claimDeadWriters(directory, now)
    try {
      const isShared = claim.alive > 0 && claim.dead.length === 0
      const tornBytes = isShared ? 0 : countTornBytes(directory)
      const leave = markWriter(directory, gateway, now)
      const exit = () => {
        claim.letGo()
        leave()
      }
      return { deadWriters: claim.dead, tornBytes, settle: claim.settle, leave: exit }
    } catch (error) {
      claim.letGo()
      throw error
    }
  })
}

/**
 * Reads the WAL while nobody can write to it. That SQLite recovers the database for this changes nothing in the WAL: only
 * the next commit writes over what is torn (https://www.sqlite.org/wal.html#recovery).
 */
function countTornBytes(directory: string): number {
  const file = join(directory, RECORD)
  const wal = `${file}-wal`
  if (!existsSync(wal) || !existsSync(file)) return 0
  return withLock(file, () => {
    const fd = withFileErrors(wal, () => openSync(wal, "r"))
    try {
      const read = (offset: number, length: number) => withFileErrors(wal, () => readAt(fd, offset, length))
      return inspectWal(fstatSync(fd).size, read).tornBytes
    } finally {
      // SQLite holds no lock on the WAL itself, so closing it loses none.
      closeSync(fd)
    }
  })
}

function readAt(fd: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let read = 0
  while (read < length) {
    const count = readSync(fd, bytes, read, length - read, offset + read)
    if (count === 0) break
    read += count
  }
  return bytes.subarray(0, read)
}
