// What a store does, whichever engine is behind it: the same tests run on SQLite and on PostgreSQL.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { sql } from "kysely"
import { describe, expect, inject, onTestFinished, type TestContext, test } from "vitest"
import { opensPerson } from "../../src/audit/sealing/people.ts"
import type { LogRecord, NewEvent } from "../../src/audit/types.ts"
import { EXIT } from "../../src/errors.ts"
import { Conflict } from "../../src/store/conflict.ts"
import { openReader, openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/types.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"

/** Makes a new, empty store and returns the variables that lead to it; the state directory is already another one. */
export type Prepare = (ctx: TestContext) => Promise<Record<string, string>>

/** A place for gateways of one store: each `open` is one more gateway on it, closed when the test ends. */
export async function newPlace(prepare: Prepare, test: TestContext, now?: number) {
  const env = emptyHome(await prepare(test))
  const ctx = testContext(temporaryDirectory(), { env, ...(now !== undefined && { now }) })
  const open = async (gateway: string, on = ctx): Promise<Store> => {
    const store = await openStore(on, { gateway })
    onTestFinished(() => store.close())
    return store
  }
  return { ctx, open }
}

export const event = (subject: string, more: Partial<NewEvent> = {}): NewEvent => ({
  ...{ type: "package.decided", subject, gateway: "gw", ...more },
})

export async function records(store: Store): Promise<(LogRecord & { seq: number })[]> {
  const rows = await store.db.selectFrom("events").selectAll().orderBy("seq").execute()
  return rows.map(({ seq, body }) => ({ ...(JSON.parse(body) as LogRecord), seq }))
}

/** `count` events of a process of its own, acknowledged ones told line by line as `<seq> <subject>`. */
export function startAppender(env: Record<string, string | undefined>, name: string, count: number, ...mode: "lax"[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [fileURLToPath(new URL("appender.js", inject("programs"))), name, String(count), ...mode],
    {
      env: env as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "inherit"],
    },
  )
  onTestFinished(() => void child.kill("SIGKILL"))
  const acknowledged = new Map<number, string>()
  const lines = createInterface({ input: child.stdout! })
  lines.on("line", (line) => acknowledged.set(Number(line.split(" ")[0]), line.split(" ")[1]!))
  return { child, acknowledged, ended: Promise.all([once(child, "exit"), once(lines, "close")]) }
}

