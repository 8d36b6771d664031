import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { EXIT } from "../../src/errors.ts"
import { enterAsWriter } from "../../src/store/recovery.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { killHard, makeDirectory, source, startScript } from "./directory.ts"

const NOW = Date.UTC(2026, 10, 21)
const markers = (directory: string) => readdirSync(join(directory, "writers")).filter((name) => name !== "lock")

/** A second process that writes to the directory, and says so. */
const startWriter = (directory: string, gateway: string) =>
  startScript(`
    import { enterAsWriter } from ${source("store/recovery.ts")}
    import { openRecord } from ${source("store/sqlite/record.ts")}
    globalThis.kept = enterAsWriter(${JSON.stringify(directory)}, ${JSON.stringify(gateway)}, ${NOW})
    const db = await openRecord(${JSON.stringify(directory)})
    const next = "INSERT INTO events SELECT 1 + coalesce(max(seq), 0), '{}' FROM events"
    for (let i = 0; i < 5; i++) db.exec(next)
    console.log("ready")
    process.stdin.on("end", () => { db.close(); kept.leave(); process.exit() }).resume()`)

describe("enterAsWriter", () => {
  it("finds nothing in a new directory or after a clean end", async () => {
    const directory = join(makeDirectory(), "state")
    const child = await startWriter(directory, "one")
    expect(markers(directory)).toHaveLength(1)
    const gone = new Promise((done) => child.once("exit", done))
    child.stdin?.end()
    await gone
    expect(markers(directory)).toEqual([])
    const entry = enterAsWriter(directory, "two", NOW)
    expect(entry).toMatchObject({ deadWriters: [], tornBytes: 0 })
    entry.leave()
    expect(markers(directory)).toEqual([])
  })

  it("keeps its markers to this user", () => {
    const directory = makeDirectory()
    const entry = enterAsWriter(directory, "one", NOW)
    const [marker] = markers(directory)
    expect(statSync(join(directory, "writers")).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, "writers", marker!)).mode & 0o777).toBe(0o600)
    entry.leave()
  })

  it("tells a killed writer from one that lives, and tells it to one process", async () => {
    const directory = makeDirectory()
    const [dead, living] = [await startWriter(directory, "dead"), await startWriter(directory, "living")]
    await killHard(dead)
    const first = enterAsWriter(directory, "first", NOW)
    expect(first.deadWriters).toEqual([{ gateway: "dead", pid: dead.pid, since: NOW }])
    const second = enterAsWriter(directory, "second", NOW)
    expect(second.deadWriters).toEqual([])
    first.settle()
    first.leave()
    second.leave()
    expect(markers(directory)).toEqual([expect.stringMatching(`^${living.pid}-`)])
  })

  it("leaves a dead writer to the next where its end was not recorded", async () => {
    const directory = makeDirectory()
    const child = await startWriter(directory, "dead")
    await killHard(child)
    const first = enterAsWriter(directory, "first", NOW)
    first.leave()
    const second = enterAsWriter(directory, "second", NOW)
    expect([first.deadWriters, second.deadWriters]).toEqual(
      Array(2).fill([expect.objectContaining({ gateway: "dead" })]),
    )
    second.settle()
    second.leave()
    const third = enterAsWriter(directory, "third", NOW)
    expect(third.deadWriters).toEqual([])
    third.leave()
  })

  it("is not confused by a number that another process has got since", async () => {
    const directory = makeDirectory()
    await killHard(await startWriter(directory, "dead"))
    const [marker] = markers(directory)
    // The same marker under the number of a process that lives: this one.
    copyFileSync(join(directory, "writers", marker!), join(directory, "writers", `${process.pid}-0123456789abcdef`))
    const entry = enterAsWriter(directory, "next", NOW)
    expect(entry.deadWriters.map((writer) => writer.gateway)).toEqual(["dead", "dead"])
    entry.settle()
    entry.leave()
  })

  it("takes a damaged marker for a dead writer, and leaves one alone that is only being made", () => {
    const directory = makeDirectory()
    const writers = join(directory, "writers")
    mkdirSync(writers)
    writeFileSync(join(writers, "1-00000000000000aa"), "not a database, but longer than nothing at all")
    writeFileSync(join(writers, "2-00000000000000bb"), "")
    writeFileSync(join(writers, "3-00000000000000cc"), "")
    writeFileSync(join(writers, "notes.txt"), "mine")
    utimesSync(join(writers, "2-00000000000000bb"), NOW / 1000, NOW / 1000)
    utimesSync(join(writers, "3-00000000000000cc"), NOW / 1000 - 3600, NOW / 1000 - 3600)
    const entry = enterAsWriter(directory, "next", NOW)
    expect(entry.deadWriters).toEqual([{ gateway: "", pid: 1, since: 0 }])
    entry.settle()
    entry.leave()
    expect(markers(directory)).toEqual(["2-00000000000000bb", "notes.txt"])
  })

  it("counts the torn bytes of a killed writer's WAL once, and no acknowledged record is lost", async () => {
    const directory = makeDirectory()
    const child = await startWriter(directory, "dead")
    await killHard(child)
    appendFileSync(join(directory, "record.db-wal"), Buffer.alloc(777, 0x5a))
    const entry = enterAsWriter(directory, "next", NOW)
    expect(entry).toMatchObject({ deadWriters: [{ gateway: "dead" }], tornBytes: 777 })
    const db = await openRecord(directory)
    expect(db.prepare("SELECT count(*) AS n, max(seq) AS last FROM events").get()).toEqual({ n: 5, last: 5 })
    entry.settle()
    db.close()
    entry.leave()
    expect(existsSync(join(directory, "record.db-wal"))).toBe(false)
  })

  it("enters while others read and write, without a false alarm", async () => {
    const directory = makeDirectory()
    const busy = await startScript(`
      import { enterAsWriter } from ${source("store/recovery.ts")}
      import { openRecord } from ${source("store/sqlite/record.ts")}
      globalThis.kept = enterAsWriter(${JSON.stringify(directory)}, "busy", ${NOW})
      const db = await openRecord(${JSON.stringify(directory)})
      const next = db.prepare("INSERT INTO events SELECT 1 + coalesce(max(seq), 0), '{}' FROM events")
      next.run()
      console.log("ready")
      setInterval(() => { try { for (let i = 0; i < 20; i++) next.run() } catch {} }, 1)`)
    for (let i = 0; i < 10; i++) {
      const entry = enterAsWriter(directory, `visitor-${i}`, NOW)
      expect(entry).toMatchObject({ deadWriters: [], tornBytes: 0 })
      entry.leave()
    }
    await killHard(busy)
  })

  it("says what is wrong where it may not write", () => {
    const base = makeDirectory()
    writeFileSync(join(base, "state"), "")
    expect(() => enterAsWriter(join(base, "state"), "one", NOW)).toThrow(
      expect.objectContaining({ exit: EXIT.environment, where: { file: join(base, "state") } }),
    )
  })

  it("survives writers that are killed while they enter", () => {
    const directory = makeDirectory()
    const text = `
      import { enterAsWriter } from ${source("store/recovery.ts")}
      setTimeout(() => process.kill(process.pid, "SIGKILL"), Number(process.env.DIE))
      for (;;) { enterAsWriter(${JSON.stringify(directory)}, "x", Date.now()); await new Promise((done) => setImmediate(done)) }`
    for (const die of ["1", "2", "4"]) {
      const { signal } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", text], {
        env: { ...process.env, DIE: die },
      })
      expect(signal).toBe("SIGKILL")
    }
    const entry = enterAsWriter(directory, "next", NOW)
    expect(entry.deadWriters.length).toBeGreaterThan(0)
    entry.settle()
    entry.leave()
  })
})
