// Kills on files, and what somebody does to those files who may write them.
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { stateHome } from "../../../src/home.ts"
import { readKills } from "../../../src/sandbox/kills/chain.ts"
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
  const db = new DatabaseSync(join(directory, "record.db"))
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
