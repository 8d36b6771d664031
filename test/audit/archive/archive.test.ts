import { createHash } from "node:crypto"
import { appendFileSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { describe, expect, it, onTestFinished } from "vitest"
import { listSegments, segmentName } from "../../../src/audit/archive/format.ts"
import { archiveRecords, planArchive } from "../../../src/audit/archive/index.ts"
import { checkSegment } from "../../../src/audit/archive/read.ts"
import { writeSegment } from "../../../src/audit/archive/write.ts"
import { readRecord } from "../../../src/audit/sealing/record.ts"
import { hashLeaf, rootOf } from "../../../src/audit/tree/merkle.ts"
import { auditArchive } from "../../../src/commands/audit-archive.ts"
import { auditErase } from "../../../src/commands/audit-erase.ts"
import { NanoguardError } from "../../../src/errors.ts"
import { openStore } from "../../../src/store/open.ts"
import { openFilesForReading } from "../../../src/store/sqlite/reader.ts"
import { DAY, emptyHome, NOW, temporaryDirectory, testContext } from "../../context.ts"
import { EPOCH, PEOPLE, sampleEvents } from "../events.ts"
import { checkpointsOf, makeLog, run, type TestLog, tamper, verify, writeLog } from "../verify-log.ts"

async function newHome(count: number, sizes: readonly number[] = [count]) {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome({ USER: "officer" }) })
  const log = await writeLog(join(ctx.env["NANOGUARD_HOME"]!, "state"), sampleEvents(4, count), sizes)
  return { ctx, log, to: join(temporaryDirectory(), "archive") }
}

async function readerOf(log: TestLog) {
  const reader = await openFilesForReading(log.directory)
  onTestFinished(() => reader.close())
  return reader
}

async function bodiesOf(log: TestLog): Promise<string[]> {
  const reader = await openFilesForReading(log.directory)
  const rows = await reader.db.selectFrom("events").select("body").orderBy("seq").execute()
  await reader.close()
  return rows.map(({ body }) => body)
}

/** The time of the record with this sequence number, as a date of `--before`. */
const timeOf = (seq: number) => new Date(EPOCH + (seq - 1) * 1000).toISOString()

