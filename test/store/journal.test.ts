// The traffic journal: what it acknowledged is in the log, once, whatever ends the process that wrote it.
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import fc from "fast-check"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { createJournal } from "../../src/store/journal/journal.ts"
import { JOURNAL, replayJournal } from "../../src/store/journal/replay.ts"
import { headLine, type Repeated, readSegment, turnLine } from "../../src/store/journal/text.ts"
import { stateHome } from "../../src/store/location.ts"
import type { Store } from "../../src/store/types.ts"
import { newStoreDatabase } from "../postgres.ts"
import { killHard } from "./directory.ts"
import { event, newPlace, type Prepare, records } from "./suite.ts"

const ITEM = { kind: "host", name: "api.example.com" } as const
const commonOf = (run: string) =>
  JSON.stringify({
    gateway: "gw",
    agent: "claude-1",
    run,
    operator: "ana",
    boxed: true,
    outcome: "released",
    item: ITEM,
  })

/** What repeats refer to. */
const decided = (run: string) => event("GET https://api.example.com/", { type: "network.decided", run, item: ITEM })

/** One more repeat, as soon as the journal takes it. */
async function repeat(store: Store, common: string, seq: number): Promise<void> {
  for (;;) {
    const noted = store.repeat(common, seq)
    if (noted !== undefined) return noted
    await sleep(2)
  }
}

/** How often each record was repeated, by the log; all that was handed over is in it. */
async function repeatsIn(store: Store): Promise<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { type, detail } of await records(store)) {
    if (type !== "network.repeated") continue
    for (const one of (detail?.["of"] ?? []) as string[]) {
      const [seq = "", count] = one.split(" x")
      sums[seq] = (sums[seq] ?? 0) + Number(count)
    }
  }
  return sums
}

describe("the text of a segment", () => {
  const turns = fc.array(
    fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 99 })), {
      ...{ minLength: 1, maxLength: 4, selector: ([seq]) => seq },
    }),
    { maxLength: 5 },
  )
  const COMMON = JSON.stringify({ run: "lĭne\n\u2028" })

  test("is read as far as it is whole, wherever it was cut off", () => {
    const property = fc.property(turns, fc.nat(), (all, at) => {
      const lines = all.map((turn) => turnLine(new Map([[COMMON, new Map(turn)]])))
      const text = [headLine("log"), ...lines].join("")
      const cut = text.slice(0, at % (text.length + 1))
      const whole = cut.split("\n").length - 1
      const sums = new Map<number, number>()
      for (const [seq, count] of all.slice(0, Math.max(0, whole - 1)).flat())
        sums.set(seq, (sums.get(seq) ?? 0) + count)
      const read = readSegment(cut)
      expect(read?.origin).toBe(whole === 0 ? undefined : "log")
      expect(Object.fromEntries(read?.repeated.get(COMMON) ?? [])).toEqual(Object.fromEntries(sums))
    })
    fc.assert(property)
  })

  test("is not read beyond what somebody changed", () => {
    const turn = (seq: number): Repeated => new Map([[COMMON, new Map([[seq, 1]])]])
    const text = headLine("log") + turnLine(turn(7)) + turnLine(turn(8)).replace("8,1", "8,9") + turnLine(turn(9))
    expect([...(readSegment(text)?.repeated.get(COMMON) ?? [])]).toEqual([[7, 1]])
    expect(readSegment(text.replace("log", "lag"))).toBeUndefined()
  })
})

/** Segments below a state directory. */
const segmentsIn = (state: string) =>
  readdirSync(join(state, JOURNAL)).filter((name) => /^[0-9a-f]{16}\.\d+$/.test(name))

const engines: [string, Prepare][] = [
  ["SQLite", async () => ({})],
  [
    "PostgreSQL",
    async (t) => ({ NANOGUARD_STORE: await (await newStoreDatabase(t)).login("gateway", "nanoguard_writer") }),
  ],
]

