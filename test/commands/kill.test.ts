// `nanoguard kill`, `resume` and `ps`, with boxes that are processes of this machine.
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, test } from "vitest"
import { type KillOptions, kill, readTargets } from "../../src/commands/kill.ts"
import { ps } from "../../src/commands/ps.ts"
import { type ResumeOptions, resume } from "../../src/commands/resume.ts"
import { EXIT } from "../../src/errors.ts"
import { stateHome } from "../../src/home.ts"
import { boxDirectory } from "../../src/sandbox/box-directory.ts"
import { readKills } from "../../src/sandbox/kills/chain.ts"
import { readWaiting } from "../../src/sandbox/kills/sticky.ts"
import type { Engine } from "../../src/sandbox/types.ts"
import { records } from "../approvals/support.ts"
import { NOW, testContext } from "../context.ts"
import { deadOwner, keepBox, processEngine, runId } from "../sandbox/process-engine.ts"
import { newDesk } from "./approvals.ts"

const SIGNED = { passphraseFile: "pass.txt", yes: true }

async function newPlace() {
  const desk = newDesk()
  await desk.enrol("ana")
  const env = { ...desk.env, NANOGUARD_OPERATOR: "olga" }
  const engine = processEngine()
  const store = await desk.open()
  const context = (now = NOW) => testContext(desk.cwd, { env, now })
  const start = (n: number, agent: string, parent?: string) => {
    engine.start(runId(n), agent)
    keepBox(context(), runId(n), agent, { started: NOW - 65_000, ...(parent !== undefined && { parent }) })
  }
  return {
    ...{ engine, store, context, start, directory: stateHome({ env }) },
    standing: async () => [...(await readKills(store.db)).standing.keys()].sort(),
    kill: async (names: string[], options: Partial<KillOptions> = {}, engines: Engine[] = [engine]) => {
      const ctx = context()
      const done = await kill(ctx, names, { reason: "it went wild", ...options }, engines)
      return { ...done, out: ctx.out() }
    },
    resume: async (names: string[], options: Partial<ResumeOptions> = {}) => {
      const ctx = context(NOW + 1)
      const done = await resume(ctx, names, { ...SIGNED, ...options })
      return { ...done, out: ctx.out() }
    },
    ps: async (now = NOW, engines: Engine[] = [engine]) => {
      const ctx = context(now)
      const done = await ps(ctx, {}, engines)
      return { ...done, out: ctx.out() }
    },
  }
}

