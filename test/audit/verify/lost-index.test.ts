// What `verify` says where records are archived, and the index that alone had their hashes is gone.
import { rmSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { auditArchive } from "../../../src/commands/audit-archive.ts"
import { auditVerify } from "../../../src/commands/audit-verify.ts"
import { storeDerive } from "../../../src/commands/store.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { EPOCH, sampleEvents } from "../events.ts"
import { anchorOf, checkpointsOf, copyLog, run, tamper, tamperIndex, verify, writeLog } from "../verify-log.ts"

const timeOf = (seq: number) => new Date(EPOCH + (seq - 1) * 1000).toISOString()

/** 700 records under checkpoints of 300 and 700 (and one of the archive's), the first 600 archived. */
async function archivedLog() {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome({ USER: "officer", NO_COLOR: "1" }) })
  const log = await writeLog(join(ctx.env["NANOGUARD_HOME"]!, "state"), sampleEvents(4, 700), [300, 700])
  const to = join(temporaryDirectory(), "archive")
  await auditArchive(ctx, { to, before: timeOf(601), yes: true })
  const anchor = anchorOf(checkpointsOf(log))
  const fresh = () => testContext(ctx.cwd, { env: ctx.env as Record<string, string> })
  const lose = () => {
    for (const end of ["", "-wal", "-shm"]) rmSync(join(log.directory, `index.db${end}`), { force: true })
  }
  return { log, to, anchor, fresh, lose }
}

const codes = (list: readonly { code: string }[]) => list.map(({ code }) => code)

test("one finding says so and names the way back; nothing is called rewritten", async () => {
  const { log, to, anchor, fresh, lose } = await archivedLog()
  lose()
  const report = await verify(log, { anchors: [anchor] })
  expect(report.problems).toMatchObject([{ code: "tree.missing", seq: 1, to: 600 }])
  expect(report.problems[0]!.what).toContain("nanoguard store derive --archive <directory>")
  expect(report.intact).toBe(false)
  expect(report.anchors).toMatchObject([{ state: "unchecked", newest: 0 }])
  expect(codes(report.unchecked)).toEqual(["archive.missing", "index.missing", "anchor.unchecked"])

  const ctx = fresh()
  expect((await auditVerify(ctx, {})).exit).toBe(1)
  expect(ctx.out()).toContain("could not be verified: hashes of archived records are gone")
  expect(ctx.out()).not.toMatch(/was rewritten|another tree/)

  expect((await verify(log, { anchors: [anchor], archive: to })).problems).toEqual([])
  await storeDerive(fresh(), { archive: to })
  expect(await verify(log, { anchors: [anchor] })).toMatchObject({ problems: [], intact: true })
})

test("what was rewritten is found all the same, as soon as the archive is there", async () => {
  const { log, to, anchor, lose } = await archivedLog()
  lose()
  tamper(log, run("UPDATE events SET body = replace(body, 'gateway', 'gatewax') WHERE seq = 650"))
  expect(codes((await verify(log, { anchors: [anchor] })).problems)).toEqual(["tree.missing"])
  const report = await verify(log, { anchors: [anchor], archive: to })
  expect(codes(report.problems)).toContain("log.rewritten")
  expect(codes(report.problems)).toContain("anchor.branch")
})

test("roots that cover only what is there are compared; a shorter log is noticed without any hash", async () => {
  const { log, anchor, lose } = await archivedLog()
  const partly = copyLog(log)
  // The index lost its end: the tiles of the first 512 records are there, and the last archived ones are in none.
  tamperIndex(partly, (db) => {
    db.exec("DELETE FROM tiles WHERE level > 0 OR position >= 2")
    db.exec("UPDATE derived SET value = '512' WHERE name = 'seq'")
  })
  const some = await verify(partly, { anchors: [anchor], index: false })
  expect(some.problems).toMatchObject([{ code: "tree.missing", seq: 513, to: 600 }])
  expect(some.anchors).toMatchObject([{ state: "consistent", newest: 300 }])
  tamperIndex(partly, run("UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0 AND position = 0"))
  expect(codes((await verify(partly, { anchors: [anchor], index: false })).problems)).toEqual([
    "log.rewritten",
    "anchor.branch",
    "tree.missing",
  ])

  lose()
  tamper(log, run("DELETE FROM events WHERE seq > 650"))
  const cut = await verify(log, { anchors: [anchor] })
  expect(codes(cut.problems)).toEqual(["log.cut", "tree.missing", "archive.unexplained", "anchor.branch"])
})

test("who claims an archive to hide what is gone is told apart from nobody", async () => {
  const { log, anchor, lose } = await archivedLog()
  lose()
  tamper(log, run("UPDATE settings SET value = '650' WHERE name = 'archived'"))
  tamper(log, run("DELETE FROM events WHERE seq <= 650"))
  const { problems } = await verify(log, { anchors: [anchor] })
  expect(codes(problems).sort()).toEqual(["archive.unexplained", "tree.missing"])
})
