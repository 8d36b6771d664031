import { DatabaseSync } from "node:sqlite"
import { Kysely } from "kysely"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { isDue, newestCheckpoint, takeCheckpoint } from "../../../src/audit/checkpoints/checkpoint.ts"
import { signCheckpoint, verifyCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { loadConsistency, loadInclusion, loadRoot, loadTiles } from "../../../src/audit/tree/tile-table.ts"
import { appendLeaves, type Edge, readEdge, tilesOfEdge } from "../../../src/audit/tree/tiles.ts"
import { createTables } from "../../../src/store/index-tables.ts"
import { migrateTo, recordMigrations } from "../../../src/store/migrate.ts"
import { openDatabase } from "../../../src/store/postgres/connect.ts"
import { parseServer } from "../../../src/store/postgres/url.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { KEY, ORIGIN } from "../anchors/log.ts"
import { leafHashes, mth } from "../oracle.ts"
import { consistencyProof, inclusionProof } from "../tree/proofs.ts"

async function sqliteStore(): Promise<Kysely<Tables>> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(new DatabaseSync(":memory:"), ":memory:") })
  onTestFinished(() => db.destroy())
  await migrateTo(db, recordMigrations(), ":memory:")
  await createTables(db, "sqlite")
  return db
}

/** As a gateway sees it, with a writer's rights. */
async function postgresStore(ctx: TestContext): Promise<Kysely<Tables>> {
  const database = await newStoreDatabase(ctx)
  // No checkpoint is over records that the log does not have: these were archived.
  await database.admin("update nanoguard.settings set value = '700' where name = 'archived'")
  const url = await database.login("gate", "nanoguard_writer")
  const db = await openDatabase(parseServer(url), "test")
  onTestFinished(() => db.destroy())
  return db
}

async function storeLeaves(db: Kysely<Tables>, edge: Edge, leaves: readonly Uint8Array[]): Promise<void> {
  for (const tile of appendLeaves(edge, Buffer.concat(leaves)).changed) {
    const write = db.insertInto("tiles").values({ ...tile, hashes: Buffer.from(tile.hashes) })
    await write
      .onConflict((conflict) => conflict.columns(["level", "position"]).doUpdateSet({ hashes: tile.hashes }))
      .execute()
  }
}

const leaves = leafHashes(700)
const take = (db: Kysely<Tables>, size: number, now = 1) =>
  takeCheckpoint({ record: db, index: db, size, signer: KEY, now })
const hex = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString("hex"))

describe.each([
  ["SQLite", sqliteStore],
  ["PostgreSQL", postgresStore],
])("in %s", (_, open) => {
  /** A store whose tree has these leaves. */
  async function storeOf(ctx: TestContext, some: readonly Uint8Array[]): Promise<Kysely<Tables>> {
    const db = await open(ctx)
    await storeLeaves(db, { size: 0, tiles: [] }, some)
    return db
  }

  describe("the tree in the store", () => {
    it("gives roots, proofs and its edge, and goes on from there", async (ctx) => {
      const db = await storeOf(ctx, leaves.slice(0, 600))
      expect(hex([await loadRoot(db, 600), await loadRoot(db, 0)])).toEqual(hex([mth(leaves.slice(0, 600)), mth([])]))
      expect(hex(await loadInclusion(db, 299, 600))).toEqual(hex(inclusionProof(leaves.slice(0, 600), 299)))
      expect(hex(await loadConsistency(db, 257, 600))).toEqual(hex(consistencyProof(leaves.slice(0, 600), 257)))
      await storeLeaves(db, readEdge(600, await loadTiles(db, tilesOfEdge(600))), leaves.slice(600))
      expect(hex([await loadRoot(db, 700)])).toEqual(hex([mth(leaves)]))
    })
  })

  describe("taking a checkpoint", () => {
    it("signs the root and stores the note", async (ctx) => {
      const db = await storeOf(ctx, leaves)
      expect(await newestCheckpoint(db)).toBeUndefined()
      await take(db, 300, 11)
      const { note } = await take(db, 700, 22)
      const checked = verifyCheckpoint(note, ORIGIN, [KEY])
      expect(checked.size).toBe(700)
      expect(hex([checked.root])).toEqual(hex([mth(leaves)]))
      const rows = await db.selectFrom("checkpoints").selectAll().orderBy("size").execute()
      expect(rows.map(({ size, time }) => [size, time])).toEqual([
        [300, 11],
        [700, 22],
      ])
      expect(rows[1]).toMatchObject({ note, root: Buffer.from(mth(leaves)).toString("base64") })
      expect(await newestCheckpoint(db)).toMatchObject({ size: 700, note, time: 22 })
    })

    it("gives what another process was faster to store", async (ctx) => {
      const db = await storeOf(ctx, leaves)
      const [a, b] = await Promise.all([take(db, 500), take(db, 500, 2)])
      expect(a.note).toBe(b.note)
      expect(await take(db, 500, 3)).toMatchObject({ size: 500, note: a.note })
      expect(await take(db, 400)).toMatchObject({ size: 500, note: a.note })
      expect(await db.selectFrom("checkpoints").selectAll().execute()).toHaveLength(1)
    })

    it("signs no tree that contradicts one that was signed", async (ctx) => {
      const db = await storeOf(ctx, leaves.with(100, leaves[0]!))
      const head = { size: 300, root: mth(leaves.slice(0, 300)) }
      const { note } = signCheckpoint(head, KEY)
      await db.insertInto("checkpoints").values({ size: 300, root: "", note, time: 1 }).execute()
      for (const size of [200, 300, 700]) {
        const error = { name: "SplitView", exit: 1, place: "the store", published: { size: 300 }, own: { size } }
        await expect(take(db, size), String(size)).rejects.toMatchObject(error)
      }
      expect(await db.selectFrom("checkpoints").selectAll().execute()).toHaveLength(1)
    })

    it("signs no tree that is not there", async (ctx) => {
      const db = await storeOf(ctx, leaves)
      await expect(take(db, 701)).rejects.toMatchObject({ name: "MissingTile", exit: 5 })
      await take(db, 700)
      await db.deleteFrom("tiles").where("level", "=", 0).where("position", "=", 2).execute()
      await expect(take(db, 690)).rejects.toMatchObject({ name: "MissingTile", level: 0, position: 2 })
    })
  })
})

describe("a checkpoint is due", () => {
  const last = { size: 100, time: 1_000_000 }
  const due = (size: number, now: number, since: typeof last | undefined = last) => isDue({ size, last: since, now })

  it("after so many records, after a time, and at the first record; never for nothing", () => {
    expect(due(100, 99_000_000)).toBe(false)
    expect(due(101, 1_009_999)).toBe(false)
    expect(due(101, 1_010_000)).toBe(true)
    expect(due(100 + 4095, 1_000_001)).toBe(false)
    expect(due(100 + 4096, 1_000_001)).toBe(true)
    expect(isDue({ size: 0, last: undefined, now: 5 })).toBe(false)
    expect(isDue({ size: 1, last: undefined, now: 5 })).toBe(true)
    expect(isDue({ size: 103, last, now: 1_000_001, everyRecords: 3 })).toBe(true)
    expect(isDue({ size: 101, last, now: 1_000_200, everyMs: 200 })).toBe(true)
  })

  it("also where the clock ran back", () => {
    expect(due(101, 5)).toBe(true)
    expect(due(90, 5)).toBe(false)
  })
})
