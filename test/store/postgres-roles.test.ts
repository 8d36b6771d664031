// What each role can do to the log, in SQL of its own: rights first, triggers behind them.
import type pg from "pg"
import { describe, expect, type TestContext, test } from "vitest"
import { newPerson } from "../../src/audit/sealing/people.ts"
import { migratePostgres, postgresMigrations } from "../../src/store/postgres/migrate.ts"
import { parseServer } from "../../src/store/postgres/url.ts"
import { checkSchema, POSTGRES_MIGRATIONS } from "../../src/store/postgres/version.ts"
import { type Database, newDatabase, newStoreDatabase, query, startCluster } from "../postgres.ts"

const DENIED = "42501"
const RESTRICTED = "23001"
const CHECKED = "23514"

/** A migrated database with three records of which the first is archived, and one person. */
async function filledDatabase(t: TestContext): Promise<Database & { as: (group: string) => Promise<string> }> {
  const database = await newStoreDatabase(t)
  const writer = await database.login("filler", "nanoguard_writer")
  await query(writer, "insert into nanoguard.events values (1, '{}'), (2, '{}'), (3, '{}')")
  const { commitment, salt, value } = newPerson("ana")
  await query(writer, `insert into nanoguard.people values ('${commitment}', '${salt}', '${value}')`)
  await query(writer, "insert into nanoguard.checkpoints values (3, 'root', 'note', 1)")
  await database.admin("update nanoguard.settings set value = '1' where name = 'archived'")
  return { ...database, as: (group) => database.login(group, `nanoguard_${group}`) }
}

/** The SQLSTATE that a statement fails with; "" where it succeeds. */
async function stateOf(url: string, sql: string): Promise<string> {
  return query(url, sql).then(
    () => "",
    (error: pg.DatabaseError) => error.code ?? "no SQLSTATE",
  )
}

async function expectStates(url: string, expected: Record<string, string>): Promise<void> {
  const states: Record<string, string> = {}
  for (const sql of Object.keys(expected)) states[sql] = await stateOf(url, sql)
  expect(states).toEqual(expected)
}

