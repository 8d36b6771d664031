// Every error here is one that SQLite itself has made.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { describe, expect, it, onTestFinished } from "vitest"
import { EXIT, NanoguardError } from "../../../src/errors.ts"
import { isDamage, sqliteCode, storeError, withStoreErrors } from "../../../src/store/sqlite/errors.ts"
import { loadSqlite } from "../../../src/store/sqlite/module.ts"
import { makeDirectory } from "../directory.ts"

const { DatabaseSync: Database } = loadSqlite()

function make(): { file: string; db: DatabaseSync } {
  const file = join(makeDirectory(), "x.db")
  const db = open(file)
  db.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
  return { file, db }
}

function open(file: string, options = {}): DatabaseSync {
  const db = new Database(file, { timeout: 0, ...options })
  onTestFinished(() => db.close())
  return db
}

const FAULTS: Record<string, { code: number; says: RegExp; make: () => unknown }> = {
  "a disk that is full": {
    code: 13,
    says: /disk is full/,
    make: () => {
      const { db } = make()
      db.exec("PRAGMA max_page_count=3")
      return db.exec(`INSERT INTO rows (body) VALUES ('${"x".repeat(50_000)}')`)
    },
  },
  "a file that is read-only": {
    code: 8,
    says: /read-only/,
    make: () => open(make().file, { readOnly: true }).exec("DELETE FROM rows"),
  },
  "a lock that another holds": {
    code: 5,
    says: /locked by another process/,
    make: () => {
      const { file, db } = make()
      db.exec("BEGIN EXCLUSIVE")
      return open(file).exec("BEGIN EXCLUSIVE")
    },
  },
  "a table that this connection itself reads": {
    code: 6,
    says: /locked by another connection/,
    make: () => {
      const { db } = make()
      db.exec("INSERT INTO rows VALUES (1, 'a'), (2, 'b')")
      const rows = db.prepare("SELECT * FROM rows").iterate()
      rows.next()
      return db.exec("DROP TABLE rows")
    },
  },
  "a file that is no database": {
    code: 26,
    says: /not a database of nanoguard/,
    make: () => {
      const file = join(makeDirectory(), "x.db")
      writeFileSync(file, "garbage ".repeat(1000))
      return open(file).exec("SELECT * FROM sqlite_master")
    },
  },
  "a directory that is not there": {
    code: 14,
    says: /cannot be opened/,
    make: () => new Database(join(makeDirectory(), "missing", "x.db")),
  },
  "a damaged schema": {
    code: 11,
    says: /is damaged/,
    make: () => {
      const { file, db } = make()
      db.enableDefensive?.(false)
      db.exec("PRAGMA writable_schema=ON; UPDATE sqlite_master SET rootpage = 999")
      return open(file).exec("SELECT * FROM rows")
    },
  },
}

describe.each(Object.entries(FAULTS))("%s", (_, { code, says, make: fail }) => {
  it("is an environment error with what, where and a way on", () => {
    const raw = errorOf(fail)
    expect(sqliteCode(raw)).toBe(code)
    const error = storeError(raw, "/state/record.db") as NanoguardError
    expect(error).toBeInstanceOf(NanoguardError)
    expect(error).toMatchObject({ exit: EXIT.environment, where: { file: "/state/record.db" }, cause: raw })
    expect(error.message).toMatch(says)
    expect(error.hint).toMatch(/\w{3}/)
    expect(sqliteCode(error)).toBe(code)
    expect(isDamage(error)).toBe(code === 11 || code === 26)
    expect(storeError(error, "elsewhere")).toBe(error)
  })
})

describe("storeError", () => {
  it("gives every other error back as it is", () => {
    const { db } = make()
    db.exec("INSERT INTO rows VALUES (1, 'a')")
    const constraint = errorOf(() => db.exec("INSERT INTO rows VALUES (1, 'b')"))
    expect(sqliteCode(constraint)).toBe(19)
    for (const error of [constraint, new Error("x"), "text", undefined]) expect(storeError(error, "f")).toBe(error)
    expect(() => withStoreErrors("f", () => db.exec("nonsense"))).toThrow(/syntax error/)
  })
})

function errorOf(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error("it did not fail")
}
