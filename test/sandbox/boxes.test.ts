import { spawn } from "node:child_process"
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { boxDirectory, boxesDirectory } from "../../src/sandbox/box-directory.ts"
import { listBoxFiles, readBoxFile, removeBoxDirectory } from "../../src/sandbox/boxes.ts"
import { isElsewhere, isOwnerAlive, isWaiting, ownIdentity, processStart } from "../../src/sandbox/owner.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { deadOwner, keepBox, runId } from "./process-engine.ts"

test("a box is kept for its owner's eyes alone, read as it was written, and listed oldest first", () => {
  const ctx = testContext(temporaryDirectory())
  expect(listBoxFiles(ctx)).toEqual({ boxes: [], problems: [], unreadable: [] })
  expect(readBoxFile(ctx, runId(1))).toBeUndefined()
  const later = keepBox(ctx, runId(1), "b", { started: ctx.now() + 1, parent: runId(2) })
  const first = keepBox(ctx, runId(2), "a", { leftovers: [{ kind: "empty-file", path: "/p/.env" }] })
  expect(listBoxFiles(ctx)).toEqual({ boxes: [first, later], problems: [], unreadable: [] })
  expect(statSync(join(boxDirectory(ctx, runId(1)), "box.json")).mode & 0o777).toBe(0o600)
  for (const path of [boxesDirectory(ctx), boxDirectory(ctx, runId(1))]) expect(statSync(path).mode & 0o777).toBe(0o700)
  removeBoxDirectory(ctx, runId(1))
  removeBoxDirectory(ctx, runId(1))
  removeBoxDirectory(ctx, "..")
  expect(listBoxFiles(ctx).boxes).toEqual([first])
})

test("of many boxes none goes unseen, and those beyond what is looked at are said to be there", () => {
  const ctx = testContext(temporaryDirectory())
  const first = keepBox(ctx, runId(0), "a")
  const runs = Array.from({ length: 1_100 }, (_, i) => runId(i))
  for (const run of runs.slice(1)) {
    mkdirSync(boxDirectory(ctx, run))
    writeFileSync(join(boxDirectory(ctx, run), "box.json"), JSON.stringify({ ...first, run }), { mode: 0o600 })
  }
  const all = listBoxFiles(ctx)
  expect([all.boxes.map(({ run }) => run).sort(), all.problems, all.unreadable]).toEqual([runs.sort(), [], []])
  const some = listBoxFiles(ctx, 1_000)
  expect([...some.boxes.map(({ run }) => run), ...some.unreadable].sort()).toEqual(runs)
  expect([some.boxes.length, some.unreadable.length]).toEqual([1_000, 100])
  expect(some.problems).toEqual([
    `${boxesDirectory(ctx)} has files of 100 boxes more than the 1000 that are looked at: end or remove some`,
  ])
})

test("what is no box's file is a problem of that box alone", () => {
  const ctx = testContext(temporaryDirectory())
  const fine = keepBox(ctx, runId(0), "fine")
  const bad: Record<string, unknown> = {
    "another run": fine,
    text: "{",
    number: 7,
    schema: { ...fine, run: runId(4), schema: "nanoguard.box/2" },
    owner: { ...fine, run: runId(5), owner: { pid: -1, start: "1" } },
    path: { ...fine, run: runId(6), leftovers: [{ kind: "directory", path: "/a/../b" }] },
    kind: { ...fine, run: runId(7), leftovers: [{ kind: "all", path: "/a" }] },
    agent: { ...fine, run: runId(8), agent: "\u001b[2J" },
    engine: { ...fine, run: runId(9), engine: "chroot" },
    // Nobody would have it stand still.
    writes: { ...fine, run: runId(10), writes: undefined },
  }
  Object.values(bad).forEach((value, i) => {
    const directory = boxDirectory(ctx, runId(i + 1))
    mkdirSync(directory, { recursive: true })
    const text = typeof value === "string" ? value : JSON.stringify(value)
    writeFileSync(join(directory, "box.json"), text, { mode: 0o600 })
  })
  // Others may write this one; this one leads elsewhere; this one is too large to be one.
  keepBox(ctx, runId(20), "open")
  chmodSync(join(boxDirectory(ctx, runId(20)), "box.json"), 0o666)
  mkdirSync(boxDirectory(ctx, runId(21)))
  symlinkSync(join(boxDirectory(ctx, runId(0)), "box.json"), join(boxDirectory(ctx, runId(21)), "box.json"))
  keepBox(ctx, runId(22), "large")
  writeFileSync(join(boxDirectory(ctx, runId(22)), "box.json"), "x".repeat(1024 * 1024 + 1))
  const { boxes, problems, unreadable } = listBoxFiles(ctx)
  expect(unreadable).toHaveLength(problems.length)
  expect(boxes).toEqual([fine])
  expect(problems.map((text) => text.slice(0, 16)).sort()).toEqual(
    [...Object.keys(bad).map((_, i) => runId(i + 1)), runId(20), runId(21), runId(22)].sort(),
  )
  // A directory without a file is a box that the gate has made and that `run` will write.
  mkdirSync(boxDirectory(ctx, runId(30)))
  expect(listBoxFiles(ctx).boxes).toEqual([fine])
})

