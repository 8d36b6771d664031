// What an agent did in a checkout of its own comes back, or waits where a person is told: nothing is dropped without a word.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { describe, expect, test } from "vitest"
import { reviewWorkspace } from "../../../src/commands/run-review.ts"
import { PLAIN_STYLE } from "../../../src/render/style.ts"
import { boxDirectory } from "../../../src/sandbox/box-directory.ts"
import { isStuck } from "../../../src/sandbox/workspace/stuck.ts"
import { sweepWorkspace } from "../../../src/sandbox/workspace/sweep.ts"
import { emptyHome, testContext } from "../../context.ts"
import { git, makeRepository, needAnyName, open, RUN } from "./make.ts"

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

test.each(["worktree", "copy"] as const)("stashes of a %s are kept as refs of the run", async (mode) => {
  const root = makeRepository()
  const { workspace, tree, inBox } = await openTree(root, mode)
  writeFileSync(join(tree, "a.txt"), "stashed\n")
  inBox("stash", "push", "-q", "-m", "for later")
  const { git: report } = await workspace.finish()
  expect(report?.conflicts).toEqual([
    { ref: "refs/stash", kept: expect.stringContaining(`refs/nanoguard/${RUN}/stash/`) },
  ])
  expect(git(root, "show", `${report!.conflicts[0]!.kept}:a.txt`)).toBe("stashed")
  expect(git(root, "stash", "list")).toBe("")
})

test.each(["worktree", "copy"] as const)(
  "commits of a %s that no branch has are kept as a ref of the run",
  async (mode) => {
    const root = makeRepository()
    const { workspace, inBox } = await openTree(root, mode)
    inBox("checkout", "-q", "--detach")
    inBox("commit", "-q", "--allow-empty", "-m", "on no branch")
    const { git: report } = await workspace.finish()
    const kept = `refs/nanoguard/${RUN}/detached`
    expect(report?.conflicts).toEqual([{ ref: "HEAD", kept }])
    expect(git(root, "log", "-1", "--format=%s", kept)).toBe("on no branch")
  },
)

test("where the host has switched meanwhile, commits that no branch has are kept; a commit that a branch has is not", async () => {
  for (const isNew of [true, false]) {
    const root = makeRepository()
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    const { workspace, directory } = await open(root, { mode: "direct" })
    const box = join(directory, "git")
    writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
    const inBox = (...args: string[]) => git(root, `--git-dir=${box}`, `--work-tree=${root}`, ...args)
    inBox("checkout", "-q", "--detach", "HEAD~1")
    if (isNew) inBox("commit", "-q", "--allow-empty", "-m", "on no branch")
    git(root, "switch", "-q", "-c", "topic")
    const { git: report } = await workspace.finish()
    const kept = `refs/nanoguard/${RUN}/detached`
    expect(report?.refused).toContain("what the box has checked out: the host has switched meanwhile")
    expect(report?.conflicts).toEqual(isNew ? [{ ref: "HEAD", kept }] : [])
    expect(git(root, "for-each-ref", "--format=%(refname)", "refs/nanoguard")).toBe(isNew ? kept : "")
  }
})

/** In octal, as git prints it; ext4, XFS and Btrfs take any bytes, others do not. */
const STRANGE = ['a\nb"c\\d', "tab\there", "l\xefne", "\xff\xfe.txt", "d\xe9/\n/x"]

test("files whose names hold a line break, or are no text, come back from a worktree", async (it) => {
  const root = makeRepository()
  const { workspace, tree, inBox } = await openTree(root)
  const write = (name: string, text: string) => {
    const file = Buffer.from(`${tree}/${name}`, "latin1")
    mkdirSync(Buffer.from(`${tree}/${name}`.slice(0, `${tree}/${name}`.lastIndexOf("/")), "latin1"), {
      recursive: true,
    })
    writeFileSync(file, text)
  }
  needAnyName(it, () => {
    for (const name of STRANGE) write(name, "new\n")
  })
  write("committed\xff", "one\n")
  inBox("add", "committed*")
  inBox("commit", "-q", "-m", "strange")
  write("committed\xff", "two\n")
  expect((await workspace.finish()).git?.problem).toBeUndefined()
  const listed = git(root, "-c", "core.quotePath=true", "ls-tree", "-r", "--name-only", BRANCH).split("\n")
  expect(listed.sort()).toEqual(
    [
      '"\\377\\376.txt"',
      '"a\\nb\\"c\\\\d"',
      '"committed\\377"',
      '"d\\351/\\n/x"',
      '"l\\357ne"',
      '"tab\\there"',
      "a.txt",
    ].sort(),
  )
  expect(git(root, "diff", "--name-only", `${BRANCH}~1`, BRANCH).split("\n")).toHaveLength(6)
  expect(git(root, "fsck", "--no-dangling")).toBe("")
})

