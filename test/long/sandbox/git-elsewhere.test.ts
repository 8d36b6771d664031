// Workspaces whose git directory is elsewhere, from inside of a box: those that are the person's work, those that an agent made up do not.
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { expect, test } from "vitest"
import { git, inside, makeRepository, needBubblewrap, open } from "../../sandbox/workspace/make.ts"

const COMMIT =
  "set -ex; git status; echo two > a.txt; git -c user.name=b -c user.email=b@b.example commit -q -am two; git tag v1"

/** Makes a working tree of the kind and answers with it. */
const KINDS: Record<string, () => string> = {
  "a linked worktree with relative paths": () => {
    const main = realpathSync(makeRepository())
    const root = join(dirname(main), "linked")
    git(main, "worktree", "add", "-q", "-b", "side", root)
    const own = join(main, ".git/worktrees/linked")
    writeFileSync(join(root, ".git"), `gitdir: ${relative(root, own)}\n`)
    writeFileSync(join(own, "gitdir"), `${relative(own, root)}/.git\n`)
    return root
  },
  "a submodule": () => {
    const above = realpathSync(makeRepository())
    git(above, "-c", "protocol.file.allow=always", "submodule", "add", "-q", makeRepository(), "sub")
    return join(above, "sub")
  },
  "one with core.worktree": () => {
    const root = realpathSync(makeRepository())
    git(root, "init", "-q", "--separate-git-dir", join(dirname(root), "elsewhere"))
    git(root, "config", "core.worktree", root)
    return root
  },
}

test.for(Object.entries(KINDS))("%s: a box commits there", async ([, make], it) => {
  needBubblewrap(it)
  const root = make()
  const { workspace } = await open(root, { mode: "direct" })
  expect(inside(workspace, COMMIT)).toMatchObject({ code: 0 })
  const { git: report } = await workspace.finish()
  expect(report?.problem).toBeUndefined()
  expect(git(root, "log", "--format=%s")).toBe("two\nfirst")
  expect(git(root, "rev-parse", "v1")).toBe(git(root, "rev-parse", "HEAD"))
  expect(git(root, "status", "--porcelain")).toBe("")
})

test("a directory within a repository has none of it", async (it) => {
  needBubblewrap(it)
  const root = realpathSync(makeRepository({ "x/a.txt": "one\n" }))
  const { workspace } = await open(join(root, "x"), { mode: "direct" })
  expect(workspace.notes.map(({ text }) => text).join()).toContain("begins above the workspace")
  expect(inside(workspace, "git status").code).not.toBe(0)
  await workspace.finish()
  expect(existsSync(join(root, "x/.git"))).toBe(false)
})

test("an agent cannot have another agent's box read and write a repository beside the project", async (it) => {
  needBubblewrap(it)
  const project = realpathSync(makeRepository({ "x/a.txt": "one\n", "y/a.txt": "one\n" }))
  const other = join(dirname(project), "private")
  mkdirSync(other)
  git(other, "init", "-q")
  git(other, "commit", "-q", "--allow-empty", "-m", "secret")
  const first = await open(project, { mode: "direct" })
  const made = inside(
    first.workspace,
    `set -e; printf 'gitdir: ../../private/.git\\n' > x/.git
     git init -q y; cd y; git -c user.name=a -c user.email=a@a.example commit -q --allow-empty -m y
     echo ../../../../private/.git/objects > .git/objects/info/alternates`,
  )
  expect(made).toMatchObject({ code: 0 })
  for (const [at, name] of ["x", "y"].entries()) {
    const run = `run-ba987654321${at}`
    const { workspace } = await open(join(project, name), { mode: "copy", ctx: first.ctx, run })
    const { out } = inside(
      workspace,
      `git config --global safe.directory "*"; git log --all; git cat-file -p ${git(other, "rev-parse", "HEAD")}; git init -q; git -c user.name=b -c user.email=b@b.example commit -q --allow-empty -m b; git tag v1`,
    )
    expect(out).not.toContain("secret")
    await workspace.finish()
  }
  await first.workspace.finish()
  expect(git(other, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main")
})

test("a box writes nothing into a bare clone beside its working trees, and puts none in its place", async (it) => {
  needBubblewrap(it)
  const root = join(dirname(realpathSync(makeRepository())), "project")
  for (const place of [".bare", "deep/.bare"]) {
    git(dirname(root), "clone", "-q", "--bare", makeRepository(), join(root, place))
    git(join(root, place), "worktree", "add", "-q", join(root, place.replace(".bare", "main")))
  }
  const { workspace } = await open(root, { mode: "direct" })
  const script = `for d in .bare deep/.bare; do
    echo evil > $d/hooks/post-commit; echo evil >> $d/config; mv $d $d.old; rm -rf $d; echo evil > $d/worktrees/main/config.worktree
    done 2>/dev/null
    mv deep other; mkdir -p deep; cp -r other/.bare deep/.bare; printf '[core]\n\tfsmonitor = evil\n' >> deep/.bare/config; echo evil > deep/.bare/hooks/post-commit`
  inside(workspace, script)
  const report = await workspace.finish()
  expect(existsSync(join(root, ".bare/hooks/post-commit"))).toBe(false)
  expect(git(join(root, "main"), "log", "--format=%s")).toBe("first")
  for (const place of [".bare", "other/.bare"])
    expect(readFileSync(join(root, place, "config"), "utf8")).not.toContain("evil")
  // What stands where the second was is no repository for any working tree any more, and is said.
  expect(existsSync(join(root, "deep/.bare"))).toBe(false)
  expect(report.changes.find(({ path }) => path === "deep/.bare")?.refused).toContain("a repository that the box made")
  expect(report.changes.find(({ path }) => path === "deep/.bare/hooks/post-commit")?.runs).toContain("git:")
})

test("no box is started in a git directory itself", async () => {
  const root = join(dirname(realpathSync(makeRepository())), "clone.git")
  git(dirname(root), "clone", "-q", "--bare", makeRepository(), root)
  for (const mode of ["direct", "copy"] as const)
    await expect(open(root, { mode })).rejects.toThrow("a git directory itself")
})
