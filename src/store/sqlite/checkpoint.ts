// Keeping the WAL short. The deriver checkpoints beside the commits; only where it cannot reach the WAL's end, because
// there is always another commit, the committer makes it start over.
import type { DatabaseSync } from "node:sqlite"

/** Bytes after which the WAL should start over. */
const LIMIT = 64 * 1024 * 1024

/** Bytes between two attempts where a reader holds the WAL. */
const RETRY = 8 * 1024 * 1024

/** Bytes that a batch costs in the WAL besides its text: the pages that every commit writes again. */
const OVERHEAD = 512

export interface WalSize {
  /** About how many bytes went into the WAL since it started over; whoever inserts adds what it inserted. */
  written: number
}

/** To be called after each commit, with its number of batches: starts the WAL over where it has grown; never waits for a reader. */
export function limitWal(db: DatabaseSync, wal: WalSize, batches: number, limit: number = LIMIT): void {
  wal.written += batches * OVERHEAD
  if (wal.written < limit) return
  wal.written = restartWal(db) ? 0 : Math.max(0, limit - RETRY)
}

function restartWal(db: DatabaseSync): boolean {
  try {
    const [busy] = Object.values(db.prepare("PRAGMA wal_checkpoint(RESTART)").get() ?? {})
    return busy === 0
  } catch {
    // What was committed is durable in the WAL all the same. A disk that fails is found out by the next commit.
    return false
  }
}
