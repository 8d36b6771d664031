// Group commit on files, with a disk that is full, read-only or failing, and with others who write.
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, onTestFinished, type TestContext, test } from "vitest"
import type { LogRecord, NewEvent } from "../../../src/audit/types.ts"
import { EXIT } from "../../../src/errors.ts"
import type { Conflict } from "../../../src/store/conflict.ts"
import type { Engine, Outcome, PendingBatch } from "../../../src/store/engine.ts"
import { openSqliteEngine, type SqliteEngineOptions } from "../../../src/store/sqlite/commit.ts"
import { makeDirectory } from "../directory.ts"

const NOW = Date.UTC(2026, 10, 21, 12)

async function openEngine(directory: string, more: Partial<SqliteEngineOptions> = {}): Promise<Engine> {
  const commitKey = new Uint8Array(32).fill(7)
  const engine = await openSqliteEngine({ directory, gateway: "gw", commitKey, now: () => NOW, ...more })
  onTestFinished(() => engine.close())
  return engine
}

const event = (subject: string, more: Partial<NewEvent> = {}): NewEvent => ({
  ...{ type: "package.decided", subject, gateway: "gw", ...more },
})

const append = (...events: NewEvent[]): PendingBatch => ({ changes: [], events })

/** A change that fails for every `name` but the first one: a compare-and-set. */
const claim = (name: string) => ({
  sql: "INSERT INTO settings (name, value) SELECT ?, 'x' WHERE NOT EXISTS (SELECT 1 FROM settings WHERE name = ?)",
  parameters: [name, name],
  expect: 1,
})

function openRecord(directory: string): DatabaseSync {
  const db = new DatabaseSync(join(directory, "record.db"), { timeout: 5000 })
  onTestFinished(() => {
    if (db.isOpen) db.close()
  })
  return db
}

function records(directory: string): (LogRecord & { seq: number })[] {
  const db = new DatabaseSync(join(directory, "record.db"), { readOnly: true })
  const rows = db.prepare("SELECT seq, body FROM events ORDER BY seq").all()
  db.close()
  return rows.map(({ seq, body }) => ({ ...(JSON.parse(String(body)) as LogRecord), seq: Number(seq) }))
}

const subjects = (directory: string) => records(directory).map(({ subject }) => subject)

const seqsOf = (outcomes: readonly Outcome[]) => outcomes.map((one) => ("seqs" in one ? one.seqs : one.refused.name))

