import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { git, makeRepository, open, RUN } from "./make.ts"

/** A direct box that stashed two changes, by its git directory. */
async function openStashed() {
  const root = makeRepository()
  const { workspace, directory } = await open(root, { mode: "direct" })
  const box = join(directory, "git")
  const inBox = (...args: string[]) => git(root, `--git-dir=${box}`, `--work-tree=${root}`, ...args)
  // As its mounts would show it.
  writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
  for (const text of ["two\n", "three\n"]) {
    writeFileSync(join(root, "a.txt"), text)
    inBox("stash", "push", "-q", "-m", text.trim())
  }
  inBox("config", "branch.main.rebase", "true")
  return { root, directory, finish: workspace.finish }
}

test("stashes come over", async () => {
  const { root, finish } = await openStashed()
  const { git: report } = await finish()
  expect(report?.conflicts).toEqual([])
  expect(report?.refs).toEqual([{ ref: "refs/stash", to: git(root, "rev-parse", "stash@{0}") }])
  expect(git(root, "stash", "list").split("\n")).toHaveLength(2)
  expect(git(root, "for-each-ref", "refs/nanoguard")).toBe("")
})

test("a stash of nothing is said to be missing", async () => {
  const { root, directory, finish } = await openStashed()
  const nobody = "a".repeat(40)
  appendFileSync(join(directory, "git/logs/refs/stash"), `${nobody} ${nobody} x <x@x> 1 +0000\tnothing\n`)
  const { git: report } = await finish()
  expect([report?.problem ?? "", ...(report?.refused ?? [])].join("\n")).toMatch(/not there|git refused/)
  expect(report?.conflicts).toEqual([])
  expect(git(root, "fsck", "--no-dangling")).toBe("")
})

test("a stash that git on the host does not take is kept, and said to be where it is", async () => {
  const { root, finish } = await openStashed()
  const locks = ["refs/stash.lock", "config.lock"].map((name) => join(root, ".git", name))
  for (const lock of locks) writeFileSync(lock, "")
  const { git: report } = await finish()
  expect(report?.refs).toEqual([])
  expect(report?.refused).toContain("setting branch.main.rebase")
  expect(report?.conflicts).toHaveLength(2)
  for (const lock of locks) rmSync(lock)
  const kept = report!.conflicts.map((conflict) => conflict.kept)
  for (const [at, text] of ["two", "three"].entries()) {
    expect(kept[at]).toMatch(new RegExp(`^refs/nanoguard/${RUN}/stash/[0-9a-f]{40}$`))
    expect(git(root, "show", `${kept[at]}:a.txt`)).toBe(text)
  }
  expect(existsSync(join(root, ".git/refs/stash"))).toBe(false)
})

test("of many stashes the newest hundred are stored, each once, and the others are kept and named", async () => {
  const root = makeRepository()
  const { workspace, directory } = await open(root, { mode: "direct" })
  const box = join(directory, "git")
  writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
  const inBox = (...args: string[]) => git(root, `--git-dir=${box}`, `--work-tree=${root}`, ...args)
  writeFileSync(join(root, "a.txt"), "two\n")
  inBox("stash", "push", "-q")
  const [base, index] = inBox("rev-parse", "refs/stash^1", "refs/stash^2").split("\n") as [string, string]
  const ids = Array.from({ length: 103 }, (_, at) =>
    inBox("commit-tree", "-p", base, "-p", index, "-m", `${at}`, "refs/stash^{tree}"),
  )
  const log = [...ids, ...ids].map((id) => `${base} ${id} x <x@x> 1 +0000\tone\n`)
  writeFileSync(join(box, "logs/refs/stash"), log.join(""))
  const { git: report } = await workspace.finish()
  expect(git(root, "stash", "list", "--format=%H").split("\n")).toEqual(ids.slice(3).reverse())
  const kept = ids.slice(0, 3).map((id) => `refs/nanoguard/${RUN}/stash/${id}`)
  expect(report?.conflicts).toEqual(kept.map((one) => ({ ref: "refs/stash", kept: one })))
  expect(git(root, "for-each-ref", "--format=%(refname)", "refs/nanoguard").split("\n")).toEqual(kept.toSorted())
})

test("the end runs no program that the repository's own settings name", async () => {
  const root = makeRepository()
  git(root, "clone", "-q", "--bare", ".", "inner.git")
  writeFileSync(join(root, ".git/objects/info/alternates"), "../../inner.git/objects\n")
  const { workspace, directory } = await open(root, { mode: "direct" })
  const mark = join(temporaryDirectory(), "ran")
  git(root, "config", "core.alternateRefsCommand", `touch ${mark}; true`)
  const box = join(directory, "git")
  writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
  git(root, `--git-dir=${box}`, "commit", "-q", "--allow-empty", "-m", "second")
  const { git: report } = await workspace.finish()
  expect(report?.problem).toBeUndefined()
  expect(report?.refs.map(({ ref }) => ref)).toEqual(["refs/heads/main"])
  expect(existsSync(mark)).toBe(false)
})
