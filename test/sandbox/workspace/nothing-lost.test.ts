// What an agent did in a checkout of its own comes back, or waits where a person is told: nothing is dropped without a word.
import { renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { git, makeRepository, open, RUN } from "./make.ts"

const BRANCH = `nanoguard/${RUN}`

/** A box with a checkout of its own, and git as it works there. */
async function openTree(root: string, mode: "worktree" | "copy" = "worktree") {
  const { workspace, directory } = await open(root, { mode })
  const [box, tree] = [join(directory, "git"), join(directory, "tree")]
  // As its mounts would show it.
  writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
  const inBox = (...args: string[]) => git(tree, `--git-dir=${box}`, `--work-tree=${tree}`, ...args)
  return { workspace, directory, tree, inBox }
}

test("a directory that was given another name comes back under it", async () => {
  const root = makeRepository({ "src/a.txt": "one\n", "src/deep/b.txt": "b\n", "c.txt": "c\n" })
  const { workspace, tree } = await openTree(root)
  renameSync(join(tree, "src"), join(tree, "lib"))
  await workspace.finish()
  expect(git(root, "ls-tree", "-r", "--name-only", BRANCH).split("\n")).toEqual([
    "c.txt",
    "lib/a.txt",
    "lib/deep/b.txt",
  ])
})

test.each(["worktree", "copy"] as const)(
  "a directory in the place of another one (%s) is what comes back",
  async (mode) => {
    const root = makeRepository({ "old/a.txt": "old\n", "new/a.txt": "new!\n" })
    const { workspace, tree } = await openTree(root, mode)
    rmSync(join(tree, "old"), { recursive: true })
    renameSync(join(tree, "new"), join(tree, "old"))
    const report = await workspace.finish()
    await workspace.apply(report)
    if (mode === "worktree") expect(git(root, "show", `${BRANCH}:old/a.txt`)).toBe("new!")
    else expect(git(root, "diff", "--", "old/a.txt")).toContain("+new!")
  },
)