/** The tests of a store's contract. */
export function describeStore(name: string, prepare: Prepare): void {
  describe(`a store on ${name}`, () => {
    test("appends events: numbered from 1, sealed, readable when acknowledged", async (t) => {
      const { open } = await newPlace(prepare, t)
      const store = await open("gw")
      expect(await store.append(event("pkg:npm/a@1.0.0"))).toBe(1)
      expect(await store.append(event("pkg:npm/b@1.0.0", { secrets: { token: "hunter2hunter2" } }))).toBe(2)
      const [first, second] = await records(store)
      expect(first).toMatchObject({ v: 1, kind: "package", subject: "pkg:npm/a@1.0.0", seq: 1 })
      expect(second?.secrets?.["token"]).toMatch(/^secret:[\w-]{43}$/)
    })

    test("makes changes and events of a batch together or not at all", async (t) => {
      const { open } = await newPlace(prepare, t)
      const store = await open("gw")
      const claim = (size: number) =>
        store.db.insertInto("publications").values({ anchor: "dir:/mnt/witness", size, time: 1 }).compile()
      const written = await store.write({ changes: [{ ...claim(7), expect: 1 }], events: [event("a"), event("b")] })
      expect(written.seqs).toEqual([1, 2])
      // The second change fails; the first one of its batch and its event go with it.
      const failed = store.write({ changes: [claim(8), claim(7)], events: [event("c")] })
      await expect(failed).rejects.toThrow(/store|PostgreSQL/)
      const sizes = await store.db.selectFrom("publications").select("size").execute()
      expect(sizes).toEqual([{ size: 7 }])
      expect((await records(store)).map(({ subject }) => subject)).toEqual(["a", "b"])
    })

    test("undoes only the batch whose expectation does not hold", async (t) => {
      const { open } = await newPlace(prepare, t)
      const store = await open("gw")
      const publish = (anchor: string) => ({
        ...store.db
          .insertInto("publications")
          .columns(["anchor", "size", "time"])
          .expression((from) =>
            from
              .selectFrom("settings")
              .select([sql.lit(anchor).as("anchor"), sql.lit(1).as("size"), sql.lit(1).as("time")])
              .where("name", "=", "origin")
              .where(({ not, exists, selectFrom }) => not(exists(selectFrom("publications").select("anchor")))),
          )
          .compile(),
        expect: 1,
      })
      const racers = ["x", "y", "z"].map((name) => store.write({ changes: [publish(name)], events: [event(name)] }))
      const [plain, ...results] = await Promise.allSettled([store.append(event("plain")), ...racers])
      expect(plain?.status).toBe("fulfilled")
      const won = results.filter(({ status }) => status === "fulfilled")
      expect(won).toHaveLength(1)
      for (const result of results) if (result.status === "rejected") expect(result.reason).toBeInstanceOf(Conflict)
      const subjects = (await records(store)).map(({ subject }) => subject)
      expect(subjects.toSorted()).toEqual(["plain", subjects.find((name) => name !== "plain")].toSorted())
    })

    test("refuses an event that is none, and it alone", async (t) => {
      const { open } = await newPlace(prepare, t)
      const store = await open("gw")
      const wrong = { type: "nothing.known", subject: "s", gateway: "gw" }
      const results = await Promise.allSettled([
        store.append(event("a")),
        store.append(wrong),
        store.append(event("b")),
      ])
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
      expect(results[1]).toMatchObject({ reason: { exit: EXIT.usage } })
      expect((await records(store)).map(({ seq, subject }) => [seq, subject])).toEqual([
        [1, "a"],
        [2, "b"],
      ])
    })

    test("numbers the events of several gateways without gaps, and each under its own number", async (t) => {
      const { open } = await newPlace(prepare, t)
      const gateways = [await open("one"), await open("two"), await open("three")]
      const subjects = Array.from({ length: 300 }, (_, i) => `pkg:npm/p${i}@1.0.0`)
      const seqs = await Promise.all(subjects.map((subject, i) => gateways[i % 3]!.append(event(subject))))
      const found = await records(gateways[0]!)
      expect(found.map(({ seq }) => seq)).toEqual(subjects.map((_, i) => i + 1))
      subjects.forEach((subject, i) => {
        expect(found[seqs[i]! - 1]?.subject).toBe(subject)
      })
    })

    test("loses nothing acknowledged when a process is killed, and lets the others go on", async (t) => {
      const { ctx, open } = await newPlace(prepare, t)
      const store = await open("gw")
      const killed = startAppender(ctx.env, "killed", 1_000_000)
      const whole = startAppender(ctx.env, "whole", 200)
      while (killed.acknowledged.size < 200) await once(killed.child.stdout!, "data")
      killed.child.kill("SIGKILL")
      await Promise.all([killed.ended, whole.ended])
      await store.append(event("after"))
      const found = new Map((await records(store)).map(({ seq, subject }) => [seq, subject]))
      expect([...found.keys()]).toEqual(Array.from({ length: found.size }, (_, i) => i + 1))
      expect(whole.acknowledged.size).toBe(200)
      for (const [seq, subject] of [...killed.acknowledged, ...whole.acknowledged]) expect(found.get(seq)).toBe(subject)
      const events = [...found.values()].filter((subject) => /^(killed|whole)/.test(subject))
      expect(new Set(events).size).toBe(events.length)
    })

    test("keeps personal values out of the log, one commitment each, until they are erased", async (t) => {
      const { open } = await newPlace(prepare, t)
      const [one, two] = [await open("one"), await open("two")]
      const note = `said no: ${"x".repeat(9000)}`
      await one.append(event("a", { operator: "ana@acme.example", note }))
      await two.append(event("b", { operator: "ana@acme.example", by: ["ben\u0000@acme.example"] }))
      const [a, b] = await records(one)
      expect(a?.operator).toBe(b?.operator)
      const people = await one.db.selectFrom("people").selectAll().execute()
      expect(people).toHaveLength(3)
      expect(people.every(opensPerson)).toBe(true)
      expect(people.map(({ commitment }) => commitment)).toEqual(
        expect.arrayContaining([a?.operator, a?.note, ...(b?.by ?? [])]),
      )
      const bodies = await one.db.selectFrom("events").select("body").execute()
      expect(JSON.stringify(bodies)).not.toContain("acme.example")
    })

    test("says when the clock is behind the newest record, once", async (t) => {
      const { ctx, open } = await newPlace(prepare, t, Date.UTC(2026, 10, 21, 12))
      await (await open("one")).append(event("a"))
      const back = await open("two", { ...ctx, now: () => Date.UTC(2026, 10, 21, 11) })
      await back.append(event("b"))
      await back.append(event("c"))
      expect((await records(back)).map(({ type }) => type)).toEqual([
        ...["package.decided", "log.clock-back", "package.decided", "package.decided"],
      ])
    })

    test("wakes subscribers when another process writes", async (t) => {
      const { ctx, open } = await newPlace(prepare, t)
      const store = await open("gw")
      let calls = 0
      const woken = new Promise<void>((resolve) => {
        const stop = store.subscribe(() => {
          calls++
          void store.db
            .selectFrom("events")
            .select("seq")
            .executeTakeFirst()
            .then((row) => row && resolve())
        })
        onTestFinished(stop)
      })
      const other = startAppender(ctx.env, "other", 1)
      await woken
      expect(calls).toBeGreaterThan(0)
      await other.ended
    })

    test("checkpoints all that is in the log", async (t) => {
      const { open } = await newPlace(prepare, t)
      const store = await open("gw")
      await Promise.all(["a", "b", "c"].map((subject) => store.append(event(subject))))
      expect(await store.checkpoint()).toBe(3)
      const sizes = await store.db.selectFrom("checkpoints").select("size").execute()
      expect(sizes).toContainEqual({ size: 3 })
    })

    test("writes what is pending when it is closed, and nothing after", async (t) => {
      const { ctx, open } = await newPlace(prepare, t)
      const store = await open("gw")
      const pending = Array.from({ length: 50 }, (_, i) => store.append(event(`e${i}`)))
      await store.close()
      expect(await Promise.all(pending)).toHaveLength(50)
      await expect(store.append(event("late"))).rejects.toMatchObject({ exit: EXIT.environment })
      await store.close()
      const reader = await openReader(ctx)
      onTestFinished(() => reader.close())
      const { count } = await reader.db
        .selectFrom("events")
        .select((build) => build.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow()
      expect(count).toBe(50)
    })

    test("opens for reading beside a gateway, and then cannot be written to", async (t) => {
      const { ctx, open } = await newPlace(prepare, t)
      const store = await open("gw")
      const reader = await openReader(ctx)
      onTestFinished(() => reader.close())
      await store.append(event("a"))
      expect(await reader.db.selectFrom("events").select("seq").execute()).toEqual([{ seq: 1 }])
      const change = reader.db.updateTable("derived").set({ value: "9" }).execute()
      await expect(change).rejects.toThrow(/read.?only|cannot be written/i)
    })
  })
}
