// A place that cannot be looked into is never taken for an empty one: not where a copy is compared, and not where a box begins.
import fs, { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { claimPoints, releasePoints } from "../../../src/sandbox/workspace/shared.ts"
import { walkWorkspace } from "../../../src/sandbox/workspace/walk.ts"
import { temporaryDirectory } from "../../context.ts"
import { makeRepository, open, RUN } from "./make.ts"

/** What ends every listing of a path, by the end of the path: root is barred from nothing, and no test has a disk that fails. */
const failing = new Map<string, string>()
const list = fs.readdirSync as (...args: unknown[]) => unknown
beforeAll(() => {
  const listFailing = (...args: unknown[]) => {
    const code = [...failing].find(([path]) => String(args[0]).endsWith(path))?.[1]
    if (code !== undefined) throw Object.assign(new Error(`${code}: of the test`), { code })
    return list(...args)
  }
  Object.assign(fs, { readdirSync: listFailing })
  syncBuiltinESMExports()
})
afterEach(() => failing.clear())
afterAll(() => {
  Object.assign(fs, { readdirSync: list })
  syncBuiltinESMExports()
})

const FILES = { "a.txt": "one\n", "sub/b.txt": "two\n", "sub/deep/c.txt": "three\n" }

test.each(["EMFILE", "ENOMEM", "EIO", "ESTALE"])(
  "a directory of a copy that cannot be listed (%s) ends the look, and is not taken for emptied",
  async (code) => {
    const root = makeRepository(FILES)
    const { workspace } = await open(root, { mode: "copy" })
    failing.set("tree/sub", code)
    await expect(workspace.finish()).rejects.toMatchObject({
      message: expect.stringContaining(code),
      where: { file: expect.stringMatching(/tree\/sub$/) },
    })
    // Nothing was written down: the next look sees what there is.
    failing.clear()
    expect(await workspace.finish()).toMatchObject({ changes: [], partial: false })
    expect(readFileSync(join(root, "sub/b.txt"), "utf8")).toBe("two\n")
  },
)

test("what rights bar us from makes the answer partial, and nothing is said to be gone", async () => {
  const root = makeRepository(FILES)
  const { workspace, directory } = await open(root, { mode: "copy" })
  writeFileSync(join(directory, "tree/a.txt"), "other\n")
  failing.set("tree/sub", "EACCES")
  const report = await workspace.finish()
  expect(report).toMatchObject({ partial: true, review: true, counts: { added: 0, changed: 1, removed: 0 } })
  expect(await workspace.apply(report)).toMatchObject({ applied: ["a.txt"] })
  expect(readFileSync(join(root, "sub/deep/c.txt"), "utf8")).toBe("three\n")
})

test("a copy that is partly seen waits for a person also where nothing in it seems changed", async () => {
  const { workspace } = await open(makeRepository(FILES), { mode: "copy" })
  failing.set("tree/sub", "EACCES")
  expect(await workspace.finish()).toMatchObject({ partial: true, review: true, changes: [] })
})

test("a copy that is not there any more is no copy whose files were all removed", async () => {
  const { workspace, directory } = await open(makeRepository(FILES), { mode: "copy" })
  renameSync(join(directory, "tree"), join(directory, "elsewhere"))
  await expect(workspace.finish()).rejects.toThrow("not there any more")
})

test("a path that is longer than the system takes keeps nothing from being found and disarmed", async () => {
  const root = makeRepository(FILES)
  const { workspace } = await open(root)
  mkdirSync(join(root, "new/.git"), { recursive: true })
  // Made step by step, as a box can.
  const name = "d".repeat(250)
  const home = process.cwd()
  try {
    process.chdir(root)
    for (let i = 0; i < 20; i++) {
      mkdirSync(name)
      process.chdir(name)
    }
  } finally {
    process.chdir(home)
  }
  const report = await workspace.finish()
  expect(report.partial).toBe(true)
  expect(report.changes.find(({ path }) => path === "new/.git")?.refused).toMatch(/a repository that the box made/)
  rmSync(join(root, name), { recursive: true })
})

test("before a box begins: what cannot be looked into is masked where it stays so, and ends the start where it does not", () => {
  const root = temporaryDirectory({ "sub/.env": "KEY=1", "own/.env": "KEY=1" })
  failing.set("/sub", "EACCES")
  const { masked } = walkWorkspace(root, [], [])
  expect(masked.map(({ path }) => path).sort()).toEqual(["own/.env", "sub"])
  failing.set("/sub", "EMFILE")
  expect(() => walkWorkspace(root, [], [])).toThrow("cannot be looked through (EMFILE)")
})

test("mount points are not removed while it cannot be seen who else has them", () => {
  const state = temporaryDirectory()
  const root = temporaryDirectory({ "point/.keep": "" })
  const point = join(root, "point")
  rmSync(join(point, ".keep"))
  claimPoints(state, root, RUN, [point])
  claimPoints(state, root, "run-000000000002", [point])
  failing.set("", "EMFILE")
  expect(() => releasePoints(state, root, RUN)).toThrow("EMFILE")
  failing.clear()
  releasePoints(state, root, RUN)
  expect(existsSync(point)).toBe(true)
})