describe("kill", () => {
  test("ends an agent's boxes and those that they started, and no others; stays until it is lifted", async () => {
    const place = await newPlace()
    place.start(1, "claude-1")
    place.start(2, "child", runId(1))
    place.start(3, "grandchild", runId(2))
    place.start(4, "codex-1")
    const { report, exit, out } = await place.kill(["claude-1"])
    expect(exit).toBe(EXIT.ok)
    expect([1, 2, 3, 4].map((n) => place.engine.stateOf(runId(n)))).toEqual([undefined, undefined, undefined, "S"])
    // Every one stood still before the first was killed.
    const order = place.engine.asked.map((line) => line.split(" ")[0])
    expect(order.lastIndexOf("freeze")).toBeLessThan(order.indexOf("kill"))
    expect(report.boxes.map(({ run, problem }) => ({ run, problem }))).toEqual(
      [1, 2, 3].map((n) => ({ run: runId(n), problem: undefined })),
    )
    expect(report.frozen).toBe(Math.max(...report.boxes.map(({ frozen }) => frozen!)))
    expect(out).toContain("agent:claude-1: stopped. 3 boxes, every one frozen within")
    expect(out).toContain("nanoguard resume agent:claude-1")
    expect(await place.standing()).toEqual(["agent:claude-1"])
    expect((await place.resume(["claude-1"])).out).toContain("olga: it went wild\nLifted, signed by ana:")
    expect(await place.standing()).toEqual([])
    const idle = await place.resume([], { all: true }).catch((error: unknown) => error)
    expect(idle).toMatchObject({ message: "nothing is stopped", exit: EXIT.findings })
    expect(idle).toHaveProperty("hint", undefined)
  })

  test("says of a run that cannot be seen from here what a person can do, as ps does", async () => {
    const place = await newPlace()
    const boot = "00000000-0000-0000-0000-000000000000"
    const box = keepBox(place.context(), runId(1), "claude-1", {
      owner: { pid: 7, start: "7", boot },
      started: NOW - 65_000,
    })
    for (const { out } of [await place.ps(), await place.kill([box.run])]) {
      expect(out).toContain(`${box.run}: its process 7 is of another machine`)
      expect(out).toContain(`remove ${boxDirectory(place.context(), box.run)}`)
    }
    expect(existsSync(boxDirectory(place.context(), box.run))).toBe(true)
  })

  test("ends a box whose file cannot be read with all others, and says it where nobody can tell whose it is", async () => {
    const place = await newPlace()
    place.start(1, "claude-1")
    place.engine.start(runId(2), "")
    keepBox(place.context(), runId(2), "child", { parent: runId(1) })
    writeFileSync(join(boxDirectory(place.context(), runId(2)), "box.json"), "x".repeat(1024 * 1024 + 1))
    const one = await place.kill(["claude-1"])
    expect(one.exit).toBe(EXIT.environment)
    expect([1, 2].map((n) => place.engine.stateOf(runId(n)))).toEqual([undefined, "S"])
    expect(one.out).toMatch(new RegExp(`${runId(2)} .*NOT ENDED: its file is damaged.*nanoguard kill ${runId(2)}`))
    // Its first line is all that somebody in a hurry reads.
    expect(one.out).toContain("agent:claude-1: stopped. 2 boxes, 1 NOT ENDED.\n")
    // The record has not heard of who was just ended.
    expect(one.out).not.toContain("not known here")
    const all = await place.kill([], { all: true })
    expect(all.exit).toBe(EXIT.ok)
    expect(place.engine.stateOf(runId(2))).toBeUndefined()
    expect(all.out).toContain("everything: stopped. 1 box,")
    expect(all.out).toContain(`${runId(2)}: the file of the box is too large`)
  })

  test("all ends everything; a resume of all leaves those who were stopped by name", async () => {
    const place = await newPlace()
    place.start(1, "claude-1")
    place.start(2, "codex-1")
    expect((await place.kill(["codex-1", runId(1)], { reason: "by name" })).report.boxes).toHaveLength(2)
    place.start(3, "claude-2")
    expect((await place.kill([], { all: true })).report.boxes.map(({ run }) => run)).toEqual([runId(3)])
    const { out, report } = await place.resume([], { all: true })
    expect(report.standing).toEqual(["agent:codex-1", `run:${runId(1)}`])
    expect(out).toContain("Still stopped, each by a kill of its own:\n  agent:codex-1")
    await expect(place.resume([], { all: true })).rejects.toMatchObject({
      message: "there is no kill of all",
      hint: `what is stopped: agent:codex-1, run:${runId(1)}`,
    })
    await expect(place.resume(["claude-2"])).rejects.toThrow("agent:claude-2 is not stopped by a kill of its own")
    await expect(place.resume(["codex-1"], { as: "eve" })).rejects.toThrow("eve is not an approver")
    await expect(place.resume(["codex-1"], { yes: false })).rejects.toThrow("this is no terminal")
    await expect(place.resume([], { yes: false })).rejects.toMatchObject({
      message: "resume whom?",
      hint: expect.stringContaining("name an agent or a run"),
    })
  })

  test("a drill changes nothing, and is recorded as one", async () => {
    const place = await newPlace()
    place.start(1, "claude-1")
    const { report, exit, out } = await place.kill(["claude-1"], { dryRun: true })
    expect([exit, report.state, place.engine.stateOf(runId(1))]).toEqual([EXIT.ok, "drilled", "S"])
    expect(place.engine.asked).toEqual([])
    expect(out).toContain("Drill: a kill of agent:claude-1 would stop 1 box. Nothing was changed.")
    expect(await place.standing()).toEqual([])
    expect((await records(place.store)).filter(({ kind }) => kind === "kill").map(({ type }) => type)).toEqual([
      "kill.drilled",
    ])
    // Nobody has to lift it: it needs no reason.
    const all = await place.kill([], { all: true, dryRun: true, reason: "" })
    expect([all.exit, all.report.state, all.report.boxes.length]).toEqual([EXIT.ok, "drilled", 1])
    expect(all.out).toContain("Drill: a kill of everything would stop 1 box.")
    await expect(place.kill([], { all: true, reason: "" })).rejects.toThrow("a kill needs a reason")
  })

  test("says whom nobody knows, and stops them before they begin", async () => {
    const place = await newPlace()
    const { exit, out } = await place.kill(["claude-9"])
    expect(exit).toBe(EXIT.ok)
    expect(out).toContain("agent:claude-9 is not known here")
    expect(await place.standing()).toEqual(["agent:claude-9"])
  })

  test("says which runs have no box: their tokens end, their processes do not", async () => {
    const place = await newPlace()
    const who = { agent: "local", run: "exec-local", operator: "olga", boxed: false }
    const subject = "pkg:npm/left-pad@1.3.0"
    await place.store.append({ type: "package.decided", subject, gateway: "gw", time: NOW - 1000, ...who })
    await place.store.checkpoint()
    expect((await place.kill(["local"])).out).toContain(
      "local (exec-local) has no box: its token is good for nothing now",
    )
    expect((await place.kill(["exec-local"])).report.unboxed).toEqual([{ agent: "local", run: "exec-local" }])
    expect((await place.kill(["another"])).report.unboxed).toEqual([])
  })

  test("an engine that fails or hangs keeps no other from ending its boxes", async () => {
    const place = await newPlace()
    const docker = processEngine("docker")
    docker.start(runId(9), "claude-1")
    keepBox(place.context(), runId(9), "claude-1", { engine: "docker" })
    place.start(1, "claude-1")
    docker.broken.set("freeze", "cgroups are gone").set("kill", "denied").set("remove", "denied")
    const { exit, report, out } = await place.kill(["claude-1"], {}, [docker, place.engine])
    expect(exit).toBe(EXIT.environment)
    expect(place.engine.stateOf(runId(1))).toBeUndefined()
    expect(report.boxes.find(({ run }) => run === runId(9))).toMatchObject({ problem: "denied" })
    expect(out).toContain("NOT ENDED: denied")
    // What could not be frozen is killed all the same.
    docker.broken.delete("kill")
    docker.broken.delete("remove")
    expect(await place.kill(["claude-1"], {}, [docker, place.engine])).toMatchObject({ exit: EXIT.ok })
    expect(docker.stateOf(runId(9))).toBeUndefined()
    docker.broken.set("list", "the daemon is gone")
    expect(await place.kill(["claude-1"], {}, [docker])).toMatchObject({
      exit: EXIT.environment,
      out: expect.stringMatching(/0 boxes, docker DID NOT ANSWER\.\n.* docker did not answer: the daemon is gone/s),
    })
  })

  test("where the store is locked the boxes end all the same, and the kill waits for it", async () => {
    const place = await newPlace()
    place.start(1, "claude-1")
    const lock = new DatabaseSync(join(place.directory, "record.db"))
    lock.exec("BEGIN IMMEDIATE")
    const { exit, report, out } = await place.kill([], { all: true })
    expect(exit).toBe(EXIT.environment)
    expect(place.engine.stateOf(runId(1))).toBeUndefined()
    expect(report.unstored).toMatchObject({ waiting: true })
    expect(report.frozen).toBeLessThan(report.total)
    expect(out).toContain("NOT RECORDED")
    expect([...readWaiting(place.directory).keys()]).toEqual(["all"])
    expect((await place.ps()).out).toContain("stopped: all")
    lock.exec("ROLLBACK")
    lock.close()
    // The next command that can brings it into the store, once, whatever became of the write that was given up.
    await place.kill(["codex-1"])
    expect(await place.standing()).toEqual(["agent:codex-1", "all"])
    expect(readWaiting(place.directory).size).toBe(0)
    expect((await readKills(place.store.db)).position).toBe(2)
    await place.resume([], { all: true })
    expect(await place.standing()).toEqual(["agent:codex-1"])
  }, 30_000)

  test("wants a target and a reason", async () => {
    const place = await newPlace()
    await expect(place.kill([])).rejects.toMatchObject({ exit: EXIT.usage, message: "kill whom?" })
    await expect(place.kill(["x"], { all: true })).rejects.toMatchObject({ exit: EXIT.usage })
    await expect(place.kill(["all"])).rejects.toMatchObject({ exit: EXIT.usage })
    await expect(place.kill(["x"], { reason: " " })).rejects.toMatchObject({ exit: EXIT.usage })
    await expect(place.kill(["x"], { reason: "x".repeat(3000) })).rejects.toMatchObject({ exit: EXIT.usage })
    expect(await place.standing()).toEqual([])
    expect(
      readTargets(["claude-1", runId(1), "exec-ci", "run:mine", "agent:exec-x", "claude-1"], false, "kill"),
    ).toEqual([
      { kind: "agent", name: "claude-1" },
      { kind: "run", name: runId(1) },
      { kind: "run", name: "exec-ci" },
      { kind: "run", name: "mine" },
      { kind: "agent", name: "exec-x" },
    ])
  })
})

