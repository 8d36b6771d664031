// A bare clone with its working trees beside: `.git` of the directory that holds them is a file that names it.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, realpathSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { git, inside, makeRepository, needBubblewrap, open } from "./make.ts"

function makeBare(said: (root: string) => string): string {
  const root = join(realpathSync(temporaryDirectory()), "project")
  execFileSync("mkdir", [root])
  git(root, "clone", "-q", "--bare", realpathSync(makeRepository()), ".bare")
  writeFileSync(join(root, ".git"), `gitdir: ${said(root)}\n`)
  git(root, "worktree", "add", "-q", join(root, "tree"), "main")
  execFileSync("chown", ["-R", "1000:1000", root])
  return root
}

test("a box above the working trees reads it and writes nothing there", async (it) => {
  needBubblewrap(it)
  const root = makeBare(() => "./.bare")
  const { workspace } = await open(root)
  expect(workspace.notes.find(({ kind }) => kind === "git")?.text).toBe(
    "git does not work in the box: .git names a bare repository of the workspace, which a box may only read: start it in one of its working trees (git worktree list)",
  )
  const { out } = inside(
    workspace,
    `git log --format=%s main; git branch evil main 2>/dev/null && echo written; git config core.fsmonitor evil 2>/dev/null && echo set
     (echo x > .git) 2>/dev/null && echo named; rm -f .git 2>/dev/null && echo removed; true`,
  )
  expect(out.trim()).toBe("first")
  await workspace.finish()
  expect(git(root, "--git-dir=.bare", "branch", "--format=%(refname:short)")).toBe("main")
  expect(existsSync(join(root, ".git"))).toBe(true)
})

test("one that is named by its path on the host is not seen there", async (it) => {
  needBubblewrap(it)
  const root = makeBare((directory) => join(directory, ".bare"))
  const { workspace } = await open(root)
  expect(inside(workspace, "git log 2>&1").out).toContain("fatal")
  await workspace.finish()
  await expect(open(root, { mode: "worktree" })).rejects.toThrow("start it in one of its working trees")
})

test("a working tree whose .git is a file works in a box of its owner's, also where root starts it", async (it) => {
  needBubblewrap(it)
  const { workspace } = await open(
    join(
      makeBare(() => "./.bare"),
      "tree",
    ),
  )
  expect(workspace.notes.filter(({ kind }) => kind === "git")).toEqual([])
  expect(inside(workspace, "git log --format=%s").out.trim()).toBe("first")
  await workspace.finish()
})

test("what looks like a git directory, or is called .git, is read-only, and hides no secret that lies in it", async (it) => {
  needBubblewrap(it)
  const root = makeRepository({
    "config/.env": "KEY=host\n",
    "config/sub/id_rsa": "KEY=host\n",
    "moved/.env": "KEY=host\n",
    "secrets/.npmrc": "//npm.example/:_authToken=KEY=host\n",
  })
  for (const name of ["HEAD", "commondir"])
    for (const place of [".", "config"]) writeFileSync(join(root, place, name), "")
  // A box can move a directory whose files are masked.
  for (const name of ["refs", "objects"]) mkdirSync(join(root, "made", name), { recursive: true })
  writeFileSync(join(root, "made/HEAD"), "")
  renameSync(join(root, "secrets"), join(root, "made/objects/aa"))
  mkdirSync(join(root, "node_modules/x"), { recursive: true })
  renameSync(join(root, "moved"), join(root, "node_modules/x/.git"))
  execFileSync("chown", ["-R", "1000:1000", root])
  const { workspace } = await open(root)
  const notes = workspace.notes.map(({ text, paths = [] }) => [text, [...paths].sort()])
  expect(notes).toContainEqual([
    "secrets: empty in the box",
    ["config/.env", "config/sub/id_rsa", "made/objects/aa/.npmrc", "node_modules/x/.git/.env"],
  ])
  expect(notes).toContainEqual([
    "repositories within the workspace: read-only in the box",
    ["config", "made", "node_modules/x/.git"],
  ])
  const { out } = inside(workspace, "grep -rs KEY . ; (echo x > config/new) 2>/dev/null && echo written; echo end")
  expect(out.trim()).toBe("end")
  await workspace.finish()
})

test("branches of a repository below are no programs of the host's, whatever they are called", async () => {
  const root = makeRepository()
  mkdirSync(join(root, "sub"))
  git(join(root, "sub"), "init", "-q")
  git(join(root, "sub"), "commit", "-q", "--allow-empty", "-m", "first")
  for (const branch of ["build", "workspace", "tasks.py"]) git(join(root, "sub"), "branch", branch)
  execFileSync("chown", ["-R", "1000:1000", root])
  const { workspace } = await open(root)
  const { changes, counts } = await workspace.finish()
  expect([changes, counts]).toEqual([[], { added: 0, changed: 0, removed: 0 }])
})

test.each(["direct", "copy"] as const)(
  "directories called Head, Objects and Refs make no git directory: %s",
  async (mode) => {
    const files = { "app/Head/a.ts": "1", "app/Objects/b.ts": "1", "app/Refs/c.ts": "1", "app/main.ts": "1" }
    const root = temporaryDirectory(files)
    execFileSync("chown", ["-R", "1000:1000", root])
    const { workspace, directory } = await open(root, { mode })
    expect(workspace.notes.filter(({ text }) => text.includes("repositories"))).toEqual([])
    writeFileSync(join(mode === "copy" ? join(directory, "tree") : root, "app/main.ts"), "22")
    const report = await workspace.finish()
    expect(report.changes).toEqual([expect.objectContaining({ path: "app/main.ts", change: "changed" })])
    expect(report.changes[0]).not.toHaveProperty("refused")
    const inside = await open(join(root, "app"), { mode, run: "run-0123456789ac" })
    await inside.workspace.finish()
  },
)
