// How boxes of bubblewrap's live and end: limits, standing still, going on, ending, and what is left of them.
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeEach, describe, expect, onTestFinished, test } from "vitest"
import type { Engine } from "../../../src/sandbox/types.ts"
import { needs, needsGroup, openBoxes, until } from "../../sandbox/engines/bubblewrapped.ts"

const OTHER = 54_321

beforeEach((ctx) => needs(ctx, "bwrap", "apt-get install bubblewrap"))

const own = process.getuid?.() ?? 0
const users = own === 0 ? [0, OTHER] : [own]

describe.each(users)("a box for user %i", (uid) => {
  test("limits hold: processes, memory, files, and what lies in memory", async () => {
    const { sh } = openBoxes(uid)
    const limits = { memory: 128 << 20, pids: 40, files: 64, fileSize: 1 << 20 }
    const { output } = await sh(
      [
        "ulimit -c; ulimit -n",
        "head -c 2000000 /dev/zero >/workspace/large; ls -l /workspace/large",
        "head -c 900000 /dev/zero >/dev/shm/a; for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do head -c 1000000 /dev/zero >/home/agent/$n || { echo full; break; }; done 2>/dev/null",
        "i=0; while [ $i -lt 80 ]; do sleep 5 & i=$((i + 1)); done 2>&1 | head -3",
      ].join("\n"),
      { limits },
    )
    expect(output).toMatch(/^0\n64$/m)
    expect(output).toMatch(/ 1048576 .*large/)
    expect(output).toContain("full")
    expect(output).toMatch(/fork|Resource temporarily unavailable/i)
    const eater = await sh("node -e 'const all = []; for (;;) all.push(Buffer.alloc(16 << 20, 1))'; echo ended $?", {
      limits,
    })
    // By its control group; where none can be made each process has a limit, at which Node.js aborts.
    expect(eater.output).toMatch(/ended (?:1|133|134|137|139)$|Killed/)
  })

  test.each(["control group", "signals"])("stands still, goes on and ends by %s", async (way) => {
    const { start, spec, engine, state, workspace } = openBoxes(uid)
    const box = await start(
      spec([
        "sh",
        "-c",
        "(setsid sh -c 'while :; do echo x >>/workspace/ticks; sleep 0.02; done') & while :; do echo y >>/workspace/ticks; sleep 0.02; done",
      ]),
    )
    await until(async () => ((await box.found())?.handle ?? "") !== "", "the first process")
    const found = await box.found()
    if (found === undefined) throw new Error("not found")
    const directory = join(state, "boxes", found.run)
    const ticks = () => (existsSync(join(workspace, "ticks")) ? statSync(join(workspace, "ticks")).size : 0)
    if (way === "signals") {
      // As where no control group could be made.
      const path = join(directory, "bubblewrap.json")
      const launched = JSON.parse(readFileSync(path, "utf8"))
      writeFileSync(path, JSON.stringify({ ...launched, cgroup: { version: 1, directories: {} } }))
      onTestFinished(() => writeFileSync(path, JSON.stringify(launched)))
    }
    await until(() => ticks() > 0, "work")
    await engine.freeze(found)
    expect((await box.found())?.state).toBe("frozen")
    const before = ticks()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(ticks()).toBe(before)
    await engine.thaw(found)
    await until(() => ticks() > before, "work again")
    expect((await box.found())?.state).toBe("running")
    await engine.freeze(found)
    await engine.kill(found)
    await box.ended
    await until(async () => (await box.found())?.state === "stopped", "the end")
    const last = ticks()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(ticks()).toBe(last)
  })

  test("made to stand still before it began, it does, is seen to, and ends", async (ctx) => {
    const { start, spec, engine, state, workspace } = openBoxes(uid)
    const frozen: Engine = {
      ...engine,
      launch: async (spec) => {
        const launch = await engine.launch(spec)
        await engine.freeze({ run: spec.run, agent: spec.agent, engine: "bubblewrap", handle: "", state: "running" })
        return launch
      },
    }
    const box = await start(spec(["touch", "/workspace/began"]), frozen)
    const found = await box.found()
    if (found === undefined) throw new Error("not found")
    const path = join(state, "boxes", found.run, "bubblewrap.json")
    const launched = JSON.parse(readFileSync(path, "utf8"))
    needsGroup(ctx, launched.cgroup)
    await until(async () => (await box.found())?.state === "frozen", "standing still")
    // However long ago that was.
    writeFileSync(path, JSON.stringify({ ...launched, ticks: launched.ticks - 100_000 }))
    expect(await box.found()).toMatchObject({ state: "frozen", handle: "" })
    writeFileSync(path, JSON.stringify(launched))
    await engine.kill(found)
    await box.ended
    expect(existsSync(join(workspace, "began"))).toBe(false)
  })

  test("has the terminal that was made for it, also by its name", () => {
    const { state, workspace } = openBoxes(uid)
    const script = join(import.meta.dirname, "../../sandbox/engines/launch-once.ts")
    const inside = `'test -t 0 && : <>"$(tty)" && : <>/dev/tty && echo has one'`
    const command = [process.execPath, script, state, workspace, String(uid), "sh", "-c", inside].join(" ")
    const { stdout } = spawnSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8" })
    expect(stdout).toContain("has one")
  })

  test("is asked to end, and ends as its command does", async () => {
    const { start, spec, engine } = openBoxes(uid)
    const box = await start(
      spec(["sh", "-c", "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done"]),
    )
    await until(() => box.output().includes("ready"), "the command")
    const found = await box.found()
    if (found === undefined) throw new Error("not found")
    await engine.terminate?.(found)
    expect(await box.ended).toBe(3)
    expect(box.output()).toContain("asked")
  })

  test("leaves nothing behind", async () => {
    const { start, spec, engine, state } = openBoxes(uid)
    const box = await start(spec(["true"]))
    expect(await box.ended).toBe(0)
    await until(async () => (await box.found())?.state === "stopped", "the end")
    const found = await box.found()
    if (found === undefined) throw new Error("not found")
    await engine.remove(found)
    await engine.remove(found)
    expect(readdirSync(join(state, "boxes", found.run))).toEqual(["box.json"])
    expect(spawnSync("find", ["/sys/fs/cgroup", "-name", `nanoguard-${found.run}`], { encoding: "utf8" }).stdout).toBe(
      "",
    )
  })

  test("ends with what started it", async () => {
    const { start, spec } = openBoxes(uid)
    const box = await start(spec(["sh", "-c", "sleep 300 & echo ready; wait"]))
    await until(() => box.output().includes("ready"), "the command")
    box.process.kill("SIGKILL")
    await until(async () => (await box.found())?.state === "stopped", "the end")
  })
})
test("a process that has the id of a box's first one since is left alone", async () => {
  const { engine, state, start, spec } = openBoxes(own)
  const box = await start(spec(["sleep", "300"]))
  await until(async () => (await box.found())?.handle !== "", "the first process")
  const found = await box.found()
  if (found === undefined) throw new Error("not found")
  const bystander = spawn("sleep", ["300"], { stdio: "ignore" })
  onTestFinished(() => void bystander.kill("SIGKILL"))
  const status = join(state, "boxes", found.run, "bubblewrap.status")
  const launched = join(state, "boxes", found.run, "bubblewrap.json")
  const [text, json] = [readFileSync(status, "utf8"), readFileSync(launched, "utf8")]
  onTestFinished(() => {
    writeFileSync(status, text)
    writeFileSync(launched, json)
  })
  writeFileSync(launched, JSON.stringify({ ...JSON.parse(json), cgroup: { version: 1, directories: {} } }))
  writeFileSync(status, text.replace(/"child-pid": \d+/, `"child-pid": ${bystander.pid}`))
  expect((await box.found())?.state).toBe("stopped")
  await engine.freeze(found)
  await engine.kill(found)
  expect(readFileSync(`/proc/${bystander.pid}/stat`, "utf8")).toMatch(/\) [RSD] /)
})