describe("a writer", () => {
  test("may add to the log and read it, and nothing else", async (t) => {
    const writer = await (await filledDatabase(t)).as("writer")
    await expectStates(writer, {
      "select body from nanoguard.events": "",
      "insert into nanoguard.events values (4, '{}')": "",
      "insert into nanoguard.events values (5, '{}'), (6, '{}')": "",
      "update nanoguard.events set body = '{}' where seq = 2": DENIED,
      "delete from nanoguard.events where seq = 3": DENIED,
      "truncate nanoguard.events": DENIED,
      "insert into nanoguard.events values (2, '{}') on conflict (seq) do update set body = 'x'": DENIED,
      "merge into nanoguard.events e using (select 2) x on e.seq = 2 when matched then delete": DENIED,
      "drop table nanoguard.events": DENIED,
      "alter table nanoguard.events disable trigger all": DENIED,
      "drop trigger events_append on nanoguard.events": DENIED,
      "create or replace function nanoguard.follows() returns trigger language plpgsql as $$ begin return null; end $$":
        DENIED,
      "set session_replication_role = replica": DENIED,
      "select * from nanoguard.events for update": DENIED,
      "begin; lock table nanoguard.events in share mode": DENIED,
      "create table nanoguard.mine (a int)": DENIED,
      "update nanoguard.people set value = 'ben'": DENIED,
      "delete from nanoguard.people": DENIED,
      "update nanoguard.checkpoints set note = 'x'": DENIED,
      "delete from nanoguard.checkpoints": DENIED,
      "update nanoguard.publications set size = 9": DENIED,
      "update nanoguard.settings set value = '9' where name = 'archived'": DENIED,
      "insert into nanoguard.settings values ('x', 'y')": DENIED,
      "delete from nanoguard.kysely_migration": DENIED,
      "delete from nanoguard.entries": "",
      "truncate nanoguard.tiles": "",
    })
  })

  test("cannot shut the log for the others: no checkpoint of what is to come, no body beyond a record's", async (t) => {
    const writer = await (await filledDatabase(t)).as("writer")
    await expectStates(writer, {
      "insert into nanoguard.checkpoints values (4, 'root', 'note', 1)": RESTRICTED,
      "insert into nanoguard.checkpoints values (1000000000, 'root', 'note', 1)": RESTRICTED,
      "insert into nanoguard.checkpoints values (0, 'root', 'note', 1)": RESTRICTED,
      "insert into nanoguard.checkpoints values (2, 'root', 'note', 1)": "",
      "insert into nanoguard.events values (4, repeat('é', 131073))": CHECKED,
      "insert into nanoguard.events values (4, repeat('é', 131072))": "",
    })
  })

  test("cannot shut the log by what it says of the index: neither more than the log has, nor another log", async (t) => {
    const database = await filledDatabase(t)
    const writer = await database.as("writer")
    await expectStates(writer, {
      "update nanoguard.derived set value = '4' where name = 'seq'": RESTRICTED,
      "update nanoguard.derived set value = '99999999999999999999' where name = 'seq'": RESTRICTED,
      "update nanoguard.derived set name = 'seq2' where name = 'seq'": "",
      "insert into nanoguard.derived values ('seq', '1000')": RESTRICTED,
      "insert into nanoguard.derived values ('seq', '3')": "",
      "update nanoguard.derived set value = 'nanoguard/other' where name = 'origin'": RESTRICTED,
      "truncate nanoguard.derived": "",
    })
    await database.admin("update nanoguard.settings set value = '3' where name = 'archived'")
    expect(await stateOf(writer, "insert into nanoguard.derived values ('seq', '3')")).toBe("")
  })

  test("adds people whose commitments open, and no others", async (t) => {
    const writer = await (await filledDatabase(t)).as("writer")
    const add = (commitment: string, salt: string, value: string) =>
      stateOf(writer, `insert into nanoguard.people values ('${commitment}', '${salt}', '${value}')`)
    for (const value of ["ben@acme.example", "", "Änne 🦊", "x".repeat(5000)]) {
      for (let i = 0; i < 8; i++) {
        const person = newPerson(`${value}${i}`)
        expect(await add(person.commitment, person.salt, `${value}${i} `)).toBe(CHECKED)
        expect(await add(person.commitment, newPerson("x").salt, person.value)).toBe(CHECKED)
        expect(await add(person.commitment, `${person.salt}=`, person.value)).toBe(CHECKED)
        expect(await add(person.commitment, person.salt, person.value)).toBe("")
      }
    }
    expect(await add("person:x", "salt", "carl")).toBe(CHECKED)
  })

  test("can only go on where the log ends", async (t) => {
    const writer = await (await filledDatabase(t)).as("writer")
    await expectStates(writer, {
      "insert into nanoguard.events values (5, '{}')": RESTRICTED,
      "insert into nanoguard.events values (0, '{}')": RESTRICTED,
      "insert into nanoguard.events values (-1, '{}')": RESTRICTED,
      "insert into nanoguard.events values (3, '{}')": "23505",
      "insert into nanoguard.events values (4, '{}'), (6, '{}')": RESTRICTED,
      "insert into nanoguard.events values (6, '{}'), (5, '{}'), (4, '{}')": "",
      "insert into nanoguard.events select from nanoguard.events where false": "",
      "insert into nanoguard.events values (8, '{}')": RESTRICTED,
    })
  })

  test("is not led astray by tables and operators of its own", async (t) => {
    const database = await filledDatabase(t)
    const writer = await database.as("writer")
    await database.admin(`create schema evil; grant all on schema evil to ${database.name}_writer`)
    const function_ = "create function evil.eq(bigint, bigint) returns boolean language sql as 'select false'"
    const operator = "create operator evil.<> (function = evil.eq, leftarg = bigint, rightarg = bigint)"
    const table = "create temp table settings (name text, value text); insert into settings values ('archived', '50')"
    const sql = `${function_}; ${operator}; ${table}; set search_path = evil, pg_temp, nanoguard, pg_catalog; insert into nanoguard.events values (51, '{}')`
    expect(await stateOf(writer, sql)).toBe(RESTRICTED)
  })
})

describe("the other roles", () => {
  test("a reader reads everything and changes nothing", async (t) => {
    const reader = await (await filledDatabase(t)).as("reader")
    const tables = ["events", "people", "checkpoints", "publications", "settings", "tiles", "entries", "derived"]
    for (const table of tables) {
      expect(await stateOf(reader, `select * from nanoguard.${table}`)).toBe("")
      expect(await stateOf(reader, `delete from nanoguard.${table}`)).toBe(DENIED)
      expect(await stateOf(reader, `insert into nanoguard.${table} select * from nanoguard.${table}`)).toBe(DENIED)
    }
  })

  test("an eraser removes people and archived records, and no other", async (t) => {
    const eraser = await (await filledDatabase(t)).as("eraser")
    await expectStates(eraser, {
      "update nanoguard.people set value = 'ben'": DENIED,
      "delete from nanoguard.people": "",
      "delete from nanoguard.events where seq = 2": RESTRICTED,
      "delete from nanoguard.events": RESTRICTED,
      "delete from nanoguard.events where seq = 1": "",
      "truncate nanoguard.events": DENIED,
      "update nanoguard.events set body = 'x'": DENIED,
      "update nanoguard.settings set value = '0' where name = 'archived'": RESTRICTED,
      "update nanoguard.settings set value = 'other' where name = 'origin'": RESTRICTED,
      "update nanoguard.settings set name = 'x' where name = 'archived'": DENIED,
      "update nanoguard.settings set value = '3' where name = 'archived'": "",
      "delete from nanoguard.events where seq <= 3": "",
      // All bodies are archived, and the log still goes on where it ended.
      "insert into nanoguard.events values (1, '{}')": RESTRICTED,
      "insert into nanoguard.events values (4, '{}')": "",
    })
  })

  test("a stranger gets nothing, and the owner no further than the triggers", async (t) => {
    const database = await filledDatabase(t)
    await expectStates(await database.login("stranger"), {
      "select * from nanoguard.events": DENIED,
      "select * from nanoguard.settings": DENIED,
    })
    const always = "set session_replication_role = replica; "
    for (const url of [database.url, undefined]) {
      const run = (sql: string) => (url ? stateOf(url, sql) : database.admin(`${always}${sql}`).then(() => "", codeOf))
      expect(await run("update nanoguard.events set body = 'x'")).toBe(RESTRICTED)
      expect(await run("delete from nanoguard.events")).toBe(RESTRICTED)
      expect(await run("truncate nanoguard.events")).toBe(RESTRICTED)
      expect(await run("truncate nanoguard.settings")).toBe(RESTRICTED)
      expect(await run("delete from nanoguard.settings")).toBe(RESTRICTED)
      expect(await run("delete from nanoguard.checkpoints")).toBe(RESTRICTED)
      expect(await run("update nanoguard.checkpoints set note = 'x'")).toBe(RESTRICTED)
      expect(await run("insert into nanoguard.events values (9, '{}')")).toBe(RESTRICTED)
    }
  })
})

