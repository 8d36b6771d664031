// Git directories of any name in a copy: the host's stay whole, and the agent's own wait.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { reviewWorkspace } from "../../../src/commands/run-review.ts"
import { PLAIN_STYLE } from "../../../src/render/style.ts"
import { boxDirectory } from "../../../src/sandbox/box-directory.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { git, makeRepository, open, RUN } from "./make.ts"

const COMMITS = "a repository that the box made or changed: it never comes over, and its commits wait in the copy"

/** A copy of a workspace that has a bare repository in it. */
async function openCopy() {
  const ctx = testContext(makeRepository(), { env: emptyHome() })
  git(ctx.cwd, "clone", "-q", "--bare", "--no-local", ".", "inner.git")
  const { workspace, directory } = await open(ctx.cwd, { mode: "copy", ctx, directory: boxDirectory(ctx, RUN) })
  return { ctx, workspace, host: join(ctx.cwd, "inner.git"), tree: join(directory, "tree") }
}

/** As the box's user has it, whose copy it is. */
const inBare = (bare: string, ...args: string[]) => git(bare, "--git-dir=.", ...args)

const commit = (bare: string) => {
  const made = inBare(bare, "commit-tree", "-m", "second", "-p", "HEAD", "HEAD^{tree}")
  inBare(bare, "update-ref", "refs/heads/main", made)
}

test.each<[string, (inner: string) => void]>([
  [
    "packed",
    (inner) => {
      commit(inner)
      inBare(inner, "gc", "-q", "--prune=now")
    },
  ],
  [
    "packed, and no git directory any more",
    (inner) => {
      inBare(inner, "gc", "-q", "--prune=now")
      rmSync(join(inner, "HEAD"))
    },
  ],
  ["given another name", (inner) => renameSync(inner, join(inner, "../other.git"))],
  ["removed", (inner) => rmSync(inner, { recursive: true })],
  [
    "exchanged for a file",
    (inner) => {
      rmSync(inner, { recursive: true })
      writeFileSync(inner, "")
    },
  ],
])("a bare repository of the host's that was %s in the copy is as it was, and the copy waits", async (_, work) => {
  const { ctx, workspace, host, tree } = await openCopy()
  const was = git(host, "log", "--format=%H")
  work(join(tree, "inner.git"))
  writeFileSync(join(tree, "a.txt"), "two\n")
  const report = await workspace.finish()
  const stays = await reviewWorkspace(ctx, RUN, { report, workspace }, { apply: true, style: PLAIN_STYLE })
  expect(stays).toBe(true)
  expect(git(host, "fsck", "--no-dangling")).toBe("")
  expect(git(host, "log", "--format=%H")).toBe(was)
  expect(existsSync(join(ctx.cwd, "other.git"))).toBe(false)
  expect(readFileSync(join(ctx.cwd, "a.txt"), "utf8")).toBe("two\n")
  const { conflicts, refused } = await workspace.apply(report)
  expect(refused).toEqual([])
  expect(conflicts.length).toBeGreaterThan(0)
  for (const { path, why } of conflicts) {
    expect(path).toMatch(/^(inner|other)\.git(\/|$)/)
    expect(why).toBe(COMMITS)
  }
})

test("a bare repository that an agent made in a copy keeps the copy, and is named; the rest is applied", async () => {
  const { ctx, workspace, tree } = await openCopy()
  mkdirSync(join(tree, "new"))
  git(tree, "clone", "-q", "--bare", ctx.cwd, "new/own.git")
  commit(join(tree, "new/own.git"))
  writeFileSync(join(tree, "new/b.txt"), "new\n")
  const report = await workspace.finish()
  const stays = await reviewWorkspace(ctx, RUN, { report, workspace }, { apply: true, style: PLAIN_STYLE })
  expect(stays).toBe(true)
  expect(ctx.err()).toContain(`new/own.git: ${COMMITS}`)
  expect([existsSync(join(ctx.cwd, "new/b.txt")), existsSync(join(ctx.cwd, "new/own.git"))]).toEqual([true, false])
  expect((await workspace.apply(report)).conflicts).toEqual([{ path: "new/own.git", why: COMMITS }])
})

test.each(["copy", "direct"] as const)(
  "a workspace without a repository that became one by itself (%s): what git would run is not applied, and is named",
  async (mode) => {
    const root = temporaryDirectory({ "a.txt": "one\n" })
    const { workspace, directory } = await open(root, { mode })
    const tree = mode === "copy" ? join(directory, "tree") : root
    for (const name of ["Objects", "Refs"]) mkdirSync(join(tree, name))
    writeFileSync(join(tree, "head"), "ref: refs/heads/main\n")
    writeFileSync(join(tree, "config"), "[core]\n\tfsmonitor = evil\n")
    const report = await workspace.finish()
    const config = report.changes.find(({ path }) => path === "config")
    if (mode === "direct") {
      expect(config?.runs).toContain("git: settings and hooks")
      return
    }
    expect(config?.refused).toBe(COMMITS)
    const { applied, conflicts } = await workspace.apply(report)
    expect([applied, conflicts.map(({ path }) => path)]).toEqual([[], ["Objects", "Refs", "config", "head"]])
  },
)