describe("nanoguard audit archive", () => {
  it("moves old bodies to files, keeps every proof, and says so in the log", async () => {
    const { ctx, log, to } = await newHome(700)
    const before = await bodiesOf(log)
    const { report, exit } = await auditArchive(ctx, { to, before: timeOf(601), yes: true, by: "officer" })
    expect([exit, report.state, report.from, report.to, report.records]).toEqual([0, "archived", 1, 600, 600])
    const after = await bodiesOf(log)
    expect(after.slice(0, 100)).toEqual(before.slice(600))
    const event = readRecord(after.at(-1)!)
    expect(event).toMatchObject({ type: "log.archived", subject: "records 1 to 600" })

    const [path] = readdirSync(to)
    expect(path).toBe("records-000000000001-000000000600.ndjson.gz")
    expect(statSync(join(to, path!)).mode & 0o777).toBe(0o600)
    const text = gunzipSync(readFileSync(join(to, path!)))
    expect(event.detail).toMatchObject({
      from: 1,
      to: 600,
      segment: path,
      digest: `sha256:${createHash("sha256").update(text).digest("hex")}`,
    })
    const [header, ...bodies] = text.toString("utf8").trimEnd().split("\n")
    expect(bodies).toEqual(before.slice(0, 600))
    // What the header says, made with nothing but the lines.
    expect(JSON.parse(header!)).toMatchObject({
      from: 1,
      to: 600,
      before: [],
      origin: log.origin,
      root: Buffer.from(rootOf(bodies.map(hashLeaf))).toString("base64"),
    })

    const without = await verify(log)
    expect(without).toMatchObject({ intact: true, archived: 600 })
    expect(without.unchecked.map(({ code }) => code)).toContain("archive.missing")
    const whole = await verify(log, { archive: to })
    expect(whole).toMatchObject({ intact: true, problems: [], hashed: after.length + 600 })
    expect(whole.unchecked.map(({ code }) => code)).not.toContain("archive.missing")
  })

  it("goes on where it stopped, in a directory of its own or another", async () => {
    const { ctx, log, to } = await newHome(500)
    for (const seq of [101, 102, 301])
      await auditArchive(ctx, { to, before: timeOf(seq), yes: true, gzip: seq !== 102 })
    expect(listSegments(to).map(({ from, to }) => [from, to])).toEqual([
      [1, 100],
      [101, 101],
      [102, 300],
    ])
    for (const segment of listSegments(to)) await checkSegment(segment)
    const { report, exit } = await auditArchive(ctx, { to, before: timeOf(301), yes: true })
    expect([report.state, exit]).toEqual(["nothing", 3])
    expect(await verify(log, { archive: to })).toMatchObject({ intact: true, archived: 300 })
  })

  it("keeps by age, and never the newest record", async () => {
    const { ctx, log, to } = await newHome(50)
    const plain = await auditArchive(ctx, { to, keep: "30d", dryRun: true, format: "json" })
    expect([plain.report.state, plain.exit]).toEqual(["nothing", 3])
    expect(JSON.parse(ctx.out())).toEqual(plain.report)
    const { report } = await auditArchive(ctx, { to, keep: "1d", yes: true })
    expect(report).toMatchObject({ state: "archived", from: 1, to: 49, before: new Date(NOW - DAY).toISOString() })
    expect(await bodiesOf(log)).toHaveLength(2)
    const store = await openStore(ctx, { gateway: "gw" })
    onTestFinished(() => store.close())
    expect(await store.append({ type: "kill.ordered", subject: "all", gateway: "gw" })).toBe(52)
  })

  it("takes a checkpoint first over what is under none yet", async () => {
    const { ctx, log, to } = await newHome(300, [120])
    const { report } = await auditArchive(ctx, { to, before: timeOf(251), yes: true })
    expect(report).toMatchObject({ state: "archived", to: 250 })
    expect(await verify(log, { archive: to })).toMatchObject({ intact: true })
  })

  it("leaves people to be erased, from what is archived as well", async () => {
    const { ctx, log, to } = await newHome(300)
    await auditArchive(ctx, { to, before: timeOf(201), yes: true, gzip: false })
    const file = readFileSync(listSegments(to)[0]!.path, "utf8")
    for (const person of PEOPLE) expect(file).not.toContain(person)
    const { report } = await auditErase(ctx, PEOPLE[1], { yes: true })
    expect(report).toMatchObject({ state: "erased", archived: 200 })
    expect(await verify(log, { archive: to })).toMatchObject({ intact: true, problems: [] })
  })

  it("asks for what it needs", async () => {
    const { ctx, to } = await newHome(20)
    await expect(auditArchive(ctx, { to, yes: true })).rejects.toThrow(/--before <time> or --keep/)
    await expect(auditArchive(ctx, { to, yes: true, keep: "1d", before: "1d" })).rejects.toThrow(/--before <time> or/)
    await expect(auditArchive(ctx, { to, yes: true, keep: "2026-11-01" })).rejects.toThrow(/not a span/)
    await expect(auditArchive(ctx, { to, keep: "1d" })).rejects.toThrow(/no terminal: add --yes/)
    const empty = testContext(temporaryDirectory())
    await expect(auditArchive(empty, { to, keep: "1d", yes: true, by: "x" })).rejects.toThrow(NanoguardError)
    expect(() => statSync(to)).toThrow()
  })

  it("stops before it removes anything where the log is not what its tree says", async () => {
    const { ctx, log, to } = await newHome(200)
    tamper(log, run("UPDATE events SET body = replace(body, 'claude-1', 'claude-9') WHERE seq = 41"))
    await expect(auditArchive(ctx, { to, before: timeOf(101), yes: true })).rejects.toThrow(
      /not those that its header names/,
    )
    expect(await bodiesOf(log)).toHaveLength(200)
    expect(readdirSync(to)).toEqual([])
  })

  it("says that it cannot write, and the log is as it was", async () => {
    const { ctx, log } = await newHome(60)
    const file = join(temporaryDirectory({ "file.txt": "x" }), "file.txt")
    await expect(auditArchive(ctx, { to: join(file, "sub"), before: timeOf(31), yes: true })).rejects.toThrow(
      /cannot be (?:written|read) \(ENOTDIR\)/,
    )
    expect(await bodiesOf(log)).toHaveLength(60)
  })
})

