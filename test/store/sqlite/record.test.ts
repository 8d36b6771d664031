import { existsSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { describe, expect, it, onTestFinished } from "vitest"
import { EXIT } from "../../../src/errors.ts"
import { recordMigrations } from "../../../src/store/migrate.ts"
import { loadSqlite } from "../../../src/store/sqlite/module.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { RECORD_VERSION } from "../../../src/store/versions.ts"
import { ROWS } from "../approval-rows.ts"
import { makeDirectory, source, startScript } from "../directory.ts"

const { DatabaseSync: Database } = loadSqlite()

const APPROVAL_TABLES = ["approvers", "approvals", "decisions", "policies", "adoptions"]
const ACTION_TABLES = ["credentials", "held", "usage"]

async function open(directory: string): Promise<DatabaseSync> {
  const db = await openRecord(directory)
  onTestFinished(() => {
    if (db.isOpen) db.close()
  })
  return db
}

const settingsOf = (db: DatabaseSync) =>
  Object.fromEntries(
    db
      .prepare("SELECT name, value FROM settings")
      .all()
      .map((row) => [row["name"], row["value"]]),
  )
const pragma = (db: DatabaseSync, name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]

describe("openRecord", () => {
  it("makes a record that syncs every commit, in files of this user alone", async () => {
    const directory = join(makeDirectory(), "a", "state")
    const db = await open(directory)
    expect(pragma(db, "journal_mode")).toBe("wal")
    expect(pragma(db, "synchronous")).toBe(2)
    expect(pragma(db, "wal_autocheckpoint")).toBe(0)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const name of ["record.db", "record.db-wal", "record.db-shm"]) {
      expect([name, statSync(join(directory, name)).mode & 0o777]).toEqual([name, 0o600])
    }
  })

  it("names the log once, for good", async () => {
    const directory = makeDirectory()
    const first = settingsOf(await open(directory))
    expect(first).toEqual({ origin: expect.stringMatching(/^nanoguard\/[0-9a-f]{16}$/), archived: "0" })
    expect(settingsOf(await open(directory))).toEqual(first)
    expect(settingsOf(await open(makeDirectory()))["origin"]).not.toBe(first["origin"])
  })

  it("is made once however many processes come at the same time, and loses none of what they write", async () => {
    const directory = join(makeDirectory(), "state")
    const text = `
      process.stdin.once("data", async () => {
        const { openRecord } = await import(${source("store/sqlite/record.ts")})
        const db = await openRecord(${JSON.stringify(directory)})
        for (let i = 0; i < 20; i++) {
          db.exec("BEGIN IMMEDIATE")
          const next = db.prepare("SELECT 1 + coalesce(max(seq), 0) AS n FROM events").get().n
          db.prepare("INSERT INTO events VALUES (?, ?)").run(next, process.pid + ":" + i)
          db.exec("COMMIT")
        }
        db.close()
        process.exit()
      })
      console.log("ready")`
    const children = await Promise.all(Array.from({ length: 4 }, () => startScript(text)))
    const codes = children.map((child) => new Promise((done) => child.once("exit", done)))
    for (const child of children) child.stdin?.write("go\n")
    expect(await Promise.all(codes)).toEqual(Array(4).fill(0))
    const db = await open(directory)
    const rows = db.prepare("SELECT seq, body FROM events ORDER BY seq").all()
    expect(rows.map((row) => row["seq"])).toEqual(Array.from({ length: 80 }, (_, i) => i + 1))
    const expected = children.flatMap((child) => Array.from({ length: 20 }, (_, i) => `${child.pid}:${i}`))
    expect(rows.map((row) => row["body"]).sort()).toEqual(expected.sort())
    expect(db.prepare("SELECT name FROM kysely_migration").all()).toHaveLength(RECORD_VERSION)
  })

  it("knows its own version", () => {
    expect(Object.keys(recordMigrations())).toHaveLength(RECORD_VERSION)
  })

  it("refuses a record of a newer version, and leaves it as it is", async () => {
    const directory = makeDirectory()
    const db = await open(directory)
    db.exec(`PRAGMA user_version=${RECORD_VERSION + 1}`)
    await expect(openRecord(directory)).rejects.toMatchObject({
      message: expect.stringContaining("newer version of nanoguard"),
      exit: EXIT.environment,
      where: { file: join(directory, "record.db") },
    })
    // As an unfinished update could leave it: the number of this version, a migration of the next.
    db.exec("INSERT INTO kysely_migration VALUES ('0099-later', '2026-11-21T00:00:00.000Z'); PRAGMA user_version=1")
    await expect(openRecord(directory)).rejects.toThrow("newer version of nanoguard")
    expect(pragma(db, "user_version")).toBe(1)
  })

  it("goes on where a migration was cut short", async () => {
    const directory = makeDirectory()
    const db = await open(directory)
    const names = () => db.prepare("SELECT name FROM sqlite_master ORDER BY name").all()
    const before = names()
    // As the first version of a record is: the log's tables, no trigger, no table of approvals.
    for (const row of db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all())
      db.exec(`DROP TRIGGER ${row["name"]}`)
    for (const table of [...APPROVAL_TABLES, ...ACTION_TABLES, "kills"]) db.exec(`DROP TABLE ${table}`)
    db.exec("INSERT INTO events VALUES (1, 'kept')")
    db.exec("DELETE FROM kysely_migration WHERE name <> '0001-record'; PRAGMA user_version=1")
    await open(directory)
    expect(names()).toEqual(before)
    expect(db.prepare("SELECT body FROM events").all()).toEqual([{ body: "kept" }])
    expect(pragma(db, "user_version")).toBe(RECORD_VERSION)
  })

  it("brings a record of version 3 to this one, and keeps what it has", async () => {
    const directory = makeDirectory()
    const db = await open(directory)
    const schema = () => db.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").all()
    const before = schema()
    // A table takes its triggers with it.
    for (const table of [...ACTION_TABLES, "kills"]) db.exec(`DROP TABLE ${table}`)
    db.exec("DELETE FROM kysely_migration WHERE name > '0003-approvals'; PRAGMA user_version=3")
    db.exec("INSERT INTO events VALUES (1, 'kept')")
    for (const row of ROWS) db.exec(row)
    await open(directory)
    expect(schema()).toEqual(before)
    expect(db.prepare("SELECT body FROM events").all()).toEqual([{ body: "kept" }])
    expect(db.prepare("SELECT id FROM approvals").all()).toHaveLength(2)
    expect(() => db.exec("DELETE FROM decisions")).toThrow("never removed")
    expect(pragma(db, "user_version")).toBe(RECORD_VERSION)
  })

  it("never writes to a database of another program or to what is none", async () => {
    const other = makeDirectory()
    const foreign = new Database(join(other, "record.db"))
    foreign.exec("CREATE TABLE theirs (a); PRAGMA user_version=7")
    foreign.close()
    await expect(openRecord(other)).rejects.toThrow("database of another program")
    const text = makeDirectory()
    writeFileSync(join(text, "record.db"), "these are my notes".repeat(100))
    await expect(openRecord(text)).rejects.toMatchObject({ exit: EXIT.environment, hint: expect.any(String) })
    expect(statSync(join(text, "record.db")).size).toBe(1800)
    expect(existsSync(join(text, "record.db-wal"))).toBe(false)
  })
})

