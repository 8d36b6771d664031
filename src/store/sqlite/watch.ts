// Hearing of other processes' commits to record.db. SQLite notifies nobody, but its data_version tells whether there was a
// commit, and a write to the WAL tells when to ask. What file systems do not tell is found by a slow look.
import { type FSWatcher, watch } from "node:fs"
import { join } from "node:path"
import { type Kysely, sql } from "kysely"
import type { Tables } from "../schema.ts"
import { RECORD } from "./database.ts"

/** Milliseconds between two looks where nothing is told. */
const LOOK = 250

/** Milliseconds between looks after a write to the WAL: it is a commit only once it is synced, and somebody may wait for what it says. */
const AFTER_WRITE = [1, 1, 1, 1, 1, 2, 3, 5, 10, 20, 60]

/** Calls back after commits of any other connection. Keeps no process alive. Returns what ends it. */
export function watchRecord(directory: string, db: Kysely<Tables>, notify: () => void): () => void {
  let version: number | undefined
  let stopped = false
  let asking = false
  let watcher: FSWatcher | undefined
  let burst: NodeJS.Timeout | undefined

  /** Whether there was a commit since the last question. */
  const ask = async (): Promise<boolean> => {
    if (asking || stopped) return false
    asking = true
    try {
      const { rows } = await sql<{ data_version: number }>`PRAGMA main.data_version`.execute(db)
      const found = rows[0]?.data_version
      const changed = version !== undefined && found !== version
      version = found
      if (changed && !stopped) notify()
      return changed
    } catch {
      // A store that cannot be read says so to whoever reads it.
      return false
    } finally {
      asking = false
    }
  }

  // One write is enough to know: a thousand more would cost this thread a thousand calls.
  const onWrite = () => {
    disarm()
    askLater(0)
  }
  const askLater = (step: number) => {
    burst = setTimeout(async () => {
      if ((await ask()) || step + 1 === AFTER_WRITE.length) arm()
      else if (!stopped) askLater(step + 1)
    }, AFTER_WRITE[step]).unref()
  }
  const arm = () => {
    if (stopped || watcher) return
    try {
      watcher = watch(join(directory, `${RECORD}-wal`), { persistent: false }, onWrite)
      watcher.on("error", disarm)
    } catch {
      // No watches left, or none on this file system.
    }
  }
  const disarm = () => {
    watcher?.close()
    watcher = undefined
  }

  const timer = setInterval(() => void ask(), LOOK).unref()
  void ask().then(arm)
  return () => {
    stopped = true
    clearInterval(timer)
    clearTimeout(burst)
    disarm()
  }
}