describe("archiveRecords", () => {
  const options = (directory: string) => ({ directory, gzip: false, by: "officer", gateway: "gw", now: NOW })

  it("goes on after a crash between the file and the log", async () => {
    const { ctx, log, to } = await newHome(400)
    const { db } = await readerOf(log)
    const [checkpoint] = checkpointsOf(log)
    const left = await writeSegment(db, { directory: to, from: 1, to: 100, checkpoint: checkpoint!, gzip: true })
    const written = statSync(left.path)
    // Of a process that died while it wrote: old ones go, young ones may be somebody's.
    const old = join(to, `.part-0123456789ab-${segmentName(101, 200, false)}`)
    const young = join(to, `.part-ba9876543210-${segmentName(101, 200, false)}`)
    for (const path of [old, young]) writeFileSync(path, "{")
    utimesSync(old, NOW / 1000 - 7200, NOW / 1000 - 7200)
    utimesSync(young, NOW / 1000 - 60, NOW / 1000 - 60)
    const { report } = await auditArchive(ctx, { to, before: timeOf(251), yes: true })
    expect(report.segments.map(({ from, to }) => [from, to])).toEqual([
      [1, 100],
      [101, 250],
    ])
    expect(statSync(left.path).mtimeMs).toBe(written.mtimeMs)
    expect(readdirSync(to).filter((name) => name.startsWith("."))).toEqual([young.split("/").at(-1)])
    expect(await verify(log, { archive: to })).toMatchObject({ intact: true, archived: 250 })
  })

  it("leaves log and archive fit to go on, whichever write the process died at", async () => {
    const { ctx, log, to } = await newHome(90)
    const store = await openStore(ctx, { gateway: "gw" })
    const plan = await planArchive(store.db, EPOCH + 60_000)
    expect(plan).toMatchObject({ from: 1, to: 60, size: 90 })
    let writes = 0
    for (const deadly of [0, 1, 2]) {
      const dying = {
        db: store.db,
        write: (batch: Parameters<typeof store.write>[0]) =>
          writes++ === deadly ? Promise.reject(new Error("killed")) : store.write(batch),
      }
      const now = await planArchive(store.db, EPOCH + 60_000)
      writes = 0
      await expect(archiveRecords(dying, now, { ...options(to), segment: 7 })).rejects.toThrow("killed")
    }
    const rest = await archiveRecords(store, await planArchive(store.db, EPOCH + 60_000), {
      ...options(to),
      segment: 7,
    })
    expect(rest.at(-1)?.to).toBe(60)
    await store.close()
    expect(await verify(log, { archive: to })).toMatchObject({ intact: true, archived: 60, problems: [] })
  })

  it("lets one of two that archive at once win", async () => {
    const { ctx, log, to } = await newHome(120)
    const store = await openStore(ctx, { gateway: "gw" })
    const plan = await planArchive(store.db, EPOCH + 100_000)
    const other = join(temporaryDirectory(), "other")
    const outcomes = await Promise.allSettled([to, other].map((one) => archiveRecords(store, plan, options(one))))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
    await store.close()
    const winner = outcomes[0]!.status === "fulfilled" ? to : other
    expect(await verify(log, { archive: winner })).toMatchObject({ intact: true, archived: 100 })
  })

  it("refuses a directory with segments of another log, or damaged ones", async () => {
    const { ctx, to } = await newHome(80)
    const stranger = await makeLog(80, [80], 9)
    const { db } = await readerOf(stranger)
    const [checkpoint] = checkpointsOf(stranger)
    const { path } = await writeSegment(db, { directory: to, from: 1, to: 50, checkpoint: checkpoint!, gzip: false })
    await expect(auditArchive(ctx, { to, before: timeOf(61), yes: true })).rejects.toThrow(/other records 1 to 50/)
    appendFileSync(path, "x")
    await expect(auditArchive(ctx, { to, before: timeOf(61), yes: true })).rejects.toThrow(/last line is not whole/)
  })
})
