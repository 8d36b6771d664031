// The list of who is stopped, on either engine of the store.
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { removeApprover } from "../../../src/approvals/enrol.ts"
import { stateHome } from "../../../src/home.ts"
import { readKills, resumeMessage } from "../../../src/sandbox/kills/chain.ts"
import { explainKill } from "../../../src/sandbox/kills/explain.ts"
import { liftKill, orderKills, takeWaiting } from "../../../src/sandbox/kills/order.ts"
import { readWaiting, writeWaiting } from "../../../src/sandbox/kills/sticky.ts"
import { createKillWatch } from "../../../src/sandbox/kills/watch.ts"
import type { KillTarget } from "../../../src/sandbox/types.ts"
import type { Store } from "../../../src/store/types.ts"
import { change, newPerson, newPlace, type Person, type Prepare, records } from "../../approvals/support.ts"
import { NOW } from "../../context.ts"

const ALL: KillTarget = { kind: "all" }
const CLAUDE: KillTarget = { kind: "agent", name: "claude-1" }
const RUN: KillTarget = { kind: "run", name: "run-0123456789ab" }
const WHO = { agent: "claude-1", run: "run-0123456789ab" }
const order = (reason = "it asked for production keys", time = NOW) => ({ time, by: "olga", reason })
const targets = async (store: Store) => [...(await readKills(store.db)).standing.keys()].sort()

/** Inserts a row as whoever may write to the store could. */
async function forge(store: Store, position: number, action: string, target: string, signature = "", by = "ana") {
  const values = `${position}, '${action}', '${target}', ${NOW}, '${by}', 'x', '${signature}'`
  await store.write({ changes: [change(store, `insert into kills values (${values})`)] })
}

