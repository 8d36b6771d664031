// Boxes made by the bubblewrap engine, as `nanoguard run` makes them.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished, type TestContext } from "vitest"
import type { Cgroup } from "../../../src/sandbox/engines/bubblewrap/cgroup.ts"
import { createBubblewrap } from "../../../src/sandbox/engines/bubblewrap.ts"
import type { BoxSpec, Engine, FoundBox, Launch } from "../../../src/sandbox/types.ts"
import { temporaryDirectory, testContext } from "../../context.ts"

/** Skips where a program is not there, unless this run has to have everything. */
export function needs(ctx: TestContext, program: string, how: string): void {
  if (spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined) return
  if (process.env["NANOGUARD_REQUIRE_ENGINES"] === "1") throw new Error(`${program} is missing: ${how}`)
  ctx.skip(`${program} is missing: ${how}`)
}

/** The same for root, who alone can be another user for a test. */
export function needsRoot(ctx: TestContext): void {
  if (process.getuid?.() !== 0) ctx.skip("only root can start boxes of other users'")
}

/** The freezer of a control group that a test made; skips as `needs` where there is none, for root has one in a run that has to have everything. */
export function needsGroup(ctx: TestContext, { directories: { freezer } }: Pick<Cgroup, "directories">): string {
  if (freezer !== undefined) return freezer
  if (process.env["NANOGUARD_REQUIRE_ENGINES"] === "1" && process.getuid?.() === 0)
    throw new Error("no control group can be made here: /sys/fs/cgroup has to be writable, with a freezer (version 1)")
  return ctx.skip("no control group can be made here")
}

export interface Boxes {
  engine: Engine
  /** A directory of the host that belongs to the box's user. */
  workspace: string
  state: string
  spec: (command: readonly string[], more?: Partial<BoxSpec>) => BoxSpec
  /** Starts a box, with this engine where that is another; it goes with the test. */
  start: (spec: BoxSpec, launcher?: Pick<Engine, "launch">) => Promise<StartedBox>
  /** What a box's shell says to `script`: both streams, then its exit code. */
  sh: (script: string, more?: Partial<BoxSpec>) => Promise<{ output: string; code: number | null }>
}

export interface StartedBox {
  process: ChildProcess
  output: () => string
  ended: Promise<number | null>
  found: () => Promise<FoundBox | undefined>
}

/** Boxes for user `uid`, with a state directory and a workspace of their own. */
export function openBoxes(uid: number): Boxes {
  const [home, workspace] = [temporaryDirectory(), temporaryDirectory()]
  const context = testContext(workspace, { env: { PATH: process.env["PATH"] ?? "", NANOGUARD_HOME: home } })
  const engine = createBubblewrap(context)
  const state = join(home, "state")
  chmodSync(workspace, 0o755)
  if (process.getuid?.() === 0) chownSync(workspace, uid, uid)
  const spec: Boxes["spec"] = (command, more = {}) => ({
    ...{
      run: `run-${randomBytes(6).toString("hex")}`,
      agent: "tester",
      command,
      cwd: "/workspace",
      hostname: "box",
      tty: false,
    },
    ...{ env: { HOME: "/home/agent" }, user: { uid, gid: uid } },
    mounts: [
      { kind: "tmpfs", target: "/home/agent", size: 16 << 20, mode: 0o700, exec: true },
      { kind: "tmpfs", target: "/tmp", size: 64 << 20, mode: 0o1777, exec: true },
      { kind: "bind", source: workspace, target: "/workspace", write: true },
    ],
    limits: { memory: 512 << 20, pids: 256, files: 1024 },
    ...more,
  })
  const start: Boxes["start"] = async (spec, launcher = engine) => {
    const directory = join(state, "boxes", spec.run)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(
      join(directory, "box.json"),
      JSON.stringify({ engine: "bubblewrap", run: spec.run, agent: spec.agent }),
    )
    const child = spawnLaunch(await launcher.launch(spec))
    const found = async () => (await engine.list()).find(({ run }) => run === spec.run)
    let text = ""
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += String(chunk)))
    const ended = new Promise<number | null>((done) => child.on("close", (code) => done(code)))
    onTestFinished(async () => {
      const box: FoundBox = { run: spec.run, agent: spec.agent, engine: "bubblewrap", handle: "", state: "running" }
      await engine.kill(box)
      await ended
      await engine.remove(box)
    })
    return { process: child, output: () => text, ended, found }
  }
  const sh: Boxes["sh"] = async (script, more) => {
    const box = await start(spec(["sh", "-c", script], more))
    return { code: await box.ended, output: box.output().trim() }
  }
  return { engine, workspace, state, spec, start, sh }
}

/** Starts what an engine asks for. */
export function spawnLaunch({ file, args, env, descriptors = [] }: Launch): ChildProcess {
  const stdio = ["ignore", "pipe", "pipe", ...descriptors.map(() => "pipe" as const)] as const
  const child = spawn(file, args, { stdio: [...stdio], ...(env && { env: { ...env } }) })
  descriptors.forEach((bytes, index) => {
    const stream = child.stdio[3 + index]
    if (stream && "end" in stream) stream.on("error", () => {}).end(bytes)
  })
  return child
}

/** Waits until `done`, at most ten seconds. */
export async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; !(await done()); waited += 20) {
    if (waited > 10_000) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
