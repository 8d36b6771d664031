// `audit verify` and `audit export` as commands, on a store that gateways really wrote.
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { erasePerson, findPerson } from "../../../src/audit/erase/index.ts"
import { auditArchive } from "../../../src/commands/audit-archive.ts"
import { auditExport } from "../../../src/commands/audit-export.ts"
import { auditVerify } from "../../../src/commands/audit-verify.ts"
import { NanoguardError } from "../../../src/errors.ts"
import { openStore } from "../../../src/store/open.ts"
import { emptyHome, NOW, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { sampleEvents } from "../events.ts"
import { checkInPython } from "../export/export-support.ts"

const EVENTS = sampleEvents(7, 400)

function contextOf(env = emptyHome()): TestContext {
  return testContext(temporaryDirectory(), { env })
}

async function fill(ctx: TestContext, events = EVENTS): Promise<void> {
  const store = await openStore(ctx, { gateway: "gateway-1" })
  await Promise.all(events.map((event) => store.append(event)))
  await store.close()
}

async function verifyJson(ctx: TestContext, options: Parameters<typeof auditVerify>[1] = {}) {
  const fresh = testContext(ctx.cwd, { env: ctx.env as Record<string, string> })
  const { exit } = await auditVerify(fresh, { ...options, format: "json" })
  return { exit, report: JSON.parse(fresh.out()) }
}

test("there is no store: an environment error", async () => {
  await expect(auditVerify(contextOf())).rejects.toThrow(expect.objectContaining({ exit: 5 }))
})

test("an empty store: nothing to verify", async () => {
  const ctx = contextOf()
  await fill(ctx, [])
  expect((await auditVerify(ctx)).exit).toBe(3)
  expect(ctx.out()).toContain("The record is empty")
})

test("a store as a gateway leaves it: all of it is under a checkpoint, and outside places are compared", async () => {
  const witness = temporaryDirectory()
  const ctx = contextOf(emptyHome({ NANOGUARD_ANCHORS: `dir:${witness}` }))
  await fill(ctx)
  const { exit, report } = await verifyJson(ctx)
  expect(report.problems).toEqual([])
  expect(exit).toBe(0)
  expect(report).toMatchObject({ records: 400, hashed: 400, indexed: 400, checkpoints: { newest: 400 } })
  expect(report.unchecked).toMatchObject([{ code: "key.own" }])
  expect(report.anchors).toMatchObject([{ state: "consistent", newest: 400 }])
  await auditVerify(ctx)
  expect(ctx.out()).toContain("is intact: 400 records")
  rmSync(witness, { recursive: true })
  const gone = await verifyJson(ctx)
  expect(gone).toMatchObject({ exit: 5, report: { intact: true } })
  expect(gone.report.unchecked).toMatchObject([
    { code: "anchor.unreachable" },
    { code: "anchor.behind", from: 1 },
    { code: "key.own" },
  ])
})

test("while gateways write: one state of the log", async () => {
  const ctx = contextOf()
  const store = await openStore(ctx, { gateway: "gateway-1", checkpointEvery: 50 })
  await store.append(EVENTS[0]!)
  await store.checkpoint()
  for (let at = 0; at < EVENTS.length; at += 80) {
    const writing = Promise.all(EVENTS.slice(at, at + 80).map((event) => store.append(event)))
    const { report } = await verifyJson(ctx)
    expect(report.problems).toEqual([])
    await writing
  }
  await store.close()
  expect(await verifyJson(ctx)).toMatchObject({ exit: 0 })
})

test("a person who was erased", async () => {
  const ctx = contextOf()
  await fill(ctx)
  const store = await openStore(ctx, { gateway: "gateway-1" })
  const person = "ana@acme.example"
  const found = await findPerson(store.db, person)
  await erasePerson(store, found, { by: "ben@acme.example", gateway: "gateway-1" })
  await store.close()
  expect(await verifyJson(ctx)).toMatchObject({ exit: 0, report: { erased: 1, problems: [] } })
  await auditExport(ctx, { output: "out.ndjson" })
  const text = readFileSync(join(ctx.cwd, "out.ndjson"), "utf8")
  expect(text).toContain('"erased":true')
  expect(text).not.toContain(person)
  expect(checkInPython(text).output).toContain("personal values were erased")
})

test("records that were archived: their hashes, and with --archive their bodies", async () => {
  const ctx = contextOf()
  await fill(ctx)
  const archive = join(ctx.cwd, "archive")
  const middle = new Date(EVENTS[299]!.time!).toISOString()
  await auditArchive(ctx, { to: archive, before: middle, yes: true, gzip: true, by: "ana@acme.example" })
  const without = await verifyJson(ctx)
  expect(without.report.problems).toEqual([])
  expect(without).toMatchObject({ exit: 0, report: { archived: 299, hashed: 102 } })
  expect(without.report.unchecked).toMatchObject([
    { code: "archive.missing", from: 1, to: 299 },
    { code: "anchor.none" },
    { code: "key.own" },
  ])
  const withIt = await verifyJson(ctx, { archive })
  expect(withIt.report.problems).toEqual([])
  expect(withIt).toMatchObject({ exit: 0, report: { archived: 299, hashed: 401, indexed: 401 } })

  await auditExport(ctx, { output: "out.ndjson" })
  const text = readFileSync(join(ctx.cwd, "out.ndjson"), "utf8")
  expect(checkInPython(text).output).toContain("not checked: 299 archived records")

  const [name] = readdirSync(archive)
  const lines = gunzipSync(readFileSync(join(archive, name!))).toString()
  const edited = lines.split("\n").with(42, lines.split("\n")[42]!.replace('"v":1', '"v":2')).join("\n")
  writeFileSync(join(archive, name!.replace(".gz", "")), edited)
  rmSync(join(archive, name!))
  const bad = await verifyJson(ctx, { archive })
  expect(bad.exit).toBe(1)
  expect(bad.report.problems[0]).toMatchObject({ code: "record.altered", seq: 42 })
  expect(bad.report.problems).toContainEqual(expect.objectContaining({ code: "archive.differs" }))
})

test("a copy as evidence, without the key", async () => {
  const ctx = contextOf()
  await fill(ctx)
  const key = (await verifyJson(ctx)).report.keys[0]
  const home = join(temporaryDirectory(), "evidence")
  mkdirSync(home)
  cpSync(join(ctx.env["NANOGUARD_HOME"]!, "state"), join(home, "state"), { recursive: true })
  rmSync(join(home, "state", "log.key"))
  for (const name of readdirSync(join(home, "state"))) {
    const path = join(home, "state", name)
    chmodSync(path, statSync(path).isDirectory() ? 0o500 : 0o400)
  }
  chmodSync(join(home, "state"), 0o500)
  const copy = contextOf(emptyHome({ NANOGUARD_HOME: home }))
  const report = (await verifyJson(copy)).report
  expect(report).toMatchObject({ intact: true, hashed: 400, checkpoints: { verified: 0 } })
  expect(report.unchecked).toContainEqual(expect.objectContaining({ code: "key.missing" }))
  expect((await verifyJson(copy, { key: [key] })).report.checkpoints.verified).toBeGreaterThan(0)
  chmodSync(join(home, "state"), 0o700)
})

test("a key that others may read: what is wrong with it, and what to do", async () => {
  const ctx = contextOf()
  await fill(ctx, EVENTS.slice(0, 10))
  chmodSync(join(ctx.env["NANOGUARD_HOME"]!, "state", "log.key"), 0o644)
  const { exit, report } = await verifyJson(ctx)
  expect(exit).toBe(0)
  const [{ what }] = report.unchecked.filter(({ code }: { code: string }) => code === "key.missing")
  expect(what).toMatch(
    /^signatures were not checked: .*log\.key may be read or changed by others \(chmod 600 .*log\.key/,
  )
  expect(report.checkpoints.verified).toBe(0)
})

test("an export appears whole, for its owner alone, or not at all", async () => {
  const ctx = contextOf()
  await fill(ctx)
  expect((await auditExport(ctx, { output: "out.ndjson", from: "10", to: "20" })).exit).toBe(0)
  expect(statSync(join(ctx.cwd, "out.ndjson")).mode & 0o777).toBe(0o600)
  expect(ctx.err()).toContain("exported 11 records with proofs, under a checkpoint of 400 records")
  await auditVerify(ctx, { export: "out.ndjson" })
  expect(ctx.out()).toContain("accepted: 11 records out of 10 to 20")
  expect((await auditExport(ctx, { agent: "nobody", output: "none.ndjson" })).exit).toBe(3)
  await expect(auditExport(ctx, { output: "missing/out.ndjson" })).rejects.toThrow(NanoguardError)
  await expect(auditExport(ctx, { output: "." })).rejects.toThrow(NanoguardError)
  expect(readdirSync(ctx.cwd).sort()).toEqual(["none.ndjson", "out.ndjson"])
})

test("what a record holds never moves a terminal", async () => {
  const events = [{ type: "kill.ordered", subject: "\u009b31m\u202eevil", gateway: "gateway-1", time: NOW }]
  const ctx = contextOf()
  await fill(ctx, events)
  const terminal = testContext(ctx.cwd, { env: ctx.env as Record<string, string>, terminal: 80 })
  await auditExport(terminal)
  expect(terminal.out()).toMatch(/^[\n\x20-\x7e]+$/)
  expect(terminal.out()).toContain("\\u009b31m\\u202eevil")
})
