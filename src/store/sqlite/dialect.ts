// Kysely's SQLite dialect over node:sqlite: the adapter between the two, with prepared statements kept by their text.
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely"
import { storeError, withStoreErrors } from "./errors.ts"

/** Statements that stay prepared; queries with lists of values have many texts. */
const MAX_STATEMENTS = 200

/**
 * A dialect on an open connection; Kysely hands its use to one query or transaction at a time. INTEGERs are numbers (beyond
 * 2^53 an error), BLOBs Uint8Array, booleans 0 and 1; a `bigint` may be passed in. Failures of SQLite's surroundings are
 * `NanoguardError`s that name `file`. `destroy()` closes the connection, if a query was ever made.
 */
export function sqliteDialect(db: DatabaseSync, file: string): SqliteDialect {
  return new SqliteDialect({ database: adaptDatabase(db, file) })
}

function adaptDatabase(db: DatabaseSync, file: string): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => db.close(),
    prepare: (sql) => {
      const kept = statements.get(sql)
      const statement = kept ?? withStoreErrors(file, () => adaptStatement(db.prepare(sql), file))
      // Last used last, so that the first is the one to let go.
      if (kept) statements.delete(sql)
      else if (statements.size >= MAX_STATEMENTS) statements.delete(statements.keys().next().value!)
      statements.set(sql, statement)
      return statement
    },
  }
}

function adaptStatement(statement: StatementSync, file: string): SqliteStatement {
  return {
    // A statement that gives rows has columns, RETURNING and PRAGMA among them.
    reader: statement.columns().length > 0,
    all: (parameters) => withStoreErrors(file, () => statement.all(...bindable(parameters))),
    run: (parameters) => withStoreErrors(file, () => statement.run(...bindable(parameters))),
    *iterate(parameters) {
      try {
        yield* statement.iterate(...bindable(parameters))
      } catch (error) {
        throw storeError(error, file)
      }
    },
  }
}

/** SQLite has no booleans, and node:sqlite refuses them. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => (typeof value === "boolean" ? Number(value) : value)) as SQLInputValue[]
}
