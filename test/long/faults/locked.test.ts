// Another program holds the record's lock for longer than anybody waits.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { type Copy, copyOf, expectNoBeginning, expectRefusal, makeOriginal } from "./damage.ts"
import { startGateway } from "./gateway.ts"
import { expectWhole } from "./record.ts"

/** A process that holds the record until it is killed. */
async function hold({ state }: Copy, pragma: string): Promise<ChildProcess> {
  const text = `
    const { DatabaseSync } = require("node:sqlite")
    const db = new DatabaseSync(${JSON.stringify(join(state, "record.db"))})
    db.exec("${pragma}; BEGIN EXCLUSIVE; SELECT count(*) FROM events")
    console.log("held")
    setInterval(() => db, 1000)`
  const child = spawn(process.execPath, ["-e", text], { stdio: ["ignore", "pipe", "ignore"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  await once(child.stdout, "data")
  return child
}

test("held for writing: readers go on, a gateway refuses with one clear error each, and goes on once it is free", async () => {
  const original = await makeOriginal()
  const copy = copyOf(original)
  const gateway = startGateway({ program: original.program, env: copy.ctx.env, name: "waits" })
  await gateway.answered
  const holder = await hold(copy, "PRAGMA busy_timeout=5000")
  while (gateway.refused.length < 4) await new Promise((resolve) => setTimeout(resolve, 50))
  const { exit } = await copy.run("audit tail")
  expect(exit).toBe(0)
  holder.kill("SIGKILL")
  const before = gateway.told.length
  while (gateway.told.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 50))
  gateway.child.kill("SIGTERM")
  await gateway.ended
  expect(gateway.err()).toBe("")
  for (const { known, exit: code, message } of gateway.refused) {
    expect([known, code]).toEqual([true, 5])
    expect(message).toBe("the store is locked by another process; nothing of it is in the log")
  }
  const { log } = await expectWhole(copy.ctx, [...original.told, ...gateway.told])
  const subjects = new Set(log.map(({ subject }) => subject))
  expect(gateway.refused.filter(({ id }) => subjects.has(id))).toEqual([])
})

test("held from everybody: each command and each gateway says so, and all is well afterwards", async () => {
  const original = await makeOriginal()
  const copy = copyOf(original)
  const holder = await hold(copy, "PRAGMA locking_mode=EXCLUSIVE")
  const [verify, status, gateway] = await Promise.all([
    copy.run("audit verify"),
    copy.run("store status"),
    copy.append(),
  ])
  for (const finished of [verify, status]) expectRefusal(finished, /locked by another process/)
  expectNoBeginning(gateway, /locked by another process/)
  holder.kill("SIGKILL")
  const after = await copy.append()
  expect(after.told).toHaveLength(3)
  await expectWhole(copy.ctx, [...original.told, ...after.told])
})
