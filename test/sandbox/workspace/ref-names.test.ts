// Branches by every name that git takes, and repositories whose refs are kept otherwise.
import { execFileSync } from "node:child_process"
import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { isRefName } from "../../../src/sandbox/workspace/git-files.ts"
import { findRepository } from "../../../src/sandbox/workspace/git-find.ts"
import { git, makeRepository, open, RUN } from "./make.ts"

const LEGAL = [
  ...["fix#12", "a]b", "(scope)/x", "what's-new", 'say"so', "a&b", "$HOME", "x|y", "<x>", "{x}", "wow!", "a`b`", "a;b"],
  ...["línk/日本", "@", "a@b", "-x/y", "a.b", "a/-b", "x".repeat(240), "é".repeat(100)],
]
const ILLEGAL = [
  "a b",
  "a..b",
  "a~b",
  "a^b",
  "a:b",
  "a?b",
  "a*b",
  "a[b",
  "a\\b",
  "a.lock",
  ".a",
  "a/.b",
  "a.",
  "a//b",
  "@{x",
  "a\x7f",
  "a/",
]

const isGits = (ref: string) => {
  try {
    execFileSync("git", ["check-ref-format", ref], { stdio: "pipe" })
    return true
  } catch {
    return false
  }
}

test.each([...LEGAL, ...ILLEGAL])("refs/heads/%s is a name where git says so", (name) => {
  expect(isRefName(`refs/heads/${name}`)).toBe(isGits(`refs/heads/${name}`))
})

describe.each(["fix#12(it's)", "línk/日本"])("a repository with %s checked out", (name) => {
  test.each([false, true])("works in a box (packed: %s), and the branch moves", async (isPacked) => {
    const root = makeRepository()
    git(root, "branch", "-m", name)
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    if (isPacked) git(root, "pack-refs", "--all")
    const { workspace, directory } = await open(root)
    const box = join(directory, "git")
    expect(workspace.notes.filter(({ kind }) => kind === "git")).toEqual([])
    writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
    const inBox = (...args: string[]) => git(root, `--git-dir=${box}`, `--work-tree=${root}`, ...args)
    expect(inBox("log", "--format=%s", "HEAD", `refs/heads/${name}`)).toBe("second\nfirst")
    inBox("commit", "-q", "--allow-empty", "-m", "third")
    const { git: report } = await workspace.finish()
    expect(report).toMatchObject({ conflicts: [], refused: [] })
    expect(report?.refs.map(({ ref }) => ref)).toEqual([`refs/heads/${name}`])
    expect(git(root, "log", "-1", "--format=%s")).toBe("third")
  })
})

test("a new branch whose name a script may stumble over is kept by another", async () => {
  const root = makeRepository()
  const { workspace, directory } = await open(root)
  const box = join(directory, "git")
  writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
  const inBox = (...args: string[]) => git(root, `--git-dir=${box}`, `--work-tree=${root}`, ...args)
  inBox("switch", "-q", "-c", "$(touch\x24{IFS}x)")
  inBox("commit", "-q", "--allow-empty", "-m", "second")
  const { git: report } = await workspace.finish()
  const [conflict] = report!.conflicts
  expect(conflict).toEqual({
    ref: "refs/heads/$(touch\x24{IFS}x)",
    kept: expect.stringMatching(new RegExp(`^refs/nanoguard/${RUN}/named/[0-9a-f]{16}$`)),
  })
  expect(git(root, "log", "-1", "--format=%s", conflict!.kept)).toBe("second")
  expect(git(root, "for-each-ref", "--format=%(refname)", "refs/heads")).toBe("refs/heads/main")
  expect(git(root, "branch", "--show-current")).toBe("main")
})

test("a branch without a commit is not checked out by such a name, and one that the host has is", async () => {
  const odd = "refs/heads/$(touch\x24{IFS}x)"
  for (const isNew of [true, false]) {
    const root = makeRepository()
    if (!isNew) git(root, "branch", odd.slice("refs/heads/".length))
    const { workspace, directory } = await open(root)
    writeFileSync(join(directory, "git/HEAD"), `ref: ${odd}\n`)
    const { git: report } = await workspace.finish()
    expect(git(root, "symbolic-ref", "HEAD")).toBe(isNew ? "refs/heads/main" : odd)
    expect(report?.refused).toEqual(
      isNew ? ["what the box has checked out: a new branch whose name a script may stumble over"] : [],
    )
  }
})

test("refs as reftables, a branch that is no text and a damaged HEAD are told apart", async () => {
  const root = realpathSync(makeRepository())
  const head = join(root, ".git/HEAD")
  writeFileSync(head, Buffer.from("ref: refs/heads/l\xefne\n", "latin1"))
  expect(findRepository(root)).toMatchObject({ refused: expect.stringContaining("no text (UTF-8)"), path: head })
  writeFileSync(head, "nothing\n")
  expect(findRepository(root)).toMatchObject({ refused: expect.stringContaining(".git is damaged"), path: head })
  // As git from 2.45 lays it out.
  writeFileSync(head, "ref: refs/heads/.invalid\n")
  rmSync(join(root, ".git/refs"), { recursive: true })
  mkdirSync(join(root, ".git/refs"))
  mkdirSync(join(root, ".git/reftable"))
  writeFileSync(join(root, ".git/refs/heads"), "this repository uses the reftable format\n")
  writeFileSync(
    join(root, ".git/config"),
    "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefstorage = reftable\n",
  )
  expect(findRepository(root).refused).toContain("git refs migrate --ref-format=files")
  for (const mode of ["direct", "copy"] as const) {
    const { workspace } = await open(root, { mode })
    expect(workspace.notes).toContainEqual(expect.objectContaining({ text: expect.stringContaining("reftables") }))
    await workspace.finish()
  }
  await expect(open(root, { mode: "worktree" })).rejects.toThrow("reftables")
})