test("a file of a copy whose name is no text keeps the copy, and the rest is applied", async (it) => {
  const root = makeRepository({ "a.txt": "one\n", "b.txt": "b\n" })
  const { workspace, tree } = await openTree(root, "copy")
  needAnyName(it, () => writeFileSync(Buffer.from(`${tree}/\xff`, "latin1"), "new\n"))
  rmSync(join(tree, "b.txt"))
  const report = await workspace.finish()
  expect(report).toMatchObject({ partial: true, review: true, counts: { added: 0, changed: 0, removed: 1 } })
  await workspace.apply(report)
  expect(existsSync(join(root, "b.txt"))).toBe(false)
})

describe("what no branch can hold keeps the checkout, and is named", () => {
  test("repositories of the agent's own, in a new directory, in one that was there, in a submodule's place", async () => {
    const root = makeRepository({ "src/a.txt": "one\n" })
    const id = git(root, "rev-parse", "HEAD")
    git(root, "update-index", "--add", "--cacheinfo", `160000,${id},module`)
    git(root, "commit", "-q", "-m", "submodule")
    const { workspace, directory, tree } = await openTree(root)
    for (const name of ["new", "src", "module"]) {
      git(tree, "init", "-q", name)
      git(join(tree, name), "--git-dir=.git", "commit", "-q", "--allow-empty", "-m", "nested")
    }
    writeFileSync(join(tree, "src/b.txt"), "new\n")
    const { git: report, branch } = await workspace.finish()
    expect(report?.left?.toSorted()).toEqual(["tree/module", "tree/new/", "tree/src/.git"])
    for (const path of report!.left!) expect(existsSync(join(directory, path))).toBe(true)
    // The rest is on the branch.
    expect(branch).toBe(BRANCH)
    expect(git(root, "diff", "--name-status", "HEAD", BRANCH)).toBe("A\tsrc/b.txt")
  })

  test("files where the host has a secret", async () => {
    const root = makeRepository({ ".env": "KEY=host\n", "a.txt": "one\n" })
    const { workspace, tree } = await openTree(root)
    expect(existsSync(join(tree, ".env"))).toBe(false)
    writeFileSync(join(tree, ".env"), "KEY=agent\n")
    const { git: report, branch } = await workspace.finish()
    expect([report?.left, branch]).toEqual([["tree/.env"], undefined])
  })

  test("all of it, where git makes no commit", async () => {
    const root = makeRepository()
    const { workspace, tree, directory, inBox } = await openTree(root)
    inBox("commit", "-q", "--allow-empty", "-m", "second")
    writeFileSync(join(tree, "a.txt"), "two\n")
    // As an agent can who writes a tree that git does not read.
    const blob = inBox("hash-object", "-w", "a.txt")
    const broken = inBox("hash-object", "-w", "-t", "tree", "--literally", "a.txt")
    const commit = execFileSync(
      "git",
      [`--git-dir=${join(directory, "git")}`, "hash-object", "-w", "-t", "commit", "--stdin"],
      {
        ...{ encoding: "utf8", input: `tree ${broken}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n` },
      },
    ).trim()
    expect(blob).toMatch(/^[0-9a-f]{40}$/)
    inBox("update-ref", `refs/heads/${BRANCH}`, commit)
    const report = await workspace.finish()
    expect(report.git?.left).toEqual(["tree/"])
    expect(isStuck(report)).toBe(true)
  })
})

test("what was staged although it is ignored comes back, and a file that is a directory now", async () => {
  const root = makeRepository({ ".gitignore": "out\n", a: "one\n", b: "one\n" })
  const { workspace, tree, inBox } = await openTree(root)
  mkdirSync(join(tree, "out"))
  for (const name of ["out/kept", "out/left"]) writeFileSync(join(tree, name), "new\n")
  inBox("add", "-f", "out/kept")
  for (const name of ["a", "b"]) {
    rmSync(join(tree, name))
    mkdirSync(join(tree, name))
  }
  writeFileSync(join(tree, "a/file"), "new\n")
  expect((await workspace.finish()).git?.left).toBeUndefined()
  expect(git(root, "ls-tree", "-r", "--name-only", BRANCH).split("\n")).toEqual([".gitignore", "a/file", "out/kept"])
})

