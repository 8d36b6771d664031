// A git directory that cannot be read is said to be that, and no link, no damage and no error of the system's.
import { chmodSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { findRepository } from "../../../src/sandbox/workspace/git-find.ts"
import { oddIn, sayOdd } from "../../../src/sandbox/workspace/git-links.ts"
import { git, makeRepository, open } from "./make.ts"

const { seteuid } = process

/** Without root's rights, which bar nothing. */
function asSomebody<T>(root: string, work: () => T): T {
  if (process.getuid?.() !== 0) return work()
  chmodSync(dirname(root), 0o755)
  seteuid!(65_534)
  try {
    return work()
  } finally {
    seteuid!(0)
  }
}

test.runIf(seteuid !== undefined).each(["", "HEAD", "refs", "refs/heads", "logs", "objects", "objects/pack"])(
  ".git/%s",
  (name) => {
    const root = realpathSync(makeRepository())
    const path = join(root, ".git", name).replace(/\/$/, "")
    chmodSync(path, 0)
    const found = asSomebody(root, () => findRepository(root))
    chmodSync(path, 0o755)
    expect(found).toMatchObject({
      refused: expect.stringContaining("cannot be read"),
      path: expect.stringMatching(/\.git/),
    })
    expect(found.repository).toBeUndefined()
    expect(path).toContain(found.path)
    expect(findRepository(root).repository).toBeDefined()
  },
)

test.runIf(seteuid !== undefined)("a file .git, and the directory that it names", () => {
  const main = realpathSync(makeRepository())
  const root = join(dirname(main), "linked")
  git(main, "worktree", "add", "-q", root)
  for (const path of [join(root, ".git"), join(main, ".git/worktrees")]) {
    chmodSync(path, 0)
    expect(asSomebody(main, () => findRepository(root)).refused).toMatch(/cannot be read|not there/)
    chmodSync(path, 0o755)
  }
})

test("links are still said to be links, and too much is said to be too much", async () => {
  const root = realpathSync(makeRepository())
  symlinkSync("main", join(root, ".git/refs/heads/other"))
  const { workspace } = await open(root)
  expect(workspace.notes.map(({ text }) => text).join()).toContain("a link in the git directory")
  await workspace.finish()
  const gitDirectory = join(realpathSync(makeRepository()), ".git")
  for (let at = 0; at < 20; at++) writeFileSync(join(gitDirectory, "logs", `${at}`), "")
  expect(oddIn(gitDirectory)).toBeUndefined()
  expect(oddIn(gitDirectory, 20)).toEqual({ what: "many", path: expect.stringMatching(/\/(logs|refs)/) })
  expect(sayOdd({ what: "many", path: "" }, "a link")).toContain("more than 200000 refs and logs")
})