describe("a group", () => {
  test("numbers events in the order of its batches, around the ones that are undone", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    const outcomes = await engine.commitGroup([
      append(event("a"), event("b")),
      { changes: [claim("x")], events: [event("c")] },
      append(event("d")),
      { changes: [claim("x")], events: [event("lost")] },
      append({ ...event("no event"), type: "nonsense" }),
      append(event("e"), { ...event("no event"), time: Number.NaN }),
      { changes: [claim("y")], events: [] },
      append(...Array.from({ length: 20 }, (_, n) => event(`n${n}`))),
    ])
    expect(seqsOf(outcomes)).toEqual([
      ...[[1, 2], [3], [4], "Conflict", "NanoguardError", "NanoguardError", []],
      Array.from({ length: 20 }, (_, n) => 5 + n),
    ])
    expect((outcomes[3] as { refused: Conflict }).refused).toMatchObject({ change: 0, expected: 1, affected: 0 })
    expect(subjects(directory)).toEqual(["a", "b", "c", "d", ...Array.from({ length: 20 }, (_, n) => `n${n}`)])
  })

  test("lets a change see the events before it, also those of its own group", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    const count = { sql: "INSERT INTO settings SELECT 'count', count(*) FROM events", parameters: [] }
    await engine.commitGroup([append(event("a"), event("b")), { changes: [count], events: [event("c")] }])
    expect(openRecord(directory).prepare("SELECT value FROM settings WHERE name = 'count'").get()).toEqual({
      value: "2",
    })
  })

  test("keeps a person whom only a batch that was undone had named first", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    const person = { operator: "ana@acme.example" }
    const outcomes = await engine.commitGroup([
      { changes: [claim("origin")], events: [event("lost", person)] },
      append(event("kept", person)),
      append(event("kept too", person)),
    ])
    expect(seqsOf(outcomes)).toEqual(["Conflict", [1], [2]])
    const people = openRecord(directory).prepare("SELECT commitment, value FROM people").all()
    expect(people).toEqual([{ commitment: records(directory)[0]!.operator, value: "ana@acme.example" }])
  })

  test("adds nobody whom only undone batches name", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    await engine.commitGroup([
      { changes: [claim("origin")], events: [event("lost", { operator: "ana@acme.example" })] },
    ])
    expect(openRecord(directory).prepare("SELECT count(*) AS n FROM people").get()).toEqual({ n: 0 })
  })

  test("says why a statement was refused, and goes on", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    await engine.commitGroup([append(event("a"))])
    const wrong = ["UPDATE events SET body = 'x'", "DELETE FROM events", "INSERT INTO nowhere VALUES (1)"]
    const batches = wrong.map((sql) => ({ changes: [{ sql, parameters: [] }], events: [event("lost")] }))
    const outcomes = await engine.commitGroup([...batches, append(event("b"))])
    const texts = outcomes.map((one) => ("refused" in one ? one.refused.message : "done"))
    expect(texts[0]).toMatch(/append-only: no record is changed; nothing of the batch happened/)
    expect(texts[1]).toMatch(/append-only: only archived records/)
    expect(texts[2]).toMatch(/no such table/)
    expect(subjects(directory)).toEqual(["a", "b"])
  })
})

describe("the clock", () => {
  test("is told once for each step back, and never for a second, or for times that events bring", async () => {
    const directory = makeDirectory()
    let now = NOW
    const engine = await openEngine(directory, { now: () => now })
    const write = (subject: string, more: Partial<NewEvent> = {}) => engine.commitGroup([append(event(subject, more))])
    await write("a")
    now -= 1000
    await write("b")
    now -= 3_600_000
    await write("brings its own", { time: NOW - 7_200_000 })
    await write("c", { time: NOW })
    await write("d")
    await write("e")
    now -= 60_000
    await write("f")
    const found = records(directory)
    expect(found.map(({ subject }) => subject)).toEqual([
      "a",
      "b",
      "brings its own",
      "c",
      "clock",
      "d",
      "e",
      "clock",
      "f",
    ])
    expect(found[4]).toMatchObject({
      type: "log.clock-back",
      detail: { newest: new Date(NOW).toISOString(), behindMs: 3_601_000 },
      time: new Date(NOW - 3_601_000).toISOString(),
    })
    expect(found[8]?.time).toBe(new Date(now).toISOString())
  })
})

describe("other writers", () => {
  test("are waited for, and after that the group fails whole and says that nothing of it is there", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory, { patience: 150 })
    const other = openRecord(directory)
    other.exec("BEGIN IMMEDIATE")
    const failure = await engine.commitGroup([append(event("a")), append(event("b"))]).catch((error: unknown) => error)
    expect(failure).toMatchObject({ exit: EXIT.environment, hint: expect.any(String) })
    expect(String(failure)).toMatch(/locked by another process; nothing of it is in the log/)
    other.exec("ROLLBACK")
    expect(seqsOf(await engine.commitGroup([append(event("c"))]))).toEqual([[1]])
    expect(subjects(directory)).toEqual(["c"])
  })

  test("may append in between: numbers and times go on from theirs", async () => {
    const directory = makeDirectory()
    const [one, two] = [await openEngine(directory), await openEngine(directory, { now: () => NOW - 5000 })]
    await one.commitGroup([append(event("a"))])
    expect(seqsOf(await two.commitGroup([append(event("b"))]))).toEqual([[3]])
    expect(seqsOf(await one.commitGroup([append(event("c"))]))).toEqual([[4]])
    expect(records(directory).map(({ type }) => type)[1]).toBe("log.clock-back")
  })
})

