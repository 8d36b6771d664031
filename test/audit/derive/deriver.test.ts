import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test, vi } from "vitest"
import { parseCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import type { LogRecord } from "../../../src/audit/types.ts"
import { openReader, openStore } from "../../../src/store/open.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { packageEvent, plainEvent, sampleEvents } from "../events.ts"
import { dumpIndex, modelIndex } from "./derive-model.ts"

const SECOND = { timeout: 15_000, interval: 25 }

function newContext(anchors: readonly string[] = []) {
  const home = temporaryDirectory()
  const env = { NANOGUARD_HOME: join(home, "home"), NANOGUARD_ANCHORS: anchors.join(",") }
  return { home, state: join(home, "home", "state"), ctx: testContext(home, { env }) }
}

async function open(ctx: ReturnType<typeof newContext>["ctx"], options = {}) {
  const store = await openStore(ctx, { gateway: "gateway-1", ...options })
  onTestFinished(() => store.close())
  return store
}

type OpenStore = Awaited<ReturnType<typeof open>>

async function bodiesOf({ db }: OpenStore): Promise<string[]> {
  const rows = await db.selectFrom("events").selectAll().orderBy("seq").execute()
  return rows.map(({ body }) => body)
}

async function typesOf(store: OpenStore): Promise<string[]> {
  return (await bodiesOf(store)).map((body) => (JSON.parse(body) as LogRecord).type)
}

const sizesIn = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".checkpoint"))
    .map((name) => parseCheckpoint(readFileSync(join(directory, name), "utf8")).size)
    .sort((a, b) => a - b)

test("derives what is committed by itself, and signs what is asked for", async () => {
  const { ctx } = newContext()
  const store = await open(ctx)
  await Promise.all(sampleEvents(1, 700).map((event) => store.append(event)))
  await vi.waitFor(async () => {
    const position = await store.db.selectFrom("derived").selectAll().where("name", "=", "seq").execute()
    expect(position[0]?.value).toBe("700")
  }, SECOND)
  expect(await dumpIndex(store.db)).toEqual(modelIndex(await bodiesOf(store)))
  expect(await store.checkpoint()).toBe(700)
  const checkpoints = await store.db.selectFrom("checkpoints").selectAll().orderBy("size", "desc").execute()
  expect(parseCheckpoint(checkpoints[0]!.note)).toMatchObject({ size: 700 })
})

test("signs at the end of a run, after so many records, and when it is closed", async () => {
  const { ctx } = newContext()
  const store = await openStore(ctx, { gateway: "gateway-1", checkpointEvery: 100 })
  const sizes = async () => (await store.db.selectFrom("checkpoints").select("size").execute()).map(({ size }) => size)
  await store.append(plainEvent("sandbox.started", { agent: "a", run: "r" }))
  await store.append(plainEvent("sandbox.ended", { agent: "a", run: "r", outcome: "released" }))
  await vi.waitFor(async () => expect(await sizes()).toContain(2), SECOND)
  await Promise.all(Array.from({ length: 1_000 }, (_, n) => store.append(packageEvent(`p${n}`))))
  await vi.waitFor(async () => expect(Math.max(...(await sizes()))).toBeGreaterThanOrEqual(902), SECOND)
  await store.append(packageEvent("last"))
  await store.close()
  const reader = await openReader(ctx)
  onTestFinished(() => reader.close())
  const stored = await reader.db.selectFrom("checkpoints").select("size").orderBy("size").execute()
  expect(stored.at(-1)).toEqual({ size: 1_003 })
})

test("publishes what is asked for; an outage is told once, and so is its end", async () => {
  const { ctx, home } = newContext()
  const [good, lost] = [join(home, "good"), join(home, "lost")]
  mkdirSync(good)
  ctx.env["NANOGUARD_ANCHORS"] = `dir:${good},dir:${lost}`
  const store = await open(ctx)
  await store.append(packageEvent("a"))
  const asked = await store.checkpoint()
  expect(sizesIn(good)).toContain(asked)
  await vi.waitFor(async () => expect(await typesOf(store)).toContain("log.anchor-unreachable"), SECOND)
  await store.append(packageEvent("b"))
  await store.checkpoint()
  await store.append(packageEvent("c"))
  await store.checkpoint()
  mkdirSync(lost)
  await store.append(packageEvent("d"))
  const size = await store.checkpoint()
  expect(sizesIn(lost)).toEqual([size])
  await vi.waitFor(async () => expect(await typesOf(store)).toContain("log.anchor-restored"), SECOND)
  const told = (await typesOf(store)).filter((type) => type.startsWith("log."))
  expect(told).toEqual(["log.anchor-unreachable", "log.anchor-restored"])
  const confirmed = await store.db.selectFrom("publications").selectAll().orderBy("size").execute()
  expect(confirmed.map(({ anchor }) => anchor)).toContain(`dir:${lost}`)
  expect(confirmed.at(-1)).toMatchObject({ size })
})

