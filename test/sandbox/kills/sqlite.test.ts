// Kills on files, and what somebody does to those files who may write them.
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { stateHome } from "../../../src/home.ts"
import { readKills } from "../../../src/sandbox/kills/chain.ts"
import { explainKill } from "../../../src/sandbox/kills/explain.ts"
import { readKillHead } from "../../../src/sandbox/kills/head.ts"
import { liftKill, orderKills } from "../../../src/sandbox/kills/order.ts"
import { readWaiting, waitingDirectory, writeWaiting } from "../../../src/sandbox/kills/sticky.ts"
import { readTarget } from "../../../src/sandbox/kills/types.ts"
import { createKillWatch } from "../../../src/sandbox/kills/watch.ts"
import { newPlace } from "../../approvals/support.ts"
import { NOW, temporaryDirectory } from "../../context.ts"
import { describeKills } from "./suite.ts"

describeKills("SQLite", async () => ({}))

const order = { time: NOW, by: "olga", reason: "stop" }
const agents = (...names: string[]) => names.map((name) => ({ kind: "agent" as const, name }))

/** The record, with its guards taken off, as its owner could. */
function unguarded(directory: string): DatabaseSync {
  const db = new DatabaseSync(join(directory, "record.db"), { timeout: 5000 })
  // Beside a store that is at work.
  db.exec("DROP TRIGGER kills_update; DROP TRIGGER kills_delete; DROP TRIGGER kills_insert")
  return db
}

describe("kills whose rows are tampered with", () => {
  test("a row that is missing, moved or changed before a resume stops everything, or undoes the resume", async (t) => {
    const { store, ctx, people } = await newPlace(async () => ({}), t, ["ana"])
    const standing = async () => [...(await readKills(store.db)).standing.keys()].sort()
    await orderKills(store, agents("a", "b", "c"), order, "kill")
    const db = unguarded(stateHome(ctx))
    db.exec("DELETE FROM kills WHERE position = 2")
    expect(await standing()).toEqual(["agent:a", "agent:c", "all"])
    // A person who looked at it lifts that.
    await liftKill(store, { kind: "all" }, people[0]!, order, "resume")
    expect(await standing()).toEqual(["agent:a", "agent:c"])
    db.exec("UPDATE kills SET target = 'agent:z' WHERE position = 3")
    expect(await standing()).toEqual(["agent:a", "agent:z", "all"])
    db.exec("UPDATE kills SET target = 'agent:c' WHERE position = 3")
    db.exec("UPDATE kills SET position = 9 WHERE position = 1; UPDATE kills SET position = 1 WHERE position = 3")
    expect(await standing()).toEqual(["agent:a", "agent:c", "all"])
    db.close()
  })

  test("a watch does not forget a kill whose row was cut off; a resume signed since then lifts it", async (t) => {
    const { store, open, ctx, people } = await newPlace(async () => ({}), t, ["ana"])
    await orderKills(store, agents("a", "b"), order, "kill")
    const watch = await createKillWatch(await open("gate"), (error) => expect.unreachable(String(error)))
    t.onTestFinished(() => watch.close())
    const db = unguarded(stateHome(ctx))
    db.exec("DELETE FROM kills")
    await orderKills(store, agents("c"), order, "kill")
    const until = async (is: () => boolean) => {
      for (let i = 0; i < 200 && !is(); i++) await sleep(20)
      expect(is()).toBe(true)
    }
    const isKilled = (agent: string) => watch.isKilled({ agent, run: "r" })
    await until(() => isKilled("c"))
    expect([isKilled("a"), isKilled("b")]).toEqual([true, true])
    await orderKills(store, agents("a"), order, "kill")
    await liftKill(store, { kind: "agent", name: "a" }, people[0]!, order, "resume")
    await until(() => !isKilled("a"))
    expect([isKilled("b"), isKilled("c")]).toEqual([true, true])
    db.close()
  })
})

test("rows that are cut off at the end stop everything at the next start, until an approver resumes all", async (t) => {
  const { store, ctx, people } = await newPlace(async () => ({}), t, ["ana"])
  const state = stateHome(ctx)
  const standing = async () => [...(await readKills(store.db, state)).standing.keys()].sort()
  for (const name of ["first", "claude-1"]) await orderKills(store, agents(name), order, "kill", state)
  const db = unguarded(state)
  db.exec("DELETE FROM kills WHERE position = 2")
  expect([...(await readKills(store.db)).standing.keys()]).toEqual(["agent:first"])
  expect(await standing()).toEqual(["agent:first", "all"])
  expect(await explainKill(store.db, state, { agent: "somebody", run: "" })).toMatchObject({
    message: expect.stringContaining(
      "rows at the end of the table of kills are gone or others: this machine had seen 2",
    ),
    hint: "an approver lifts it: nanoguard resume --all",
  })
  const watch = await createKillWatch(store, (error) => expect.unreachable(String(error)), state)
  t.onTestFinished(() => watch.close())
  const isKilled = () => watch.isKilled({ agent: "somebody", run: "r" })
  expect(isKilled()).toBe(true)
  // Another kill does not hide it: what is missing stands in a row of its own from then on.
  await orderKills(store, agents("c"), order, "kill", state)
  expect([...(await readKills(store.db)).standing.keys()].sort()).toEqual(["agent:c", "agent:first", "all"])
  await liftKill(store, { kind: "all" }, people[0]!, order, "resume", state)
  expect(await standing()).toEqual(["agent:c", "agent:first"])
  for (let i = 0; i < 200 && isKilled(); i++) await sleep(20)
  expect(isKilled()).toBe(false)
  // Lifted at once, with nothing in between.
  db.exec("DELETE FROM kills WHERE position >= 4")
  expect(await standing()).toContain("all")
  await liftKill(store, { kind: "all" }, people[0]!, order, "resume", state)
  expect(await standing()).toEqual(["agent:c", "agent:first"])
  writeFileSync(join(state, "kills-head.json"), "{")
  expect(await standing()).toEqual(["agent:c", "agent:first", "all"])
  db.close()
})

