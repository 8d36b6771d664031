// `nanoguard store migrate` and `store status`, on files and on a real PostgreSQL.
import { chmodSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, test } from "vitest"
import { storeMigrate, storeStatus } from "../../src/commands/store.ts"
import { EXIT } from "../../src/errors.ts"
import { renderStoreStatus, type StoreStatusReport } from "../../src/render/store.ts"
import { openStore } from "../../src/store/open.ts"
import { RECORD_VERSION } from "../../src/store/versions.ts"
import { emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"
import { newDatabase } from "../postgres.ts"

function newContext(more: Record<string, string> = {}, env = emptyHome(more)) {
  return testContext(temporaryDirectory(), { env })
}

async function appendOne(ctx: ReturnType<typeof newContext>): Promise<void> {
  const store = await openStore(ctx, { gateway: "gw" })
  await store.append({ type: "policy.adopted", subject: "nanoguard.yaml", gateway: "gw" })
  await store.close()
}

test("makes the files, says so once, and tells where the log stands", async () => {
  const ctx = newContext()
  await expect(storeStatus(ctx)).rejects.toMatchObject({ exit: EXIT.environment })
  expect(await storeMigrate(ctx, { format: "json" })).toEqual({ exit: EXIT.ok })
  expect(JSON.parse(ctx.out())).toMatchObject({ kind: "sqlite", roles: [], index: true })
  const again = newContext({}, ctx.env as Record<string, string>)
  await storeMigrate(again)
  expect(again.out()).toContain("nothing to do")
  await appendOne(again)
  const later = newContext({}, ctx.env as Record<string, string>)
  await storeStatus(later, { format: "json" })
  const report = JSON.parse(later.out()) as StoreStatusReport
  expect(report).toMatchObject({
    schema: "nanoguard.store-status/1",
    kind: "sqlite",
    version: RECORD_VERSION,
    warnings: [],
  })
  expect(report.origin).toMatch(/^nanoguard\/[0-9a-f]{16}$/)
  expect(report.records).toBe(1)
  expect(report.bytes).toBeGreaterThan(10_000)
})

test("makes a PostgreSQL ready, names its roles, and never shows the password", async (t) => {
  const database = await newDatabase(t)
  const owner = newContext({ NANOGUARD_STORE: database.url })
  await storeMigrate(owner)
  expect(owner.out()).toMatch(/migrations made: 0001-record, 0002-postgres/)
  const url = await database.login("gateway", "nanoguard_writer")
  const gateway = newContext({ NANOGUARD_STORE: url })
  await appendOne(gateway)
  await storeStatus(gateway)
  expect(gateway.out()).toMatch(/login {7}writer/)
  expect(gateway.out()).toMatch(/records {5}1\n/)
  // The test's own server is such a one.
  expect(gateway.out().match(/warning.*/g)).toEqual([expect.stringContaining("fsync=off")])
  const asOwner = newContext({ NANOGUARD_STORE: database.url })
  await storeStatus(asOwner)
  expect(asOwner.out()).toMatch(/warning {5}this login owns the record/)
  for (const text of [owner.out(), gateway.out(), asOwner.out()]) {
    expect(text).toContain("127.0.0.1")
    expect(text).not.toMatch(/Passwort|%20/)
  }
  // Who may only add may not migrate.
  const refused = storeMigrate(newContext({ NANOGUARD_STORE: url }))
  await expect(refused).rejects.toMatchObject({ exit: EXIT.environment, hint: expect.stringContaining("owner") })
})

test("says how far each thing has come", () => {
  const report: StoreStatusReport = {
    ...{ schema: "nanoguard.store-status/1", kind: "postgres", location: "postgres://u@h:1/d", origin: "nanoguard/ab" },
    ...{ version: 2, records: 12_000, archived: 1000, derived: 11_999, bytes: 3 * 1024 ** 3, role: "writer" },
    anchors: ["git:/srv/x", "dir:/mnt/new"],
    checkpoint: { size: 11_000, time: NOW - 3 * 3_600_000 },
    publications: [
      { anchor: "dir:/mnt/a\u202e", size: 12_000, time: NOW - 1000 },
      { anchor: "git:/srv/x", size: 10, time: NOW + 120_000 },
    ],
    warnings: ["the server runs with fsync=off"],
  }
  expect(renderStoreStatus(report, "text", NOW)).toBe(`PostgreSQL at postgres://u@h:1/d
  log         nanoguard/ab, schema version 2, 3.0 GiB
  login       writer
  records     12,000, the first 1,000 archived
  index       11,999, 1 record behind
  checkpoint  11,000, 1,000 records behind, 3 hours ago
  anchor      dir:/mnt/a\\u{202e}: up to date (12,000), less than a minute ago
  anchor      git:/srv/x: 10, 11,990 records behind, in the future: check the clocks
  anchor      dir:/mnt/new: has confirmed nothing yet: \`nanoguard audit checkpoint --publish\` says why
  warning     the server runs with fsync=off
`)
})

test("warns of keys that others may read, of a way that others may change, and of a log that was cut", async () => {
  const ctx = newContext()
  await appendOne(ctx)
  const state = join(ctx.env["NANOGUARD_HOME"]!, "state")
  const status = async (env: Record<string, string> = {}) => {
    const fresh = newContext({}, { ...(ctx.env as Record<string, string>), ...env })
    await storeStatus(fresh)
    return fresh.out()
  }
  expect(await status()).not.toContain("warning")
  expect(await status()).toContain("anchors     none")
  expect(await status({ NANOGUARD_ANCHORS: "dir:/nowhere" })).toMatch(/dir:\/nowhere: has confirmed nothing yet/)
  chmodSync(join(state, "log.key"), 0o644)
  expect(await status()).toMatch(/warning {5}.*log\.key may be read or changed by others: chmod 600 .*log\.key/)
  chmodSync(join(state, "log.key"), 0o600)
  chmodSync(ctx.env["NANOGUARD_HOME"]!, 0o777)
  expect(await status()).toMatch(/warning {5}every user of this host may put another directory .*: chmod go-w /)
  chmodSync(ctx.env["NANOGUARD_HOME"]!, 0o1777)
  expect(await status()).not.toContain("warning")
  const db = new DatabaseSync(join(state, "record.db"), { timeout: 5000 })
  db.exec("INSERT INTO publications (anchor, size, time) VALUES ('dir:/mnt/w', 9, 0)")
  db.close()
  expect(await status()).toContain("9, and the log ends at 1: records are gone, run `nanoguard audit verify`")
})