test("an index of the box's that names a file above the checkout has it not read, and the rest comes back", async () => {
  const root = makeRepository()
  const { workspace, directory, tree, inBox } = await openTree(root)
  // Shorter than it says, so that git fails on it. Git itself stages no such path: first one that is as long, and in git's order.
  const ofHost = "/sys/kernel/uevent_seqnum"
  if (process.platform === "linux") expect(statSync(ofHost).size).toBeGreaterThan(readFileSync(ofHost).length)
  const above = relative(tree, ofHost)
  const staged = above.replaceAll("..", "--")
  mkdirSync(dirname(join(tree, staged)), { recursive: true })
  writeFileSync(join(tree, staged), "agent\n")
  inBox("add", "--", staged)
  rmSync(join(tree, "--"), { recursive: true })
  const file = join(directory, "git/index")
  const bytes = Buffer.from(readFileSync(file, "latin1").replaceAll(staged, above), "latin1")
  createHash("sha1")
    .update(bytes.subarray(0, -20))
    .digest()
    .copy(bytes, bytes.length - 20)
  writeFileSync(file, bytes)
  expect(inBox("ls-files", "--full-name").split("\n")).toEqual([above, "a.txt"])
  writeFileSync(join(tree, "a.txt"), "two\n")
  const { git: report } = await workspace.finish()
  expect([report?.refused, report?.left]).toEqual([[], undefined])
  expect(git(root, "ls-tree", "-r", "--name-only", BRANCH)).toBe("a.txt")
  expect(git(root, "show", `${BRANCH}:a.txt`)).toBe("two")
})

test("a checkout that waits is kept by the run's end and by whoever cleans up, and a person is told where", async () => {
  const ctx = testContext(makeRepository(), { env: emptyHome() })
  const directory = boxDirectory(ctx, RUN)
  const { workspace } = await open(ctx.cwd, { mode: "worktree", ctx, directory })
  git(join(directory, "tree"), "init", "-q", "own")
  const swept = await sweepWorkspace(ctx, { kind: "workspace", path: directory })
  expect(swept?.git?.left).toEqual(["tree/own/"])
  const report = await workspace.finish()
  const stays = await reviewWorkspace(ctx, RUN, { report, workspace }, { style: PLAIN_STYLE })
  expect([stays, existsSync(join(directory, "tree/own/.git"))]).toEqual([true, true])
  expect(ctx.err()).toContain("not in the branch, and waits in the box's own directory: tree/own/")
  expect(ctx.err()).toContain(`what did not come over waits in ${directory}`)
})

test("a repository that an agent made in a copy keeps the copy, and is named; the rest is applied", async () => {
  const ctx = testContext(makeRepository(), { env: emptyHome() })
  const directory = boxDirectory(ctx, RUN)
  const { workspace } = await open(ctx.cwd, { mode: "copy", ctx, directory })
  const own = join(directory, "tree/own")
  git(join(directory, "tree"), "init", "-q", "own")
  writeFileSync(join(own, "b.txt"), "new\n")
  git(own, "--git-dir=.git", "add", "b.txt")
  git(own, "--git-dir=.git", "commit", "-q", "-m", "nested")
  mkdirSync(join(directory, "tree/none/.git"), { recursive: true })
  const report = await workspace.finish()
  const stays = await reviewWorkspace(ctx, RUN, { report, workspace }, { apply: true, style: PLAIN_STYLE })
  expect([stays, existsSync(join(own, ".git/HEAD"))]).toEqual([true, true])
  expect(ctx.err()).toContain(
    "own/.git: a repository that the box made or changed: it never comes over, and its commits wait",
  )
  expect(ctx.err()).toContain(`what was left as it is waits in ${join(directory, "tree")}`)
  expect(existsSync(join(ctx.cwd, "own/b.txt"))).toBe(true)
  expect(existsSync(join(ctx.cwd, "own/.git"))).toBe(false)
  const { conflicts, refused } = await workspace.apply(report)
  expect(conflicts.map(({ path }) => path)).toEqual(["own/.git"])
  expect(refused.map(({ path }) => path)).toEqual(["none/.git"])
})
