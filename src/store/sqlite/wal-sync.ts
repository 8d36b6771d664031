// Syncing record.db's WAL beside SQLite: for commits that nobody waited for to be on the disk, and before anything leaves the
// record that must not outlive it. A sync of the file covers every commit that was written before, by whatever process.
import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs"

/** Milliseconds after a commit until its sync begins; the rest of the 100 ms is the disk's. */
const DELAY = 30

export interface WalSync {
  /** Whether it can sync: to be asked before a commit relies on it. */
  ready(): boolean
  /** A commit was written and not synced: sees to it that it will be, within 100 ms where the disk keeps up. */
  written(): void
  /** SQLite has synced a commit: with it all that were written before. */
  synced(): void
  /** Syncs now what is not, and waits for it. Throws what the disk says. */
  settle(): void
  /** Syncs what is not, and lets go of the file. Throws what the disk says. */
  close(): Promise<void>
}

/**
 * For the WAL at this path, which is there as long as a connection is open. `onFailure` is told when the disk failed to keep what was
 * acknowledged. The file itself carries no locks: opening and closing it loses none.
 */
export function createWalSync(wal: string, onFailure: (error: unknown) => void): WalSync {
  // Kept open: a failure of the disk is told to those who had the file open by then.
  let fd: number | undefined
  /** When the oldest commit was written for which no sync has begun. */
  let since: number | undefined
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  const arm = () => {
    if (timer !== undefined || running !== undefined || since === undefined) return
    timer = setTimeout(begin, Math.max(0, since + DELAY - performance.now()))
  }
  const begin = () => {
    disarm()
    if (fd === undefined || since === undefined) return
    since = undefined
    const done = Promise.withResolvers<void>()
    running = done.promise
    fdatasync(fd, (error) => {
      running = undefined
      if (error) onFailure(error)
      arm()
      done.resolve()
    })
  }
  const disarm = () => {
    clearTimeout(timer)
    timer = undefined
  }
  const settle = () => {
    if (fd === undefined || (since === undefined && running === undefined)) return
    disarm()
    since = undefined
    try {
      fdatasyncSync(fd)
    } catch (error) {
      onFailure(error)
      throw error
    }
  }
  return {
    ready() {
      try {
        fd ??= openSync(wal, "r+")
        return true
      } catch {
        return false
      }
    },
    written() {
      since ??= performance.now()
      arm()
    },
    synced() {
      disarm()
      since = undefined
    },
    settle,
    async close() {
      try {
        settle()
      } finally {
        // While it is under way the number must not become another file's.
        await running
        if (fd !== undefined) closeSync(fd)
        fd = undefined
      }
    },
  }
}

/** Syncs the WAL at this path once, if there is one: all that could be read of the record until now stays, whatever happens. */
export function syncWal(wal: string): void {
  let fd: number
  try {
    fd = openSync(wal, "r+")
  } catch (error) {
    // Brought into the database, which SQLite does only with syncs of its own.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return
    throw error
  }
  try {
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