describe("the guards", () => {
  const REFUSED = /append-only|never changed|never removed|keeps its name/

  it.each([
    ["a record changed", "UPDATE events SET body = 'x' WHERE seq = 2"],
    ["a record changed by its number", "UPDATE events SET seq = 9 WHERE seq = 3"],
    ["a record removed", "DELETE FROM events WHERE seq = 3"],
    ["all removed", "DELETE FROM events"],
    ["one replaced", "REPLACE INTO events VALUES (2, 'x')"],
    ["the last one replaced", "REPLACE INTO events VALUES (3, 'x')"],
    ["one put over another", "INSERT INTO events VALUES (2, 'x') ON CONFLICT DO UPDATE SET body = 'x'"],
    ["a gap", "INSERT INTO events VALUES (5, 'x')"],
    ["a number below", "INSERT INTO events VALUES (0, 'x')"],
    ["two with one gap", "INSERT INTO events VALUES (4, 'x'), (6, 'x')"],
    ["a checkpoint changed", "UPDATE checkpoints SET root = 'x'"],
    ["a checkpoint removed", "DELETE FROM checkpoints"],
    ["a commitment changed", "UPDATE people SET value = 'x'"],
    ["another name", "UPDATE settings SET value = 'nanoguard/x' WHERE name = 'origin'"],
    ["no name", "DELETE FROM settings WHERE name = 'origin'"],
    ["archived taken back", "UPDATE settings SET value = '0' WHERE name = 'archived'"],
    ["archived forgotten", "DELETE FROM settings WHERE name = 'archived'"],
    ["a setting renamed to hide it", "UPDATE settings SET name = 'x' WHERE name = 'archived'"],
    ["a number as text", "INSERT INTO events VALUES ('four', 'x')"],
    ["no body", "INSERT INTO events VALUES (4, NULL)"],
  ])("refuse %s", async (_, statement) => {
    const directory = makeDirectory()
    const db = await open(directory)
    db.exec("INSERT INTO events VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    db.exec("INSERT INTO checkpoints VALUES (3, 'r', 'n', 1); INSERT INTO people VALUES ('person:x', 's', 'ana')")
    db.exec("UPDATE settings SET value = '1' WHERE name = 'archived'")
    // Also for a program that does not know nanoguard's settings.
    const foreign = new Database(join(directory, "record.db"))
    onTestFinished(() => foreign.close())
    for (const connection of [db, foreign]) {
      const before = dump(connection)
      expect(() => connection.exec(statement)).toThrow(
        statement.includes("four") || statement.includes("NULL") ? "" : REFUSED,
      )
      expect(dump(connection)).toEqual(before)
    }
  })

  it("let the log grow, archived records go, people be erased, and the log go on after all was archived", async () => {
    const db = await open(makeDirectory())
    db.exec("INSERT INTO events VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    db.exec("UPDATE settings SET value = '3' WHERE name = 'archived'; DELETE FROM events WHERE seq <= 3")
    expect(() => db.exec("INSERT INTO events VALUES (1, 'again')")).toThrow(REFUSED)
    db.exec("INSERT INTO events VALUES (4, 'd')")
    db.exec("INSERT INTO people VALUES ('person:x', 's', 'ana'); DELETE FROM people")
    expect(db.prepare("SELECT seq FROM events").all()).toEqual([{ seq: 4 }])
  })
})

function dump(db: DatabaseSync): unknown {
  return ["events", "checkpoints", "people", "settings"].map((table) => db.prepare(`SELECT * FROM ${table}`).all())
}