const codeOf = (error: pg.DatabaseError) => error.code ?? ""

describe("migration", () => {
  test("may be repeated, several at once, and keeps what is there", async (t) => {
    const database = await newDatabase(t)
    const server = parseServer(database.url)
    const made = await Promise.all([1, 2, 3].map(() => migratePostgres(server)))
    expect(made.flatMap(({ migrations }) => migrations).toSorted()).toEqual(POSTGRES_MIGRATIONS)
    expect(Object.keys(postgresMigrations())).toEqual(POSTGRES_MIGRATIONS)
    const origin = async () => (await database.admin("select value from nanoguard.settings where name = 'origin'")).rows
    const before = await origin()
    expect(await migratePostgres(server)).toEqual({ migrations: [], roles: [], index: false })
    expect(await origin()).toEqual(before)
  })

  test("brings a record of version 3 to this one, and keeps what it has", async (t) => {
    const database = await filledDatabase(t)
    await database.admin("drop table nanoguard.credentials, nanoguard.held, nanoguard.usage, nanoguard.kills")
    await database.admin("drop function nanoguard.held_stays, nanoguard.used_stays, nanoguard.kill_follows")
    await database.admin("delete from nanoguard.kysely_migration where name > '0003-approvals'")
    const writer = await database.as("writer")
    await expect(
      checkSchema({ query: (sql: string) => query(writer, sql) } as never, parseServer(writer)),
    ).rejects.toThrow("older version")
    expect(await migratePostgres(parseServer(database.url))).toEqual({
      ...{ migrations: ["0004-actions", "0005-kills"], roles: [], index: false },
    })
    expect((await database.admin("select * from nanoguard.events")).rowCount).toBe(3)
    expect(await stateOf(writer, "insert into nanoguard.usage values ('r/requests', 0, 1)")).toBe("")
    expect(await stateOf(writer, "delete from nanoguard.credentials")).toBe(DENIED)
  })

  test("makes the derived tables of another version anew, and leaves the log", async (t) => {
    const database = await filledDatabase(t)
    await database.admin("update nanoguard.derived set value = '0' where name = 'version'")
    expect(await migratePostgres(parseServer(database.url))).toMatchObject({ migrations: [], index: true })
    expect((await database.admin("select * from nanoguard.events")).rowCount).toBe(3)
    expect(await stateOf(await database.as("writer"), "insert into nanoguard.touched values ('a', 1)")).toBe("")
  })

  test("is not confused by another program's tables in the same database", async (t) => {
    const database = await newDatabase(t)
    await database.admin("create table events (a int); create table kysely_migration (name text)")
    await database.admin("create table derived (name text); create table kysely_migration_lock (id text)")
    await migratePostgres(parseServer(database.url))
    expect((await database.admin("select * from nanoguard.settings")).rowCount).toBe(2)
  })

  test("says which SQL an administrator has to run where the owner may not create roles", async (t) => {
    const cluster = await startCluster(t)
    t.onTestFinished(() => cluster.stop())
    const database = await cluster.database()
    await database.admin(`alter role ${database.owner} nocreaterole`)
    const failed = await migratePostgres(parseServer(database.url)).catch((error) => error)
    expect(failed).toMatchObject({ exit: 5 })
    const hint = /as an administrator: (.*;) then repeat/.exec(failed.hint)
    await database.admin(hint![1]!)
    expect(await migratePostgres(parseServer(database.url))).toMatchObject({ index: true, roles: [] })
  })
})
