// A container that stands still runs nothing until it is let go on: whatever signal its client gets, and however it is ended.
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, type TestContext, test } from "vitest"
import type { FoundBox } from "../../../src/sandbox/types.ts"
import { boxOf, COUNTER, count, until } from "../../sandbox/box.ts"
import { finished, type UsableEngine, useEngine } from "../../sandbox/engines.ts"

async function start(t: TestContext, engine: UsableEngine, script: string) {
  const { spec, workspace } = boxOf(engine, script)
  const child = engine.start(await engine.methods.launch(spec))
  const ended = finished(child)
  // As its own run knows it: by name.
  const box: FoundBox = {
    run: spec.run,
    agent: "tester",
    engine: engine.engine,
    handle: `nanoguard-${spec.run}`,
    state: "running",
  }
  t.onTestFinished(() => engine.methods.remove(box))
  const find = async () => (await engine.methods.list()).find(({ run }) => run === spec.run)
  return { child, ended, box, workspace, find }
}

test("signals to docker's client let a box that stands still not go on", async (t) => {
  const engine = await useEngine(t, "docker")
  const { child, ended, box, workspace, find } = await start(t, engine, COUNTER)
  await until(() => count(workspace) !== "")
  await engine.methods.freeze(box)
  const stood = count(workspace)
  for (const signal of ["SIGTSTP", "SIGCONT", "SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const) {
    child.kill(signal)
    await sleep(200)
    expect([signal, (await find())?.state]).toEqual([signal, "frozen"])
  }
  expect(count(workspace)).toBe(stood)
  await engine.methods.kill(box)
  await ended
})

const CONTAINERS = ["docker", "podman"] as const
const BUSY = 40
const SPIN = `n=0; while [ $n -lt ${BUSY} ]; do n=$((n+1)); ( while :; do echo; done > busy$n ) & done; wait`

/** Bytes that each process of the box has written. */
const written = (workspace: string) =>
  readdirSync(workspace)
    .filter((name) => name.startsWith("busy"))
    .sort()
    .map((name) => statSync(join(workspace, name)).size)

test.for(CONTAINERS.flatMap((name) => [[name, "whoever finds it"] as const, [name, "its own run"] as const]))(
  "a box of %s's that stands still is killed by %s without one more step of it",
  async ([name, by], t) => {
    const engine = await useEngine(t, name)
    for (let round = 0; round < 3; round++) {
      const { ended, box, workspace, find } = await start(t, engine, SPIN)
      await until(() => written(workspace).filter((bytes) => bytes > 0).length === BUSY)
      await engine.methods.freeze(box)
      const stood = written(workspace)
      await engine.methods.kill(by === "its own run" ? box : (await find())!)
      expect((await ended).code).toBe(137)
      expect(written(workspace)).toEqual(stood)
    }
  },
)
