import { spawn } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import {
  boxDirectory,
  boxesDirectory,
  isOwnerAlive,
  listBoxFiles,
  ownIdentity,
  processStart,
  readBoxFile,
  removeBoxDirectory,
} from "../../src/sandbox/boxes.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { deadOwner, keepBox, runId } from "./process-engine.ts"

test("a box is kept for its owner's eyes alone, read as it was written, and listed oldest first", () => {
  const ctx = testContext(temporaryDirectory())
  expect(listBoxFiles(ctx)).toEqual({ boxes: [], problems: [] })
  expect(readBoxFile(ctx, runId(1))).toBeUndefined()
  const later = keepBox(ctx, runId(1), "b", { started: ctx.now() + 1, parent: runId(2) })
  const first = keepBox(ctx, runId(2), "a", { leftovers: [{ kind: "empty-file", path: "/p/.env" }] })
  expect(listBoxFiles(ctx)).toEqual({ boxes: [first, later], problems: [] })
  expect(statSync(join(boxDirectory(ctx, runId(1)), "box.json")).mode & 0o777).toBe(0o600)
  for (const path of [boxesDirectory(ctx), boxDirectory(ctx, runId(1))]) expect(statSync(path).mode & 0o777).toBe(0o700)
  removeBoxDirectory(ctx, runId(1))
  removeBoxDirectory(ctx, runId(1))
  removeBoxDirectory(ctx, "..")
  expect(listBoxFiles(ctx).boxes).toEqual([first])
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
  const { boxes, problems } = listBoxFiles(ctx)
  expect(boxes).toEqual([fine])
  expect(problems.map((text) => text.slice(0, 16)).sort()).toEqual(
    [...Object.keys(bad).map((_, i) => runId(i + 1)), runId(20), runId(21), runId(22)].sort(),
  )
  // A directory without a file is a box that the gate has made and that `run` will write.
  mkdirSync(boxDirectory(ctx, runId(30)))
  expect(listBoxFiles(ctx).boxes).toEqual([fine])
})

test("an owner is the process that it was, and no other of the same id", async () => {
  const own = ownIdentity()
  expect(isOwnerAlive(own)).toBe(true)
  expect(isOwnerAlive({ ...own, start: String(Number(own.start) - 1) })).toBe(false)
  expect(isOwnerAlive(await deadOwner())).toBe(false)
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
