import { closeSync, existsSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { INDEX_VERSION } from "../../../src/store/index-tables.ts"
import { isDamage } from "../../../src/store/sqlite/errors.ts"
import { discardIndex, type IndexFile, openIndex } from "../../../src/store/sqlite/index-file.ts"
import { makeDirectory, source, startScript } from "../directory.ts"

const ORIGIN = "nanoguard/0123456789abcdef"

async function open(directory: string, origin = ORIGIN): Promise<IndexFile> {
  const index = await openIndex(directory, origin)
  onTestFinished(() => index.close())
  return index
}

const fill = (index: IndexFile) => index.connection.exec("UPDATE derived SET value = '7' WHERE name = 'seq'")
const factsOf = (index: IndexFile) => index.db.selectFrom("derived").selectAll().orderBy("name").execute()
const NEW = [
  { name: "origin", value: ORIGIN },
  { name: "seq", value: "0" },
  { name: "version", value: String(INDEX_VERSION) },
]

describe("openIndex", () => {
  it("makes empty tables once", async () => {
    const directory = makeDirectory()
    const index = await open(directory)
    expect(index.fresh).toBe(true)
    expect(await factsOf(index)).toEqual(NEW)
    fill(index)
    const again = await open(directory)
    expect(again.fresh).toBe(false)
    expect((await factsOf(again))[1]).toEqual({ name: "seq", value: "7" })
  })

  it.each([
    ["another version", "UPDATE derived SET value = '0' WHERE name = 'version'"],
    ["no version", "DELETE FROM derived WHERE name = 'version'"],
    ["no position", "DELETE FROM derived WHERE name = 'seq'"],
    ["a table that is missing", "DROP TABLE touched"],
  ])("starts anew from %s", async (_, change) => {
    const directory = makeDirectory()
    const old = await open(directory)
    fill(old)
    old.connection.exec("INSERT INTO items VALUES (1, 'package', 'pkg:npm/x', '', '')")
    old.connection.exec(change)
    const index = await open(directory)
    expect(index.fresh).toBe(true)
    expect(await factsOf(index)).toEqual(NEW)
    expect(await index.db.selectFrom("items").selectAll().execute()).toEqual([])
  })

  it("starts anew for another log", async () => {
    const directory = makeDirectory()
    fill(await open(directory))
    expect((await open(directory, "nanoguard/fedcba9876543210")).fresh).toBe(true)
  })

  it("starts anew where the file is no database, and keeps that for examination", async () => {
    const directory = makeDirectory()
    writeFileSync(join(directory, "index.db"), "not a database at all ".repeat(400))
    const index = await open(directory)
    expect(index.fresh).toBe(true)
    expect(existsSync(join(directory, "index.db.damaged"))).toBe(true)
  })

  it("goes on after damage that shows only later, while another process has the old file open", async () => {
    const directory = makeDirectory()
    const index = await openIndex(directory, ORIGIN)
    const insert = index.connection.prepare(
      "INSERT INTO entries VALUES (?, ?, 'package', 't', 'a', 'r', 'allow', 'released', ?, 1)",
    )
    for (let seq = 1; seq <= 3000; seq++) insert.run(seq, seq, seq % 9)
    index.connection.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    index.close()
    const other = await open(directory)
    const fd = openSync(join(directory, "index.db"), "r+")
    for (let page = 40; page < 60; page++) writeSync(fd, Buffer.alloc(4096, 0xee), 0, 4096, page * 4096)
    closeSync(fd)
    const damaged = await openIndex(directory, ORIGIN)
    expect(damaged.fresh).toBe(false)
    const later = await readAll(damaged)
    expect(isDamage(later)).toBe(true)
    discardIndex(directory)
    const index2 = await open(directory)
    expect(index2.fresh).toBe(true)
    expect(await factsOf(index2)).toEqual(NEW)
    // The other one's connection still is to the old file: what it does there reaches the new one no more.
    try {
      other.connection.exec("UPDATE derived SET value = '999' WHERE name = 'seq'")
    } catch (error) {
      expect(isDamage(error)).toBe(true)
    }
    expect(await factsOf(index2)).toEqual(NEW)
  })

  it("keeps a sound index that somebody wants to discard", async () => {
    const directory = makeDirectory()
    fill(await open(directory))
    discardIndex(directory)
    expect((await open(directory)).fresh).toBe(false)
  })

  it("is made once however many processes come at the same time", async () => {
    const directory = makeDirectory()
    const text = `
      process.stdin.once("data", async () => {
        const { openIndex } = await import(${source("store/sqlite/index-file.ts")})
        const index = await openIndex(${JSON.stringify(directory)}, ${JSON.stringify(ORIGIN)})
        index.close()
        process.exit(index.fresh ? 42 : 0)
      })
      console.log("ready")`
    const children = await Promise.all(Array.from({ length: 4 }, () => startScript(text)))
    const codes = children.map((child) => new Promise((done) => child.once("exit", done)))
    for (const child of children) child.stdin?.write("go\n")
    expect((await Promise.all(codes)).sort()).toEqual([0, 0, 0, 42])
  })

  it("may be deleted at any time", async () => {
    const directory = makeDirectory()
    const first = await openIndex(directory, ORIGIN)
    first.close()
    rmSync(join(directory, "index.db"))
    expect((await open(directory)).fresh).toBe(true)
  })
})

async function readAll(index: IndexFile): Promise<unknown> {
  try {
    return await index.db.selectFrom("entries").selectAll().execute()
  } catch (error) {
    return error
  } finally {
    index.close()
  }
}
