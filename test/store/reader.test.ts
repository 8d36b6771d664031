import { execFileSync, spawnSync } from "node:child_process"
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import { sql } from "kysely"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { openReader, type Reader } from "../../src/store/reader.ts"
import { openIndex } from "../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { killHard, makeDirectory, runScript, source, startScript } from "./directory.ts"

const ctxOf = (home: string) => ({ env: { NANOGUARD_HOME: home } })

async function open(home: string): Promise<Reader> {
  const reader = await openReader(ctxOf(home))
  onTestFinished(() => reader.close())
  return reader
}

/** A home whose record holds three events, closed cleanly unless `then` takes it over. */
async function makeHome(then: (record: Awaited<ReturnType<typeof openRecord>>) => void = (record) => record.close()) {
  const home = makeDirectory()
  const record = await openRecord(join(home, "state"))
  record.exec("INSERT INTO events VALUES (1, 'a'), (2, 'b'), (3, 'c')")
  then(record)
  return home
}

async function addIndex(home: string) {
  const record = await openRecord(join(home, "state"))
  const origin = String(record.prepare("SELECT value FROM settings WHERE name = 'origin'").get()?.["value"])
  const index = await openIndex(join(home, "state"), origin)
  index.connection.exec("INSERT INTO items VALUES (1, 'package', 'pkg:npm/x', '1.0.0', '')")
  index.close()
  record.close()
}

const seqs = async (reader: Reader) =>
  (await reader.db.selectFrom("events").select("seq").orderBy("seq").execute()).map((row) => row.seq)