describe("ps", () => {
  test("says how to start one where nothing runs", async () => {
    const place = await newPlace()
    expect(await place.ps()).toMatchObject({
      exit: EXIT.ok,
      out: "No box is running. Start one: nanoguard run -- <command>\n",
    })
  })

  test("shows each box as it stands, with the record's numbers where no gate answers", async () => {
    const place = await newPlace()
    for (const n of [1, 2]) place.start(n, `claude-${n}`)
    await place.engine.freeze((await place.engine.list())[1]!)
    keepBox(place.context(), runId(3), "late", { started: NOW - 60_000 })
    keepBox(place.context(), runId(4), "early", { started: NOW - 1000 })
    const who = { agent: "claude-1", run: runId(1), operator: "olga", boxed: true }
    for (const outcome of ["released", "refused", "released"] as const)
      await place.store.append({ type: "package.decided", subject: "pkg:npm/a@1.0.0", gateway: "gw", outcome, ...who })
    await place.store.checkpoint()
    const { out, report } = await place.ps()
    expect(report.numbers).toBe("record")
    expect(out).toBe(
      [
        "AGENT     RUN               OPERATOR  ENGINE         UP  REQUESTS  REFUSED  HELD  SPEND  STATE",
        "claude-1  run-000000000001  olga      bubblewrap  1m 5s         3        1     -      -  running",
        "claude-2  run-000000000002  olga      bubblewrap  1m 5s         0        0     -      -  frozen",
        "late      run-000000000003  olga      bubblewrap  1m 0s         0        0     -      -  ending",
        "early     run-000000000004  olga      bubblewrap     1s         0        0     -      -  starting",
        "",
      ].join("\n"),
    )
  })

  test("of a run that was just killed says that it ends, and not that it starts", async () => {
    const place = await newPlace()
    for (const [n, agent] of Object.entries(["claude-1", "codex-1", "codex-2", "other"])) {
      const parent = Number(n) === 2 ? { parent: runId(2) } : {}
      keepBox(place.context(), runId(Number(n) + 1), agent, { started: NOW - 1000, ...parent })
    }
    await place.kill(["claude-1", runId(2)])
    const { report } = await place.ps()
    expect(report.boxes.map(({ agent, state }) => [agent, state])).toEqual([
      ["claude-1", "ending"],
      ["codex-1", "ending"],
      ["codex-2", "ending"],
      ["other", "starting"],
    ])
  })

  test("cleans up after a run that is gone, and says it", async () => {
    const place = await newPlace()
    place.engine.start(runId(1), "claude-1")
    keepBox(place.context(), runId(1), "claude-1", { owner: await deadOwner() })
    expect((await place.ps()).out).toContain(`${runId(1)} was left behind by a run that is gone: removed`)
    expect(existsSync(boxDirectory(place.context(), runId(1)))).toBe(false)
    expect(place.engine.stateOf(runId(1))).toBeUndefined()
  })

  test("draws live on a terminal alone", async () => {
    const place = await newPlace()
    await expect(ps(place.context(), { watch: true }, [])).rejects.toMatchObject({ exit: EXIT.usage })
    await expect(ps(place.context(), { watch: true, format: "json" }, [])).rejects.toMatchObject({ exit: EXIT.usage })
  })

  test("needs no record, and makes none", async () => {
    const { env, cwd } = newDesk()
    rmSync(stateHome({ env }), { recursive: true, force: true })
    const ctx = testContext(cwd, { env })
    await ps(ctx, {}, [])
    expect(existsSync(stateHome({ env }))).toBe(false)
  })
})
