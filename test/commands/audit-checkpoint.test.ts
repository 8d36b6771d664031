import { readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, test } from "vitest"
import { verifyCheckpoint } from "../../src/audit/checkpoints/checkpoint-text.ts"
import { parseVerifier } from "../../src/audit/checkpoints/note.ts"
import { auditCheckpoint } from "../../src/commands/audit-checkpoint.ts"
import { EXIT } from "../../src/errors.ts"
import { packageEvent } from "../audit/events.ts"
import { mth, sha256 } from "../audit/oracle.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { recordEvents } from "./record.ts"

function leavesOf(directory: string): Uint8Array[] {
  const db = new DatabaseSync(join(directory, "record.db"), { readOnly: true })
  const rows = db.prepare("SELECT body FROM events ORDER BY seq").all()
  db.close()
  return rows.map(({ body }) => sha256(Buffer.of(0), Buffer.from(String(body))))
}

test("signs all that is in the log now, for everybody to verify", async () => {
  const { context, log } = await recordEvents(20)
  const ctx = context()
  const { report, exit } = await auditCheckpoint(ctx)
  expect(exit).toBe(EXIT.ok)
  const leaves = leavesOf(log.directory)
  expect(leaves).toHaveLength(20)
  expect(report).toMatchObject({
    origin: log.origin,
    size: 20,
    root: Buffer.from(mth(leaves)).toString("base64"),
    places: [],
  })
  const verified = verifyCheckpoint(report.note, log.origin, [parseVerifier(report.key!)])
  expect(verified.size).toBe(20)
  expect(ctx.out()).toContain("Checkpoint of 20 records")
  expect(ctx.out()).toContain("Not published")
  const json = context()
  await auditCheckpoint(json, { format: "json" })
  expect(JSON.parse(json.out())).toEqual(report)
})

test("--publish brings it to every place, and says where it is", async () => {
  const { context } = await recordEvents(20)
  const places = [temporaryDirectory(), temporaryDirectory()]
  const ctx = context({ env: { NANOGUARD_ANCHORS: places.map((place) => `dir:${place}`).join(",") } })
  const { report, exit } = await auditCheckpoint(ctx, { publish: true })
  expect(exit).toBe(EXIT.ok)
  expect(report.places).toEqual(places.map((place) => ({ anchor: `dir:${place}`, state: "confirmed" })))
  for (const place of places) expect(readdirSync(place)).not.toEqual([])
  for (const place of places) expect(ctx.out()).toContain(`confirmed  dir:${place}`)
  const again = await auditCheckpoint(context({ env: { NANOGUARD_ANCHORS: `dir:${places[0]}` } }), { publish: true })
  expect(again).toMatchObject({ exit: EXIT.ok, report: { size: 20, places: [{ state: "confirmed" }] } })
})

test("without --publish nothing leaves this host", async () => {
  const { context } = await recordEvents(5)
  const place = temporaryDirectory()
  await auditCheckpoint(context({ env: { NANOGUARD_ANCHORS: `dir:${place}` } }))
  expect(readdirSync(place)).toEqual([])
})

test("a place out of reach is named with why, and exit 5", async () => {
  const { context } = await recordEvents(5)
  const place = join(temporaryDirectory(), "place")
  writeFileSync(place, "a file, where a directory should be")
  const ctx = context({ env: { NANOGUARD_ANCHORS: `dir:${place}` } })
  const { report, exit } = await auditCheckpoint(ctx, { publish: true })
  expect(exit).toBe(EXIT.environment)
  expect(report.places).toEqual([{ anchor: `dir:${place}`, state: "failed", reason: expect.stringMatching(/./) }])
  expect(ctx.out()).toContain("NOT CONFIRMED")
})

test("a place that knows another log by this name is an alarm, and exit 1", async () => {
  const { context, log } = await recordEvents([packageEvent("x", "1.0.0"), packageEvent("y", "1.0.0")])
  const place = temporaryDirectory()
  const env = { NANOGUARD_ANCHORS: `dir:${place}` }
  await auditCheckpoint(context({ env }), { publish: true })
  // Root on the host rewrites all of it, tree and checkpoints too.
  const db = new DatabaseSync(join(log.directory, "record.db"), { timeout: 5000 })
  for (const { name } of db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all())
    db.exec(`DROP TRIGGER "${name}"`)
  db.exec("UPDATE events SET body = replace(body, '1.0.0', '1.0.1'); DELETE FROM checkpoints; DELETE FROM publications")
  db.close()
  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(log.directory, `index.db${suffix}`), { force: true })
  const ctx = context({ env })
  const { report, exit } = await auditCheckpoint(ctx, { publish: true })
  expect(report.places).toMatchObject([{ state: "split" }])
  expect(exit).toBe(EXIT.findings)
  expect(ctx.out()).toContain("CONTRADICTS THE LOG")
})

test("what cannot be: no record, an empty one, no place to publish to", async () => {
  const nowhere = testContext(temporaryDirectory(), { env: emptyHome() })
  await expect(auditCheckpoint(nowhere)).rejects.toMatchObject({ exit: EXIT.environment })
  const { context } = await recordEvents([])
  await expect(auditCheckpoint(context())).rejects.toMatchObject({ exit: EXIT.nothingChecked })
  await expect(auditCheckpoint(context(), { publish: true })).rejects.toMatchObject({ exit: EXIT.configuration })
})