describe.each(engines)("the traffic journal on %s", (_, prepare) => {
  test("is taken into the log within a moment, and before what matters; nothing of it stays", async (t) => {
    const { ctx, open } = await newPlace(prepare, t)
    const store = await open("gw")
    await store.write({ events: [decided("r1"), decided("r2")] })
    await repeat(store, commonOf("r1"), 1)
    const turn = [repeat(store, commonOf("r1"), 1), repeat(store, commonOf("r2"), 2), repeat(store, commonOf("r1"), 1)]
    await Promise.all(turn)
    const [file = ""] = segmentsIn(stateHome(ctx))
    const mode = statSync(join(stateHome(ctx), JOURNAL, file), { throwIfNoEntry: false })?.mode
    if (file !== "" && mode !== undefined) expect(mode & 0o777).toBe(0o600)
    expect(statSync(join(stateHome(ctx), JOURNAL)).mode & 0o777).toBe(0o700)
    await store.append(event("after"))
    expect((await records(store)).map(({ type }) => type).slice(2)).toEqual([
      ...Array((await records(store)).length - 3).fill("network.repeated"),
      "package.decided",
    ])
    expect(await repeatsIn(store)).toEqual({ 1: 3, 2: 1 })
    const [first] = (await records(store)).filter(({ type }) => type === "network.repeated")
    expect(first).toMatchObject({ agent: "claude-1", run: "r1", gateway: "gw", item: ITEM, boxed: true })
    expect(JSON.stringify(first)).not.toContain("ana")
    await repeat(store, commonOf("r1"), 1)
    while ((await repeatsIn(store))["1"] !== 4) await sleep(5)
    await repeat(store, commonOf("r2"), 2)
    await store.close()
    const again = await open("gw")
    expect(await repeatsIn(again)).toEqual({ 1: 4, 2: 2 })
    expect(readdirSync(join(stateHome(ctx), JOURNAL))).toEqual(["writers"])
    expect(readdirSync(join(stateHome(ctx), JOURNAL, "writers"))).toEqual([])
  })

  test("counts once what is there again, and what refers to another record not at all", async (t) => {
    const { ctx, open } = await newPlace(prepare, t)
    const store = await open("gw")
    await store.write({ events: [decided("r1"), event("no request")] })
    const state = stateHome(ctx)
    const { value: origin } = await store.db
      .selectFrom("settings")
      .select("value")
      .where("name", "=", "origin")
      .executeTakeFirstOrThrow()
    const directory = join(state, JOURNAL)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const id = "00112233445566aa"
    const file = (n: number) => join(directory, `${id}.${n}`)
    const turn: Repeated = new Map([
      [commonOf("r1"), new Map([...[1, 2, 99].map((seq) => [seq, 3] as const)])],
      [commonOf("another"), new Map([[1, 1]])],
    ])
    const put = (n: number, of: string) => writeFileSync(file(n), headLine(of) + turnLine(turn), { mode: 0o600 })
    for (let tries = 0; tries < 3; tries++) {
      put(1, origin)
      put(2, origin)
      await replayJournal(directory, id, store)
      expect(await repeatsIn(store)).toEqual({ 1: 6 })
      expect(segmentsIn(state)).toEqual([])
    }
    // One that is missing in between: what follows waits for somebody to look.
    put(4, origin)
    await expect(replayJournal(directory, id, store)).rejects.toThrow("another process was first")
    rmSync(file(4))
    // Another log's, and one that nobody finished.
    put(3, "nanoguard/another")
    await replayJournal(directory, id, store)
    expect(segmentsIn(state)).toEqual([`${id}.3`])
    truncateSync(file(3), 20)
    await replayJournal(directory, id, store)
    expect([await repeatsIn(store), segmentsIn(state)]).toEqual([{ 1: 6 }, []])
  })

  test("what a killed process acknowledged is in the log when the next one has opened it", async (t) => {
    const { ctx, open } = await newPlace(prepare, t)
    const store = await open("gw")
    await store.write({ events: [decided("r1"), decided("r2")] })
    const program = fileURLToPath(new URL("journaler.ts", import.meta.url))
    const commons = JSON.stringify([commonOf("r1"), commonOf("r2")])
    const child = spawn(process.execPath, [program, commons], {
      env: ctx.env as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "inherit"],
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    await once(child.stdout, "data")
    await killHard(child)
    const state = stateHome(ctx)
    expect(segmentsIn(state)).toHaveLength(1)
    const [name = ""] = segmentsIn(state)
    // A tail that was cut off, as a power cut may leave it.
    const before = readFileSync(join(state, JOURNAL, name), "utf8")
    writeFileSync(join(state, JOURNAL, name), `${before}0000000`)
    copyFileSync(join(state, JOURNAL, name), join(state, "copy"))
    const again = await open("next")
    expect(await repeatsIn(again)).toEqual({ 1: 3, 2: 1 })
    expect(segmentsIn(state)).toEqual([])
    // Brought back by hand, it is known.
    copyFileSync(join(state, "copy"), join(state, JOURNAL, name))
    await replayJournal(join(state, JOURNAL), name.slice(0, 16), again)
    expect(await repeatsIn(again)).toEqual({ 1: 3, 2: 1 })
  })
})

test("where the store fails, nobody relies on the journal until it has all of it", async (t) => {
  const { ctx, open } = await newPlace(async () => ({}), t)
  const store = await open("gw")
  await store.write({ events: [decided("r1")] })
  let broken = false
  const write: Store["write"] = (batch) => (broken ? Promise.reject(new Error("disk full")) : store.write(batch))
  const state = stateHome(ctx)
  const journal = createJournal(state, { db: store.db, write }, Date.now)
  onTestFinished(() => journal.close())
  const note = async () => {
    for (;;) {
      const noted = journal.repeat(commonOf("r1"), 1)
      if (noted !== undefined) return noted
      await sleep(5)
    }
  }
  await note()
  journal.takeIn()
  await vi.waitUntil(() => segmentsIn(state).length === 0, 10_000)
  broken = true
  await note()
  journal.takeIn()
  await new Promise((done) => setImmediate(done))
  expect(journal.repeat(commonOf("r1"), 1)).toBeUndefined()
  expect(segmentsIn(state)).toHaveLength(1)
  broken = false
  // Tried again by itself.
  await note()
  await journal.close()
  expect(await repeatsIn(store)).toEqual({ 1: 3 })
  expect(segmentsIn(state)).toEqual([])
})
