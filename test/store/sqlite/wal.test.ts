// The oracle is SQLite itself: what it recovers from the same bytes, as `PRAGMA wal_checkpoint` and `page_count` tell it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { loadSqlite } from "../../../src/store/sqlite/module.ts"
import { inspectWal } from "../../../src/store/sqlite/wal.ts"
import { killHard, makeDirectory, startScript } from "../directory.ts"

const { DatabaseSync } = loadSqlite()

const inspect = (wal: Uint8Array) => inspectWal(wal.length, (offset, length) => wal.subarray(offset, offset + length))

interface Crashed {
  database: Buffer
  wal: Buffer
}

/** A database with its WAL as a crash leaves them: `write` makes transactions, and nobody closes. */
function crash(pageSize: number, write: (db: InstanceType<typeof DatabaseSync>) => void): Crashed {
  const file = join(makeDirectory(), "live.db")
  const db = new DatabaseSync(file)
  db.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0`)
  db.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
  write(db)
  const crashed = { database: readFileSync(file), wal: readFileSync(`${file}-wal`) }
  db.close()
  return crashed
}

function insert(db: InstanceType<typeof DatabaseSync>, transactions: number, rows = 3): void {
  const statement = db.prepare("INSERT INTO rows (body) VALUES (?)")
  for (let i = 0; i < transactions; i++) {
    db.exec("BEGIN")
    for (let row = 0; row < rows; row++) statement.run(`${i}-${row}`.padEnd(200, "."))
    db.exec("COMMIT")
  }
}

let copies = 0

/** What SQLite makes of it: frames that it recovers, and the pages of the database then. */
function recover(directory: string, { database, wal }: Crashed): { committed: number; pages: number } {
  const copy = join(directory, String(copies++))
  mkdirSync(copy)
  writeFileSync(join(copy, "x.db"), database)
  writeFileSync(join(copy, "x.db-wal"), wal)
  const db = new DatabaseSync(join(copy, "x.db"))
  try {
    const pages = Number(db.prepare("PRAGMA page_count").get()?.["page_count"])
    const committed = Number(db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()?.["log"])
    expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" })
    return { committed, pages }
  } finally {
    db.close()
    rmSync(copy, { recursive: true })
  }
}

describe.each([512, 4096, 65536])("a WAL with pages of %i bytes", (pageSize) => {
  it("is read as SQLite recovers it, whole and cut or damaged anywhere", () => {
    const directory = makeDirectory()
    const whole = crash(pageSize, (db) => insert(db, 12))
    expect(inspect(whole.wal)).toMatchObject({ header: "valid", pageSize, tornBytes: 0 })
    expect(inspect(whole.wal)).toMatchObject(recover(directory, whole))
    expect(inspect(whole.wal).committed).toBeGreaterThanOrEqual(12)
    const at = fc.nat(whole.wal.length - 1)
    const change = fc.oneof(
      fc.record({ cut: at }),
      fc.record({ at, xor: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ garbage: fc.uint8Array({ minLength: 1, maxLength: 3000 }) }),
      fc.record({ zeros: fc.integer({ min: 1, max: 2 * pageSize }) }),
    )
    fc.assert(
      fc.property(change, (change) => {
        const wal = damage(whole.wal, change)
        const report = inspect(wal)
        const expected = recover(directory, { ...whole, wal })
        expect(report.committed).toBe(expected.committed)
        if (report.committed > 0) expect(report.pages).toBe(expected.pages)
        const kept = report.committed === 0 && report.header !== "valid" ? 0 : 32 + report.committed * (24 + pageSize)
        // Nothing here is of an earlier use, so all after the last commit is torn; an altered salt may look like one.
        if (!("xor" in change)) expect(report.tornBytes).toBe(wal.length - kept)
        expect(report.tornBytes).toBeLessThanOrEqual(wal.length - kept)
      }),
      { numRuns: 60 },
    )
  })
})

type Damage = { cut: number } | { at: number; xor: number } | { garbage: Uint8Array } | { zeros: number }

function damage(wal: Buffer, change: Damage): Buffer {
  if ("cut" in change) return wal.subarray(0, change.cut)
  if ("garbage" in change) return Buffer.concat([wal, change.garbage])
  if ("zeros" in change) return Buffer.concat([wal, Buffer.alloc(change.zeros)])
  const copy = Buffer.from(wal)
  copy[change.at] = copy[change.at]! ^ change.xor
  return copy
}

describe("inspectWal", () => {
  it("does not take frames of an earlier use of the file for torn ones", () => {
    const directory = makeDirectory()
    const reused = crash(4096, (db) => {
      insert(db, 40)
      db.exec("PRAGMA wal_checkpoint(RESTART)")
      insert(db, 2)
    })
    const report = inspect(reused.wal)
    expect(report).toMatchObject({ ...recover(directory, reused), tornBytes: 0 })
    expect(reused.wal.length).toBeGreaterThan(32 + report.frames * 4120)
    // A frame torn in the middle of what is left: only it counts.
    const last = 32 + (report.committed - 1) * 4120
    const torn = damage(reused.wal, { at: last + 2000, xor: 1 })
    expect(inspect(torn).tornBytes % 4120).toBe(0)
    expect(inspect(torn).tornBytes).toBe(last + 4120 - (32 + inspect(torn).committed * 4120))
  })

  it("counts the frames of a transaction that a kill cut short, spilled before its commit", async () => {
    const directory = makeDirectory()
    const file = join(directory, "x.db")
    const child = await startScript(`
      import { DatabaseSync } from "node:sqlite"
      const db = new DatabaseSync(${JSON.stringify(file)})
      db.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=5; CREATE TABLE rows (body TEXT)")
      db.exec("INSERT INTO rows VALUES ('kept'); BEGIN")
      for (let i = 0; i < 500; i++) db.prepare("INSERT INTO rows VALUES (?)").run("x".repeat(900))
      console.log("ready")
      setInterval(() => {}, 1000)`)
    await killHard(child)
    const crashed = { database: readFileSync(file), wal: readFileSync(`${file}-wal`) }
    const report = inspect(crashed.wal)
    expect(report).toMatchObject(recover(directory, crashed))
    expect(report.frames).toBeGreaterThan(report.committed + 10)
    expect(report.tornBytes).toBe((report.frames - report.committed) * 4120)
  })

  it("reads checksums in both orders of bytes", () => {
    const directory = makeDirectory()
    const crashed = crash(512, (db) => insert(db, 5))
    const swapped = { ...crashed, wal: swapOrder(crashed.wal, 512) }
    expect(inspect(swapped.wal)).toEqual(inspect(crashed.wal))
    expect(inspect(swapped.wal)).toMatchObject(recover(directory, swapped))
  })

  it("takes any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.boolean(), (bytes, magic) => {
        if (magic) bytes.set([0x37, 0x7f, 0x06, 0x82, 0, 0x2d, 0xe2, 0x18, 0, 0, 2, 0].slice(0, bytes.length))
        const { tornBytes, committed, header } = inspect(bytes)
        expect([tornBytes, committed, header]).toEqual([bytes.length, 0, bytes.length === 0 ? "none" : "damaged"])
      }),
    )
  })

  it("ends where a file ends earlier than it said", () => {
    const { wal } = crash(4096, (db) => insert(db, 12))
    const cut = wal.subarray(0, wal.length - 5000)
    const report = inspectWal(wal.length, (offset, length) => cut.subarray(offset, offset + length))
    expect(report.committed).toBe(inspect(cut).committed)
  })
})

/** The same log as a machine of the other byte order writes it: magic number and checksums differ. */
function swapOrder(wal: Buffer, pageSize: number): Buffer {
  const copy = Buffer.from(wal)
  copy.writeUInt32BE(0x377f0683, 0)
  const add = (sum: [bigint, bigint], bytes: Buffer): [bigint, bigint] => {
    let [a, b] = sum
    for (let i = 0; i < bytes.length; i += 8) {
      a = BigInt.asUintN(32, a + BigInt(bytes.readUInt32BE(i)) + b)
      b = BigInt.asUintN(32, b + BigInt(bytes.readUInt32BE(i + 4)) + a)
    }
    return [a, b]
  }
  const put = (sum: [bigint, bigint], at: number) => {
    copy.writeUInt32BE(Number(sum[0]), at)
    copy.writeUInt32BE(Number(sum[1]), at + 4)
  }
  let sum = add([0n, 0n], copy.subarray(0, 24))
  put(sum, 24)
  for (let at = 32; at < copy.length; at += 24 + pageSize) {
    sum = add(add(sum, copy.subarray(at, at + 8)), copy.subarray(at + 24, at + 24 + pageSize))
    put(sum, at + 16)
  }
  return copy
}
