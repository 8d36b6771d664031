// A lock between processes that the system lets go of when its holder dies: SQLite's own, on a file of its own.

import { withStoreErrors } from "./errors.ts"
import { prepareFile } from "./files.ts"
import { loadSqlite } from "./module.ts"

/** Milliseconds to wait for another process. */
const WAIT = 30_000

/** Runs `work` while no other process or thread runs work under a lock on the same file. Errors: environment. */
export function withLock<T>(file: string, work: () => T): T {
  prepareFile(file)
  const { DatabaseSync: Database } = loadSqlite()
  const lock = withStoreErrors(file, () => new Database(file, { timeout: WAIT }))
  try {
    withStoreErrors(file, () => lock.exec("BEGIN EXCLUSIVE"))
    return work()
  } finally {
    lock.close()
  }
}
