// index.db, ready to be derived into. It is never needed for the truth, so what is wrong with it is answered by a new one.
import { renameSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { Kysely } from "kysely"
import { ensureIndexTables } from "../index-tables.ts"
import type { Tables } from "../schema.ts"
import { INDEX, openForWriting } from "./database.ts"
import { sqliteDialect } from "./dialect.ts"
import { isDamage, storeError } from "./errors.ts"
import { prepareDirectory } from "./files.ts"
import { withLock } from "./lock.ts"

export interface IndexFile {
  /** The connection itself, for the deriver's hot loop. Transactions begin with BEGIN IMMEDIATE. */
  connection: DatabaseSync
  /** The same connection, typed. */
  db: Kysely<Tables>
  /** True where everything is to be derived again: it was missing, damaged, of another version or of another log. */
  fresh: boolean
  close(): void
}

/**
 * Opens the index of the log named `origin` for writing, and makes a new one where it is missing, damaged, of another version
 * or of another log. Damage that shows only later is an error that `isDamage` knows: close, `discardIndex`, open again.
 */
export async function openIndex(directory: string, origin: string): Promise<IndexFile> {
  try {
    return await openOnce(directory, origin)
  } catch (error) {
    if (!isDamage(error)) throw error
    discardIndex(directory)
    return await openOnce(directory, origin)
  }
}

/**
 * Moves a damaged index aside (`index.db.damaged`, for examination), unless another process has replaced it meanwhile. Moved
 * and not deleted or overwritten, so that whoever still has it open goes on with files that belong together.
 */
export function discardIndex(directory: string): void {
  prepareDirectory(directory)
  withLock(join(directory, "index.lock"), () => {
    if (isSound(directory)) return
    for (const suffix of ["", "-wal", "-shm"]) moveAside(join(directory, INDEX), suffix)
  })
}

function moveAside(file: string, suffix: string): void {
  try {
    renameSync(`${file}${suffix}`, `${file}.damaged${suffix}`)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error
  }
}

function isSound(directory: string): boolean {
  try {
    const db = openForWriting(directory, INDEX)
    try {
      return Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0] === "ok"
    } finally {
      db.close()
    }
  } catch (error) {
    if (isDamage(error)) return false
    throw error
  }
}

async function openOnce(directory: string, origin: string): Promise<IndexFile> {
  const file = join(directory, INDEX)
  const connection = openForWriting(directory, INDEX)
  try {
    const db = new Kysely<Tables>({ dialect: sqliteDialect(connection, file) })
    connection.exec("BEGIN IMMEDIATE")
    const fresh = await ensureIndexTables(db, "sqlite", origin)
    connection.exec("COMMIT")
    return { connection, db, fresh, close: () => connection.close() }
  } catch (error) {
    // Ends its transaction too.
    connection.close()
    throw storeError(error, file)
  }
}
