// Clones that have neither all files nor all contents: what a box does there comes back, and what was never there is not taken for removed.
import { execFileSync } from "node:child_process"
import { existsSync, realpathSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { git, makeRepository, open, RUN } from "./make.ts"

const BRANCH = `nanoguard/${RUN}`

/** A clone without contents (`blob:none`) but for those of `in/` and the top; sparse, or without a checkout of the rest. */
function partialClone(isSparse: boolean): string {
  const served = realpathSync(makeRepository({ "in/a.txt": "one\n", "out/b.txt": "b\n", "c.txt": "c\n" }))
  git(served, "config", "uploadpack.allowFilter", "true")
  const root = join(dirname(served), "clone")
  const from = isSparse ? ["--sparse"] : ["--no-checkout"]
  git(dirname(served), "clone", "-q", "--filter=blob:none", ...from, `file://${served}`, root)
  if (isSparse) git(root, "sparse-checkout", "set", "in")
  else {
    git(root, "reset", "-q")
    git(root, "checkout", "-q", "--", "in", "c.txt")
  }
  git(root, "config", "user.name", "Person")
  git(root, "config", "user.email", "person@example.com")
  return root
}

test.each([true, false])(
  "what is not committed in a clone without contents (sparse: %s) comes back",
  async (isSparse) => {
    const root = partialClone(isSparse)
    const { workspace, directory } = await open(root, { mode: "worktree" })
    const [box, tree] = [join(directory, "git"), join(directory, "tree")]
    writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
    const inBox = (...args: string[]) => git(tree, `--git-dir=${box}`, `--work-tree=${tree}`, ...args)
    expect(existsSync(join(tree, "out"))).toBe(false)
    expect(inBox("status", "--porcelain")).toBe("")
    writeFileSync(join(tree, "in/a.txt"), "two\n")
    inBox("commit", "-q", "-a", "-m", "second")
    writeFileSync(join(tree, "in/a.txt"), "three\n")
    writeFileSync(join(tree, "in/new.txt"), "new\n")
    const report = await workspace.finish()
    expect(report.git).toMatchObject({ conflicts: [], refused: [] })
    expect(report.git?.problem).toBeUndefined()
    expect(git(root, "log", "--format=%s", BRANCH).split("\n")).toEqual([`Not committed in ${RUN}`, "second", "first"])
    expect(git(root, "diff", "--name-status", "HEAD", BRANCH).split("\n")).toEqual(["M\tin/a.txt", "A\tin/new.txt"])
    expect(git(root, "show", `${BRANCH}:in/a.txt`)).toBe("three")
    execFileSync("git", ["fsck", "--no-dangling"], { cwd: root, stdio: "pipe" })
  },
)

test("committed files in a masked directory are not removed by the branch", async () => {
  const root = makeRepository({ ".aws/config": "[default]\n", "a.txt": "one\n" })
  const { workspace, directory } = await open(root, { mode: "worktree" })
  writeFileSync(join(directory, "tree/a.txt"), "two\n")
  await workspace.finish()
  expect(git(root, "diff", "--name-status", "HEAD", BRANCH)).toBe("M\ta.txt")
})