test("tells of a place that contradicts the log, once, and publishes nothing there", async () => {
  const { ctx, state } = newContext()
  const place = temporaryDirectory()
  ctx.env["NANOGUARD_ANCHORS"] = `dir:${place}`
  const first = await openStore(ctx, { gateway: "gateway-1" })
  await Promise.all(sampleEvents(2, 30).map((event) => first.append(event)))
  await first.checkpoint()
  await first.close()
  // The state directory as root on the host would make it anew: same name, same key, another history.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite")
  const origin = new DatabaseSync(join(state, "record.db"), { timeout: 5000 }).prepare(
    "SELECT value FROM settings WHERE name = 'origin'",
  )
  const name = String(origin.get()!["value"])
  for (const file of readdirSync(state)) if (/\.db/.test(file)) rmSync(join(state, file))
  const second = await openStore(ctx, { gateway: "gateway-1" })
  await second.close()
  for (const file of readdirSync(state)) if (/index\.db/.test(file)) rmSync(join(state, file))
  const db = new DatabaseSync(join(state, "record.db"), { timeout: 5000 })
  db.exec("DROP TRIGGER settings_update")
  db.prepare("UPDATE settings SET value = ? WHERE name = 'origin'").run(name)
  db.close()
  const store = await open(ctx)
  const before = readdirSync(place)
  await Promise.all(sampleEvents(3, 60).map((event) => store.append(event)))
  await store.checkpoint()
  await vi.waitFor(async () => expect(await typesOf(store)).toContain("log.split-view"), SECOND)
  await store.append(packageEvent("more"))
  await store.checkpoint()
  expect(readdirSync(place)).toEqual(before)
  expect((await typesOf(store)).filter((type) => type === "log.split-view")).toHaveLength(1)
})

test("builds an index anew that is damaged while it is in use", async () => {
  const { ctx, state } = newContext()
  const store = await open(ctx)
  await Promise.all(sampleEvents(4, 500).map((event) => store.append(event)))
  expect(await store.checkpoint()).toBe(500)
  await store.close()
  const file = join(state, "index.db")
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0x55, 8_192))
  const again = await open(ctx)
  await again.append(packageEvent("after"))
  expect(await again.checkpoint()).toBe(501)
  const reader = await openReader(ctx)
  onTestFinished(() => reader.close())
  expect(await dumpIndex(reader.db)).toEqual(modelIndex(await bodiesOf(again)))
  expect(existsSync(join(state, "index.db.damaged"))).toBe(true)
})

test("refuses a checkpoint where the log is shorter than its index, and says so", async () => {
  const { ctx, state } = newContext()
  const first = await openStore(ctx, { gateway: "gateway-1" })
  await Promise.all(sampleEvents(5, 50).map((event) => first.append(event)))
  const copy = await open(ctx)
  await first.close()
  await copy.close()
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite")
  const db = new DatabaseSync(join(state, "record.db"), { timeout: 5000 })
  db.exec("DROP TRIGGER events_delete; DROP TRIGGER checkpoints_delete")
  db.exec("DELETE FROM events WHERE seq > 40; DELETE FROM checkpoints")
  db.close()
  const outcome = await openStore(ctx, { gateway: "gateway-1" }).then(
    async (store) => {
      const error = await store.checkpoint().catch((failure: unknown) => failure)
      await store.close()
      return error
    },
    (error: unknown) => error,
  )
  expect(String(outcome)).toMatch(/index|shorter|ends with/)
})

test("signs with no new key where the one that signed before is gone, and says so", async () => {
  const { ctx, state } = newContext()
  const first = await openStore(ctx, { gateway: "gateway-1" })
  await first.append(plainEvent("policy.adopted"))
  await first.close()
  const key = readFileSync(join(state, "log.key"))
  rmSync(join(state, "log.key"))
  const second = await open(ctx)
  await second.append(plainEvent("policy.adopted"))
  await expect(second.checkpoint()).rejects.toThrow("the key that signed this log is gone")
  expect(existsSync(join(state, "log.key"))).toBe(false)
  writeFileSync(join(state, "log.key"), key, { mode: 0o600 })
  await vi.waitFor(async () => expect(await second.checkpoint()).toBe(2), SECOND)
})