describe("the WAL", () => {
  test("starts over when it has grown, and does not wait for a reader", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory, { walLimit: 200_000 })
    const write = async (times: number) => {
      for (let n = 0; n < times; n++) {
        await engine.commitGroup(Array.from({ length: 32 }, () => append(event("x".repeat(800)))))
      }
    }
    const size = () => statSync(join(directory, "record.db-wal")).size
    await write(60)
    // 60 groups of 32 records are 1.5 MB; a WAL that started over holds what came between two starts.
    expect(size()).toBeLessThan(600_000)
    const reader = openRecord(directory)
    reader.exec("BEGIN; SELECT * FROM events LIMIT 1")
    reader.prepare("SELECT count(*) FROM events").get()
    await write(60)
    expect(size()).toBeGreaterThan(1_000_000)
    expect(records(directory)).toHaveLength(120 * 32)
  })
})

describe("an unclean end", () => {
  test("is the first record of the next writer, who is told of once", async () => {
    const directory = makeDirectory()
    const script = `
      import { openSqliteEngine } from ${JSON.stringify(join(process.cwd(), "src/store/sqlite/commit.ts"))}
      const engine = await openSqliteEngine({ directory: ${JSON.stringify(directory)}, gateway: "crashed", commitKey: new Uint8Array(32), now: () => ${NOW} })
      await engine.commitGroup([{ changes: [], events: [{ type: "package.decided", subject: "a", gateway: "crashed" }] }])
      process.kill(process.pid, "SIGKILL")`
    spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script])
    const engine = await openEngine(directory)
    await engine.commitGroup([append(event("b"))])
    await engine.close()
    await openEngine(directory)
    const [first, recovered, ...rest] = records(directory)
    expect(first).toMatchObject({ subject: "a" })
    expect(recovered).toMatchObject({
      type: "log.recovered",
      gateway: "gw",
      detail: { gateways: ["crashed"], writers: 1, lastSeq: 1, tornBytes: 0 },
    })
    expect(rest.map(({ subject }) => subject)).toEqual(["b"])
  })

  test("with a log that is shorter than its checkpoint is refused", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    await engine.commitGroup([append(event("a"))])
    await engine.close()
    const db = openRecord(directory)
    db.exec("INSERT INTO checkpoints VALUES (2, 'root', 'note', 1)")
    db.close()
    const failure = await openEngine(directory).catch((error: unknown) => error)
    expect(failure).toMatchObject({ exit: EXIT.environment })
    expect(String(failure)).toMatch(/records are gone/)
    // Whoever was refused is no dead writer.
    openRecord(directory).exec("INSERT INTO events VALUES (2, '{}')")
    await openEngine(directory)
    expect(records(directory)).toHaveLength(2)
  })
})

describe("a damaged record", () => {
  test("fails the group and says so, and is not taken for an empty one", async () => {
    const directory = makeDirectory()
    const engine = await openEngine(directory)
    await engine.commitGroup([append(...Array.from({ length: 200 }, (_, n) => event(`${n}${"x".repeat(900)}`)))])
    await engine.close()
    const file = join(directory, "record.db")
    const bytes = readFileSync(file)
    // Every page but the first: the file opens, and what is in it cannot be read.
    bytes.fill(0xa5, 4096)
    writeFileSync(file, bytes)
    const failure = await openEngine(directory)
      .then((damaged) => damaged.commitGroup([append(event("lost"))]))
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ exit: EXIT.environment, message: expect.stringMatching(/the store is damaged/) })
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })
})

