// A run that a signal ends at any moment, or that is killed itself: nothing is left of it, or what a person has to decide about and no more.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest"
import { BIN } from "../../e2e/nanoguard.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { TEST_IMAGE } from "../../sandbox/image.ts"
import { type Lab, openLab } from "../egress/lab.ts"

/** Enough that a copy of them takes a while. */
const FILES = 6_000

let lab: Lab
let workspace: string
let elsewhere: string

beforeAll(async () => {
  lab = await openLab({ policy: () => `sandbox: { image: "${TEST_IMAGE}" }\n` })
  workspace = lab.directory("workspace", { "README.md": "hello\n" })
  elsewhere = lab.directory("elsewhere", { "README.md": "hello\n" })
  for (let n = 0; n < FILES; n++) {
    const directory = join(workspace, `d${n % 60}`)
    if (n < 60) mkdirSync(directory)
    writeFileSync(join(directory, `f${n}.txt`), `${n}\n`)
  }
})
afterAll(() => lab?.close())

const boxes = () => join(lab.env["NANOGUARD_HOME"]!, "state", "boxes")
const runs = () => (existsSync(boxes()) ? readdirSync(boxes()) : [])

/** What is left of any box on this machine: its files, its container, its control groups, its mounts, its mount points in the workspace. */
function leftOvers(): string[] {
  const names = execFileSync("sh", ["-c", "docker ps --all --format '{{.Names}}' 2>/dev/null || true"], {
    encoding: "utf8",
  })
  const groups = execFileSync("find", ["/sys/fs/cgroup", "-maxdepth", "6", "-type", "d", "-name", "nanoguard-run-*"], {
    encoding: "utf8",
  })
  const isOurs = (line: string) => started.some((run) => line.includes(run))
  return [
    ...runs(),
    ...[names, groups, readFileSync("/proc/self/mountinfo", "utf8")].flatMap((text) => text.split("\n").filter(isOurs)),
    ...readdirSync(workspace).filter((name) => !/^(README\.md|d\d+)$/.test(name)),
  ]
}

/** Every run that was seen to begin here. */
const started: string[] = []

function start(options: readonly string[], script: string, cwd = workspace) {
  const words = ["run", "--agent", "agent", ...options, "--", "sh", "-c", script]
  const child = spawn(process.execPath, [BIN, ...words], { cwd, env: lab.env, stdio: ["ignore", "pipe", "pipe"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let said = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)))
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  // Without its streams, which what it started may have, too.
  const gone = new Promise((resolve) => child.once("exit", resolve))
  return { child, ended, gone, said: () => said }
}

async function until<T>(look: () => T | undefined | false, child: ChildProcess): Promise<T> {
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before that`)
    await sleep(1)
  }
}

/** The run that is being prepared: its directory has `part` of the workspace. */
async function preparing(child: ChildProcess, part: string): Promise<string> {
  const run = await until(() => runs().find((name) => existsSync(join(boxes(), name, part))), child)
  started.push(run)
  return run
}

async function endsOf(run: string): Promise<unknown[]> {
  return (await lab.records()).filter((record) => record.type === "sandbox.ended" && record.run === run)
}

/** A run of its own in another project: it has nothing to do with what was left, and cleans it up. */
async function next(workspaceMode: string): Promise<void> {
  const { exit, terminal } = await lab.nanoguard(
    ["run", "--quiet", "--engine", "bubblewrap", "--workspace", workspaceMode, "--", "true"],
    { cwd: elsewhere },
  )
  expect(exit, terminal).toBe(0)
}

test.each([
  ["SIGINT", 130, "copy", "tree"],
  ["SIGTERM", 143, "copy", "tree"],
  ["SIGHUP", 129, "copy", "tree"],
] as const)("%s while the workspace is prepared: exit %i, and nothing is left", async (signal, code, mode, part) => {
  const run = start(["--engine", "bubblewrap", "--workspace", mode], "echo working; sleep 60 & wait")
  const id = await preparing(run.child, part)
  run.child.kill(signal)
  expect(await run.ended, run.said()).toBe(code)
  expect(run.said()).not.toContain("working\n")
  expect(leftOvers()).toEqual([])
  expect(await endsOf(id)).toHaveLength(1)
})

test.for([
  ["bubblewrap", "SIGTERM", 143, 15],
  ["docker", "SIGTERM", 143, 100],
  ["docker", "SIGINT", 130, 100],
] as const)("a signal at any moment of a short start: %s, %s, exit %i, and nothing is left", async (given, ctx) => {
  const [engine, signal, code, step] = given
  await useEngine(ctx, engine)
  for (let delay = 0; delay <= 8 * step; delay += step) {
    const run = start(["--engine", engine, "--workspace", "direct"], "sleep 600 & wait", elsewhere)
    started.push(await until(() => runs()[0], run.child))
    await sleep(delay)
    run.child.kill(signal)
    expect(await run.ended, `${delay} ms: ${run.said()}`).toBe(code)
    expect([delay, leftOvers(), readdirSync(elsewhere)]).toEqual([delay, [], ["README.md"]])
  }
})

test.each([
  ["copy", "tree", "none"],
  ["direct", "git", "copy"],
  ["copy", "git", "direct"],
] as const)(
  "kill -9 while a workspace (%s) is prepared: the next run, of another project, leaves nothing of it",
  async (mode, part, then) => {
    const run = start(["--engine", "bubblewrap", "--workspace", mode], "sleep 60")
    const id = await preparing(run.child, part)
    run.child.kill("SIGKILL")
    await run.gone
    await next(then)
    expect(leftOvers()).toEqual([])
    expect(await endsOf(id)).toHaveLength(1)
  },
)

test.for(["bubblewrap", "docker"] as const)(
  "kill -9 while a box of %s runs: the next run, of another project, ends it and leaves nothing of it",
  async (engine, ctx) => {
    await useEngine(ctx, engine)
    const run = start(["--engine", engine, "--workspace", "copy"], "echo working; sleep 600")
    const id = await preparing(run.child, "tree")
    await until(() => run.said().includes("working\n"), run.child)
    run.child.kill("SIGKILL")
    await run.gone
    await next("none")
    expect(leftOvers()).toEqual([])
    expect(await endsOf(id)).toHaveLength(1)
  },
)

test("a signal once the command has ended keeps what it changed, for a person to look at later", async () => {
  const run = start(
    ["--engine", "bubblewrap", "--workspace", "copy"],
    "for f in d*/f*; do echo more >>$f; done; echo done",
  )
  const id = await preparing(run.child, "tree")
  await until(() => run.said().includes("done\n"), run.child)
  // Its box is gone, and what it changed is being looked for.
  await until(() => !existsSync(join(boxes(), id, "bubblewrap.json")), run.child)
  run.child.kill("SIGINT")
  expect(await run.ended, run.said()).toBe(130)
  expect(run.said()).toContain(
    `the changes wait, and nothing of them is in your workspace: nanoguard run --review ${id}`,
  )
  expect((await lab.nanoguard(["run", "--review"])).terminal).toContain(id)
  expect(existsSync(join(boxes(), id, "box.json"))).toBe(false)
  expect((await lab.nanoguard(["run", "--review", id, "--discard"])).exit).toBe(0)
  expect(leftOvers()).toEqual([])
})