test("a kill is written where how far the kills had come cannot be noted", async (t) => {
  const { store, ctx } = await newPlace(async () => ({}), t, ["ana"])
  const state = stateHome(ctx)
  mkdirSync(join(state, "kills-head.json"))
  await orderKills(store, agents("claude-1"), order, "kill", state)
  const { standing } = await readKills(store.db)
  expect([...standing.keys()]).toContain("agent:claude-1")
  expect((await store.db.selectFrom("kills").select("position").execute()).length).toBeLessThanOrEqual(2)
})

test("a gate keeps how far the kills had come, also those that another machine ordered", async (t) => {
  const { store, ctx } = await newPlace(async () => ({}), t, ["ana"])
  const state = stateHome(ctx)
  await orderKills(store, agents("a"), order, "kill")
  expect(readKillHead(state)).toBeUndefined()
  const watch = await createKillWatch(store, (error) => expect.unreachable(String(error)), state)
  t.onTestFinished(() => watch.close())
  expect(readKillHead(state)).toMatchObject({ position: 1 })
  await orderKills(store, agents("b"), order, "kill")
  for (let i = 0; i < 200 && !watch.isKilled({ agent: "b", run: "r" }); i++) await sleep(20)
  expect(readKillHead(state)).toMatchObject({ position: 2 })
})

describe("kills that wait in the state directory", () => {
  const kill = { target: { kind: "agent" as const, name: "claude-1" }, ...order, position: 0 }

  test("count by their names, whatever is in them", () => {
    const state = temporaryDirectory()
    expect(readWaiting(state).size).toBe(0)
    expect(writeWaiting(state, kill)).toBeUndefined()
    expect(readWaiting(state)).toEqual(new Map([["agent:claude-1", kill]]))
    const directory = waitingDirectory(state)
    writeFileSync(join(directory, "agent%3Aempty.json"), "")
    writeFileSync(join(directory, "agent%3Alarge.json"), "x".repeat(2_000_000))
    writeFileSync(join(directory, "run%3Astrange.json"), '{"time":"now","by":[],"reason":null}', { mode: 0o600 })
    symlinkSync("/dev/zero", join(directory, "agent%3Alink.json"))
    mkdirSync(join(directory, "agent%3Adir.json"))
    for (const name of ["%E0%A4%A.json", "agent%3A.json", "..json", "other"]) writeFileSync(join(directory, name), "")
    expect([...readWaiting(state).keys()].sort()).toEqual([
      ...["agent:claude-1", "agent:dir", "agent:empty", "agent:large", "agent:link", "run:strange"],
    ])
    expect(readdirSync(directory)).toHaveLength(10)
  })

  test("stop everything where the list is no directory", () => {
    const state = temporaryDirectory({ killed: "" })
    expect([...readWaiting(state).keys()]).toEqual(["all"])
    expect(writeWaiting(state, kill)).toMatch(/not a directory/)
  })

  test("need no more room than a name", () => {
    const state = temporaryDirectory()
    writeWaiting(state, kill)
    chmodSync(waitingDirectory(state), 0o500)
    // Root may write all the same.
    if (process.getuid?.() !== 0) expect(writeWaiting(state, { ...kill, target: { kind: "all" } })).toMatch(/EACCES/)
    chmodSync(waitingDirectory(state), 0o700)
    expect(readWaiting(state).size).toBe(1)
  })
})

test("targets are names of agents and runs, and nothing else", () => {
  expect(readTarget("all")).toEqual({ kind: "all" })
  expect(readTarget("agent:claude-1")).toEqual({ kind: "agent", name: "claude-1" })
  expect(readTarget("run:run-0123456789ab")).toEqual({ kind: "run", name: "run-0123456789ab" })
  for (const text of [
    "",
    "All",
    "agent:",
    "agent:../x",
    "agent:a b",
    "run",
    "user:x",
    `agent:${"x".repeat(65)}`,
    "agent:-x",
  ])
    expect([text, readTarget(text)]).toEqual([text, undefined])
})
