import { Kysely, sql } from "kysely"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"
import { loadSqlite } from "../../../src/store/sqlite/module.ts"

interface Rows {
  rows: { id: number; name: string | null; data: Uint8Array | null }
}

const { DatabaseSync } = loadSqlite()
let connection: InstanceType<typeof DatabaseSync>
let prepared: string[]
let db: Kysely<Rows>

beforeEach(() => {
  connection = new DatabaseSync(":memory:")
  connection.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, data BLOB) STRICT")
  prepared = []
  const prepare = connection.prepare.bind(connection)
  connection.prepare = (text: string) => {
    prepared.push(text)
    return prepare(text)
  }
  db = new Kysely<Rows>({ dialect: sqliteDialect(connection, "test.db") })
})
afterEach(() => {
  if (connection.isOpen) connection.close()
})

const insert = (ids: number[]) => db.insertInto("rows").values(ids.map((id) => ({ id, name: `n${id}` })))

describe("the dialect", () => {
  it("tells statements that give rows from those that do not, RETURNING and PRAGMA among them", async () => {
    const result = await insert([1, 2]).executeTakeFirst()
    expect(result).toMatchObject({ insertId: 2n, numInsertedOrUpdatedRows: 2n })
    expect(await insert([3]).returning(["id", "name"]).execute()).toEqual([{ id: 3, name: "n3" }])
    expect(
      (await db.updateTable("rows").set({ name: "x" }).where("id", "<", 3).executeTakeFirst()).numUpdatedRows,
    ).toBe(2n)
    expect((await db.deleteFrom("rows").executeTakeFirst()).numDeletedRows).toBe(3n)
    expect((await sql`pragma user_version`.execute(db)).rows).toEqual([{ user_version: 0 }])
  })

  it("carries bytes, bigints, booleans and null, and refuses an integer that a number cannot hold", async () => {
    const data = Uint8Array.from([0, 255, 10])
    await db.insertInto("rows").values({ id: 1, name: null, data }).execute()
    expect(await db.selectFrom("rows").selectAll().executeTakeFirst()).toEqual({ id: 1, name: null, data })
    const bound = await sql<{ a: number; b: number }>`select ${true} as a, ${5n} as b`.execute(db)
    expect(bound.rows).toEqual([{ a: 1, b: 5 }])
    await expect(sql`select ${2n ** 60n} as n`.execute(db)).rejects.toThrow(RangeError)
  })

  it("prepares a text once, and lets go of those used longest ago", async () => {
    const first = () => db.selectFrom("rows").selectAll().where("id", "=", 1).execute()
    for (let i = 0; i < 5; i++) await first()
    expect(prepared).toHaveLength(1)
    for (let i = 0; i < 300; i++) {
      await sql.raw(`select ${i}`).execute(db)
      await first()
    }
    expect(prepared).toHaveLength(301)
    await sql.raw("select 0").execute(db)
    expect(prepared).toHaveLength(302)
  })

  it("streams, and can be left in the middle", async () => {
    await insert(Array.from({ length: 1000 }, (_, i) => i + 1)).execute()
    const query = db.selectFrom("rows").select("id").orderBy("id")
    const seen: number[] = []
    for await (const row of query.stream()) {
      seen.push(row.id)
      if (row.id === 10) break
    }
    expect(seen).toHaveLength(10)
    await db.deleteFrom("rows").where("id", ">", 500).execute()
    let count = 0
    for await (const _ of query.stream()) count += 1
    expect(count).toBe(500)
  })

  it("gives a transaction the connection alone", async () => {
    const order: string[] = []
    const transaction = db.transaction().execute(async (trx) => {
      await trx.insertInto("rows").values({ id: 1, name: "a" }).execute()
      await new Promise((done) => setTimeout(done, 5))
      order.push("inside")
      throw new Error("undone")
    })
    const beside = db
      .selectFrom("rows")
      .select("id")
      .execute()
      .then((rows) => {
        order.push("beside")
        return rows
      })
    await expect(transaction).rejects.toThrow("undone")
    expect(await beside).toEqual([])
    expect(order).toEqual(["inside", "beside"])
  })

  it("leaves constraints as they are and turns failures of the surroundings into errors with a hint", async () => {
    await insert([1]).execute()
    await expect(insert([1]).execute()).rejects.toMatchObject({ code: "ERR_SQLITE_ERROR" })
    connection.exec("PRAGMA query_only=ON")
    const error = await insert([2])
      .execute()
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(NanoguardError)
    expect(error).toMatchObject({ exit: 5, where: { file: "test.db" } })
  })

  it("closes the connection", async () => {
    await insert([1]).execute()
    await db.destroy()
    expect(connection.isOpen).toBe(false)
  })
})