test("no box is written that nobody would read", () => {
  const ctx = testContext(temporaryDirectory())
  const word = "\u0001".repeat(40_000)
  const refused = [
    { command: Array(5).fill(word) },
    { command: Array(10_001).fill("a") },
    { operator: "o".repeat(201) },
    { writes: Array(10_001).fill("/p") },
    { writes: ["/a/../b"] },
  ]
  for (const more of refused)
    expect(() => keepBox(ctx, runId(1), "alpha", more)).toThrow("would be one that nobody reads")
  expect(readBoxFile(ctx, runId(1))).toBeUndefined()
})

test("what a thousand runs left for a person hides no box", () => {
  const ctx = testContext(temporaryDirectory())
  for (let n = 0; n < 1100; n++) mkdirSync(boxDirectory(ctx, runId(n)), { recursive: true })
  const box = keepBox(ctx, readdirSync(boxesDirectory(ctx)).at(-1)!, "alpha")
  expect(listBoxFiles(ctx).boxes).toEqual([box])
})

test("an owner is the process that it was, and no other of the same id", async () => {
  const own = ownIdentity()
  expect(isOwnerAlive(own)).toBe(true)
  expect(isOwnerAlive({ ...own, start: String(Number(own.start) - 1) })).toBe(false)
  expect(isOwnerAlive(await deadOwner())).toBe(false)
  expect(isOwnerAlive({ pid: own.pid, start: own.start })).toBe(true)
  // A name that looks like the end of one.
  const directory = temporaryDirectory()
  const program = join(directory, "a) R 1 (")
  writeFileSync(program, readFileSync("/bin/sleep"), { mode: 0o755 })
  const child = spawn(program, ["60"], { stdio: "ignore" })
  try {
    expect(Number(processStart(child.pid!))).toBeGreaterThanOrEqual(Number(own.start))
  } finally {
    child.kill("SIGKILL")
  }
  rmSync(program)
})

test("an owner elsewhere counts as alive, one from before a boot of this machine does not", async () => {
  const [own, dead] = [ownIdentity(), await deadOwner()]
  const other = { ...own, ...dead, machine: "0".repeat(32) }
  expect([isElsewhere(other), isOwnerAlive(other)]).toEqual(own.machine === undefined ? [false, false] : [true, true])
  const inside = { ...own, ...dead, space: "pid:[1]" }
  expect([isElsewhere(inside), isOwnerAlive(inside)]).toEqual([true, true])
  const before = { ...own, boot: "00000000-0000-0000-0000-000000000000", space: "pid:[1]" }
  // Without a machine-id(5) on either side another boot may be another machine.
  expect([isElsewhere(before), isOwnerAlive(before)]).toEqual(own.machine === undefined ? [true, true] : [false, false])
  const { machine: _, ...unknown } = before
  expect([isElsewhere(unknown), isOwnerAlive(unknown)]).toEqual([true, true])
  const file = join(temporaryDirectory({ question: "" }), "question")
  expect(isWaiting(inside, file)).toBe(true)
  const ago = new Date(Date.now() - 121_000)
  utimesSync(file, ago, ago)
  // It may be gone, and could not be asked: nobody stands still for it for good.
  expect([isWaiting(inside, file), isWaiting(own, file)]).toEqual([false, true])
})