/** The tests of it. */
export function describeKills(name: string, prepare: Prepare): void {
  describe(`kills on ${name}`, () => {
    test("a kill stands until an approver lifts it, and both are in the log", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await orderKills(store, [CLAUDE, RUN], order(), "kill")
      expect(await targets(store)).toEqual(["agent:claude-1", "run:run-0123456789ab"])
      expect((await readKills(store.db)).standing.get("agent:claude-1")).toEqual({
        ...{ target: CLAUDE, time: NOW, by: "olga", reason: "it asked for production keys", position: 1 },
      })
      await liftKill(store, CLAUDE, people[1]!, { time: NOW + 1, reason: "keys were rotated" }, "resume")
      expect(await targets(store)).toEqual(["run:run-0123456789ab"])
      await expect(liftKill(store, CLAUDE, people[1]!, order(), "resume")).rejects.toThrow(
        "agent:claude-1 is not stopped",
      )
      const log = (await records(store)).filter(({ kind }) => kind === "kill")
      expect(log.map(({ type, subject, agent, run }) => ({ type, subject, agent, run }))).toEqual([
        { type: "kill.ordered", subject: "kill agent:claude-1", agent: "claude-1", run: undefined },
        { type: "kill.ordered", subject: "kill run:run-0123456789ab", agent: undefined, run: "run-0123456789ab" },
        { type: "kill.lifted", subject: "kill agent:claude-1", agent: "claude-1", run: undefined },
      ])
      for (const record of log) {
        expect(record.by?.every((by) => by.startsWith("person:"))).toBe(true)
        expect(record.note).toMatch(/^person:/)
        expect(JSON.stringify(record)).not.toMatch(/olga|production|rotated/)
      }
    })

    test("a resume that no approver signed lifts nothing", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben"])
      const [ana, ben] = people as [Person, Person]
      await orderKills(store, [ALL], order(), "kill")
      const { link } = await readKills(store.db)
      const row = { position: 2, action: "resume" as const, target: "all", time: NOW, by: "ana", reason: "x" }
      const message = resumeMessage(link, row)
      // Nobody's, another's in ana's name, an outsider's, over another target, over another state of the table.
      const eve = newPerson("eve")
      await forge(store, 2, "resume", "all")
      await forge(store, 3, "resume", "all", await ben.sign(message))
      await forge(store, 4, "resume", "all", await eve.sign(message), "eve")
      await forge(store, 5, "resume", "all", await ana.sign(resumeMessage(link, { ...row, target: "agent:x" })))
      // Her own signature, for another place of the table.
      await forge(store, 6, "resume", "all", await ana.sign(message))
      expect(await readKills(store.db)).toMatchObject({ refused: [2, 3, 4, 5, 6], position: 6 })
      expect(await targets(store)).toEqual(["all"])
      await expect(liftKill(store, ALL, eve, order(), "resume")).rejects.toThrow("eve is not an approver")
      await expect(liftKill(store, ALL, { ...eve, name: "ana" }, order(), "resume")).rejects.toThrow("not the key")
      await liftKill(store, ALL, ana, order(), "resume")
      expect(await targets(store)).toEqual([])
    })

    test("a resume lifts what it saw, once: it cannot be used again for the next kill", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana"])
      await orderKills(store, [CLAUDE], order(), "kill")
      await liftKill(store, CLAUDE, people[0]!, order(), "resume")
      const { signature } = await store.db
        .selectFrom("kills")
        .select("signature")
        .where("position", "=", 2)
        .executeTakeFirstOrThrow()
      await orderKills(store, [CLAUDE], order(), "kill")
      await forge(store, 4, "resume", "agent:claude-1", signature)
      expect(await targets(store)).toEqual(["agent:claude-1"])
    })

    test("what somebody lifted who is removed stands again", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben"])
      await orderKills(store, [ALL], order(), "kill")
      await liftKill(store, ALL, people[1]!, order(), "resume")
      expect(await targets(store)).toEqual([])
      await removeApprover(store, "ben", people[0]!, NOW, "test")
      expect(await targets(store)).toEqual(["all"])
    })

    test("a resume of all lifts that alone", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana"])
      await orderKills(store, [ALL, CLAUDE], order(), "kill")
      await liftKill(store, ALL, people[0]!, order(), "resume")
      const directory = stateHome({ env: {} })
      expect(await explainKill(store.db, directory, { ...WHO, agent: "other" })).toBeUndefined()
      expect(await explainKill(store.db, directory, WHO)).toEqual({
        message: "agent claude-1 is stopped since 2026-11-21 00:00 UTC, by olga: it asked for production keys",
        hint: "an approver lifts it: nanoguard resume agent:claude-1",
      })
    })

    test("kills of several at once all stand; with resumes between them each name ends as its last row says", async (t) => {
      const { store, open, people } = await newPlace(prepare, t, ["ana"])
      const other = await open("other")
      const names = Array.from({ length: 12 }, (_, i) => ({ kind: "agent" as const, name: `a${i}` }))
      await Promise.all(names.map((name, i) => orderKills(i % 2 ? store : other, [name], order(), "kill")))
      expect((await targets(store)).length).toBe(12)
      await Promise.all([
        ...names.slice(0, 6).map((name) => liftKill(store, name, people[0]!, order(), "resume")),
        ...names.slice(6).map((name) => orderKills(other, [{ ...name, name: `${name.name}-b` }], order(), "kill")),
      ])
      expect((await targets(store)).length).toBe(12)
      expect(await readKills(store.db)).toMatchObject({ position: 24, refused: [] })
    })

    test("rows that name nobody stop everything", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana"])
      await forge(store, 1, "kill", "agent:\u001b[31m")
      await forge(store, 2, "resume", "agent:\u001b[31m")
      await forge(store, 3, "rub-out", `agent:${"x".repeat(300)}`)
      expect(await targets(store)).toEqual(["all"])
      await liftKill(store, ALL, people[0]!, order(), "resume")
      expect(await targets(store)).toEqual([])
    })

    test("a watch hears of kills by others and of what waits on disk, and answers for those above", async (t) => {
      const { store, open, ctx, people } = await newPlace(prepare, t, ["ana"])
      const directory = stateHome(ctx)
      const watch = await createKillWatch(await open("gate"), (error) => t.expect.unreachable(String(error)), directory)
      t.onTestFinished(() => watch.close())
      const change = () => new Promise<void>((done) => t.onTestFinished(watch.onChange(() => done())))
      expect(watch.isKilled(WHO)).toBe(false)
      let changed = change()
      await orderKills(store, [RUN], order(), "kill")
      await changed
      expect(watch.isKilled(WHO)).toBe(true)
      expect(watch.killOn(WHO)).toMatchObject({ reason: "it asked for production keys" })
      expect(watch.isKilled({ agent: "child", run: "run-c", parents: [WHO.run] })).toBe(true)
      expect(watch.isKilled({ agent: "child", run: "run-c" })).toBe(false)
      changed = change()
      expect(writeWaiting(directory, { target: ALL, ...order("the store is full"), position: 0 })).toBeUndefined()
      await changed
      expect(watch.isKilled({ agent: "child", run: "run-c" })).toBe(true)
      expect(await takeWaiting(store, directory, "test")).toBe(1)
      expect(readWaiting(directory).size).toBe(0)
      expect(await targets(store)).toEqual(["all", "run:run-0123456789ab"])
      await liftKill(store, ALL, people[0]!, order(), "resume")
      for (let i = 0; i < 200 && watch.isKilled({ agent: "child", run: "run-c" }); i++) await sleep(20)
      expect(watch.isKilled({ agent: "child", run: "run-c" })).toBe(false)
      expect(watch.isKilled(WHO)).toBe(true)
    })

    test("what waited is taken in once, whoever does it", async (t) => {
      const { store, open, ctx, people } = await newPlace(prepare, t, ["ana"])
      const directory = stateHome(ctx)
      writeWaiting(directory, { target: CLAUDE, ...order("disk"), position: 0 })
      const kept = readWaiting(directory)
      await Promise.all([store, await open("two"), await open("three")].map((one) => takeWaiting(one, directory, "t")))
      expect((await readKills(store.db)).position).toBe(1)
      await liftKill(store, CLAUDE, people[0]!, order(), "resume")
      // Somebody who read it before that, and comes late.
      for (const kill of kept.values()) writeWaiting(directory, kill)
      await takeWaiting(store, directory, "t")
      expect(await targets(store)).toEqual([])
    })
  })
}
