// A box of bubblewrap's stands still each time it has to, whatever its processes are doing: the kill switch rests on it.
import { spawn } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import {
  entrances,
  isFrozen,
  killMembers,
  makeCgroup,
  members,
  removeCgroup,
  setFrozen,
} from "../../../src/sandbox/engines/bubblewrap/cgroup.ts"
import { needsGroup } from "../../sandbox/engines/bubblewrapped.ts"

const LIMITS = { memory: 1 << 30, pids: 200, files: 1024, fileSize: 1 << 30 }
const ROUNDS = 800

// In version 1 about one of 300 met a child in the middle of vfork(2), and stayed at FREEZING for ever.
test("processes that start others all the time stand still every time", { timeout: 120_000 }, async (ctx) => {
  const { cgroup } = makeCgroup(`nanoguard-freeze-${process.pid}`, LIMITS)
  needsGroup(ctx, cgroup)
  onTestFinished(async () => {
    await killMembers(cgroup)
    await removeCgroup(cgroup)
  })
  const enter = entrances(cgroup).map((path) => `echo 0 >'${path}'`)
  const busy = "while :; do sleep 0.005; done"
  spawn("sh", ["-c", [...enter, `(${busy}) & (${busy}) & ${busy}`].join("\n")], { stdio: "ignore" })
  await expect.poll(() => members(cgroup).length).toBeGreaterThan(2)
  for (let round = 0; round < ROUNDS; round++) {
    expect(await setFrozen(cgroup, true)).toBe(true)
    expect(isFrozen(cgroup)).toBe(true)
    expect(await setFrozen(cgroup, false)).toBe(true)
    await sleep(Math.random() * 15)
  }
})