describe("openReader", () => {
  it("says that there is no record, and makes none", async () => {
    const home = join(makeDirectory(), "home")
    await expect(openReader(ctxOf(home))).rejects.toMatchObject({
      message: "there is no record here yet",
      exit: EXIT.environment,
      hint: expect.any(String),
      where: { file: join(home, "state") },
    })
    expect(existsSync(home)).toBe(false)
  })

  it("reads record and index under their own names, together", async () => {
    const home = await makeHome()
    await addIndex(home)
    const reader = await open(home)
    expect(reader).toMatchObject({ kind: "sqlite", directory: join(home, "state"), indexed: true, immutable: false })
    const rows = await reader.db
      .selectFrom("events")
      .innerJoin("items", "items.id", "events.seq")
      .select(["events.body", "items.name"])
      .execute()
    expect(rows).toEqual([{ body: "a", name: "pkg:npm/x" }])
  })

  it("gives empty derived tables where there is no index, a damaged one, or another log's", async () => {
    const home = await makeHome()
    const without = await open(home)
    expect(without.indexed).toBe(false)
    expect(await without.db.selectFrom("uses").selectAll().execute()).toEqual([])
    expect(await without.db.selectFrom("tiles").selectAll().execute()).toEqual([])
    writeFileSync(join(home, "state", "index.db"), "garbage ".repeat(2000))
    expect(await open(home)).toMatchObject({ indexed: false })
    rmSync(join(home, "state", "index.db"))
    const index = await openIndex(join(home, "state"), "nanoguard/another")
    index.close()
    const reader = await open(home)
    expect(reader.indexed).toBe(false)
    expect(await seqs(reader)).toEqual([1, 2, 3])
  })

  it("writes nothing, whatever it is asked", async () => {
    const home = await makeHome()
    await addIndex(home)
    const { db } = await open(home)
    for (const statement of [
      "INSERT INTO events VALUES (4, 'd')",
      "DELETE FROM people",
      "DELETE FROM items",
      "DROP TABLE settings",
      "PRAGMA main.user_version=1",
      `ATTACH '${join(home, "made.db")}' AS made`,
    ]) {
      await expect(sql.raw(statement).execute(db), statement).rejects.toThrow()
    }
    expect(existsSync(join(home, "made.db"))).toBe(false)
  })

  it("sees each commit of a process that writes, and the last ones of one that was killed", async () => {
    const home = await makeHome()
    const child = await startScript(`
      const { openRecord } = await import(${source("store/sqlite/record.ts")})
      const db = await openRecord(${JSON.stringify(join(home, "state"))})
      const next = db.prepare("INSERT INTO events SELECT max(seq) + 1, 'x' FROM events")
      process.stdin.on("data", () => { next.run(); console.log("written") })
      console.log("ready")`)
    const reader = await open(home)
    for (let last = 4; last < 8; last++) {
      const written = new Promise((done) => child.stdout?.once("data", done))
      child.stdin?.write("go\n")
      await written
      expect((await seqs(reader)).at(-1)).toBe(last)
    }
    await killHard(child)
    expect(await seqs(await open(home))).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it.each([
    ["no database", (file: string) => writeFileSync(file, "garbage ".repeat(2000))],
    [
      "one of another program",
      (file: string) =>
        runScript(`
      import { DatabaseSync } from "node:sqlite"
      new DatabaseSync(${JSON.stringify(file)}).exec("CREATE TABLE theirs (a)")`),
    ],
  ])("refuses what is %s", async (_, make) => {
    const home = await makeHome()
    const file = join(home, "state", "record.db")
    rmSync(file)
    make(file)
    const error = await openReader(ctxOf(home)).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(NanoguardError)
    expect(error).toMatchObject({ exit: EXIT.environment, hint: expect.any(String), where: { file } })
  })

  it("says that a record is damaged where a query meets the damage", async () => {
    const home = await makeHome((record) => {
      const insert = record.prepare("INSERT INTO events VALUES (?, ?)")
      for (let seq = 4; seq < 400; seq++) insert.run(seq, "x".repeat(900))
      record.close()
    })
    const fd = openSync(join(home, "state", "record.db"), "r+")
    for (let page = 30; page < 60; page++) writeSync(fd, Buffer.alloc(4096, 0xee), 0, 4096, page * 4096)
    closeSync(fd)
    const reader = await open(home)
    await expect(seqs(reader)).rejects.toMatchObject({ message: "the store is damaged", exit: EXIT.environment })
  })

  it("refuses a record of a newer version", async () => {
    const home = await makeHome((record) => {
      record.exec("PRAGMA user_version=99")
      record.close()
    })
    await expect(openReader(ctxOf(home))).rejects.toThrow("newer version of nanoguard")
  })
})

describe("where nobody can write", () => {
  it("reads a record that was closed, and its index, and changes nothing", async (ctx) => {
    const home = await makeHome()
    await addIndex(home)
    expect(readReadOnly(ctx, home)).toEqual({ immutable: true, indexed: true, seqs: [1, 2, 3], items: 1 })
    expect(readdirSync(join(home, "state")).sort()).toEqual(["index.db", "record.db"])
  })

  it("reads one without an index", async (ctx) => {
    expect(readReadOnly(ctx, await makeHome())).toEqual({ immutable: true, indexed: false, seqs: [1, 2, 3], items: 0 })
  })

  it("reads what a living gateway writes on the other side", async (ctx) => {
    let close = () => {}
    const home = await makeHome((record) => {
      close = () => record.close()
    })
    onTestFinished(() => close())
    expect(readReadOnly(ctx, home)).toEqual({ immutable: false, indexed: false, seqs: [1, 2, 3], items: 0 })
  })

  it("never shows an old state: with a WAL that cannot be read it says so", async (ctx) => {
    const home = await makeHome((record) => {
      onTestFinished(() => record.close())
    })
    const copy = join(makeDirectory(), "home")
    cpSync(home, copy, { recursive: true })
    rmSync(join(copy, "state", "record.db-shm"))
    expect(readReadOnly(ctx, copy)).toMatchObject({
      message: "the store cannot be read here: part of it is still in its write-ahead log",
      exit: EXIT.environment,
      hint: expect.stringContaining("copy the whole directory"),
    })
  })
})

/** Reads the home in a process of its own, for which it is on a read-only file system (for root) or closed to writing. */
function readReadOnly(ctx: TestContext, home: string): unknown {
  const text = `
    import { openReader } from ${source("store/reader.ts")}
    const reader = await openReader({ env: { NANOGUARD_HOME: ${JSON.stringify(home)} } }).catch((error) => error)
    if (reader instanceof Error) {
      console.log(JSON.stringify({ message: reader.message, exit: reader.exit, hint: reader.hint }))
    } else {
      const events = await reader.db.selectFrom("events").select("seq").execute()
      const items = await reader.db.selectFrom("items").selectAll().execute()
      const { immutable, indexed } = reader
      console.log(JSON.stringify({ immutable, indexed, seqs: events.map((row) => row.seq), items: items.length }))
    }`
  const node = [process.execPath, "--input-type=module-typescript", "-e", text]
  if (process.getuid?.() !== 0) {
    const state = join(home, "state")
    chmodSync(state, 0o500)
    onTestFinished(() => chmodSync(state, 0o700))
    return JSON.parse(execFileSync(node[0]!, node.slice(1), { encoding: "utf8" }))
  }
  const mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
  const { stdout, stderr, status } = spawnSync("unshare", ["-m", "sh", "-c", mount, home, ...node], {
    encoding: "utf8",
  })
  if (status !== 0 && /unshare|mount/.test(stderr ?? "unshare")) {
    ctx.skip("a read-only mount is missing: run the tests as a user, or as root with CAP_SYS_ADMIN and util-linux")
  }
  return JSON.parse(stdout)
}