describe("a disk", () => {
  /** A file system of its own, of so many bytes; the test is skipped where this user may not mount one. */
  function mountDisk(ctx: TestContext, bytes: number): string {
    const directory = join(makeDirectory(), "disk")
    mkdirSync(directory)
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", directory])
    if (mounted.status !== 0)
      ctx.skip("a small file system is missing: run as root on Linux, where tmpfs can be mounted")
    onTestFinished(() => void spawnSync("umount", ["-l", directory]))
    return directory
  }

  test("that is full fails the group whole, and takes the next one when there is space", async (ctx) => {
    const directory = mountDisk(ctx, 3 * 1024 * 1024)
    const engine = await openEngine(directory)
    const ballast = join(directory, "ballast")
    await engine.commitGroup([append(event("first"))])
    writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024))
    const big = Array.from({ length: 64 }, (_, n) => append(event(`${n}${"x".repeat(3000)}`)))
    let failure: unknown
    let written = 1
    while (failure === undefined && written < 5000) {
      const done = await engine.commitGroup(big).catch((error: unknown) => error)
      if (Array.isArray(done)) written += big.length
      else failure = done
    }
    expect(failure).toMatchObject({ exit: EXIT.environment, hint: expect.stringContaining("free some space") })
    expect(String(failure)).toMatch(/the disk is full; nothing of it is in the log/)
    expect(records(directory)).toHaveLength(written)
    rmSync(ballast)
    expect(seqsOf(await engine.commitGroup([append(event("after"))]))).toEqual([[written + 1]])
    expect(records(directory)).toHaveLength(written + 1)
  })

  test("that is read-only fails the group, and takes the next one when it can be written again", async (ctx) => {
    const directory = mountDisk(ctx, 8 * 1024 * 1024)
    const engine = await openEngine(directory)
    await engine.commitGroup([append(event("a"))])
    await engine.close()
    const remount = (mode: string) => spawnSync("mount", ["-o", `remount,${mode}`, directory]).status
    expect(remount("ro")).toBe(0)
    await expect(openEngine(directory)).rejects.toMatchObject({ exit: EXIT.environment })
    expect(remount("rw")).toBe(0)
    const again = await openEngine(directory)
    expect(seqsOf(await again.commitGroup([append(event("b"))]))).toEqual([[2]])
  })

  test("that reports an error leaves a clear message, no half of a group, and a store that goes on", () => {
    // A limit on the size of files makes write() fail with EFBIG, which SQLite knows as an I/O error. Ignored, the signal
    // that comes with it kills nobody.
    const directory = makeDirectory()
    const script = `
      import { openSqliteEngine } from ${JSON.stringify(join(process.cwd(), "src/store/sqlite/commit.ts"))}
      import { execFileSync } from "node:child_process"
      const engine = await openSqliteEngine({ directory: ${JSON.stringify(directory)}, gateway: "gw", commitKey: new Uint8Array(32), now: Date.now })
      const group = Array.from({ length: 32 }, (_, n) => ({ changes: [], events: [{ type: "package.decided", subject: n + "x".repeat(900), gateway: "gw" }] }))
      const limit = (size) => execFileSync("prlimit", ["--pid", String(process.pid), "--fsize=" + size + ":unlimited"])
      limit(400_000)
      let done = 0
      const failures = []
      for (let n = 0; n < 30; n++) await engine.commitGroup(group).then(() => done++, (error) => failures.push(error.message))
      limit("unlimited")
      await engine.commitGroup(group).then(() => done++, (error) => failures.push(error.message))
      await engine.close()
      console.log(JSON.stringify({ done, failures }))`
    const shell = `trap '' XFSZ; exec "$0" --input-type=module-typescript -e "$1"`
    const run = spawnSync("sh", ["-c", shell, process.execPath, script], { encoding: "utf8" })
    expect(run.stderr).toBe("")
    const { done, failures } = JSON.parse(run.stdout) as { done: number; failures: string[] }
    expect(failures.length).toBeGreaterThan(5)
    for (const failure of failures) expect(failure).toMatch(/the disk reports an error; .* in the log/)
    expect(done).toBe(31 - failures.length)
    expect(records(directory)).toHaveLength(done * 32)
  })
})
