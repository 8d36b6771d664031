// The end of a box whose agent knows how it ends: what is to be undone or said on the host is, whatever the agent left in its way.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { temporaryDirectory, writeFiles } from "../context.ts"
import { git, makeRepository, open, RUN } from "../sandbox/workspace/make.ts"

/** A repository in the workspace whose configuration runs a program as soon as somebody's editor asks git about it. */
function plantRepository(directory: string): string {
  mkdirSync(directory, { recursive: true })
  git(directory, "init", "-q")
  const mark = join(temporaryDirectory(), "ran")
  git(directory, "config", "core.fsmonitor", `touch ${mark}; false`)
  return mark
}

describe("a repository that the box made loses its name", () => {
  test("where the name that it would get is taken", async () => {
    const root = makeRepository()
    const { workspace } = await open(root)
    const mark = plantRepository(join(root, "sub"))
    writeFiles(root, { [`sub/git.${RUN}/x`]: "" })
    const report = await workspace.finish()
    expect(existsSync(join(root, "sub/.git"))).toBe(false)
    expect(report.changes.find(({ path }) => path === "sub/.git")?.refused).toMatch(/a repository that the box made/)
    git(join(root, "sub"), "status")
    expect(existsSync(mark)).toBe(false)
  })

  test("where it is one of more changes than are shown", async () => {
    const root = makeRepository()
    const { workspace } = await open(root)
    plantRepository(join(root, "zzz"))
    for (let i = 0; i < 5100; i++) writeFileSync(join(root, `a${i}.mk`), "")
    const { changes, counts } = await workspace.finish()
    expect(changes.length).toBe(5000)
    expect(existsSync(join(root, "zzz/.git"))).toBe(false)
    expect(changes[0]).toMatchObject({ path: "zzz/.git", refused: expect.stringContaining("a repository") })
    expect(counts.added).toBeGreaterThan(5100)
  })

  test("where its git directory is more than git on the host can take", async () => {
    const root = makeRepository()
    const { workspace, directory } = await open(root)
    plantRepository(join(root, "sub"))
    // Stands for whatever git takes too long over, or prints too much of.
    mkdirSync(join(directory, "config"))
    writeFileSync(join(directory, "git/HEAD"), "ref: refs/heads/other\n")
    const report = await workspace.finish()
    expect(report.git?.problem).toBeDefined()
    expect(existsSync(join(root, "sub/.git"))).toBe(false)
  })
})

test("a directory that cannot be listed hides nothing", async () => {
  const root = makeRepository()
  const { workspace } = await open(root)
  plantRepository(join(root, "sub/deep"))
  chmodSync(join(root, "sub"), 0o311)
  await workspace.finish()
  expect(statSync(join(root, "sub")).mode & 0o777).toBe(0o711)
  expect(existsSync(join(root, "sub/deep/.git"))).toBe(false)
})

describe("a link of list one is put back", () => {
  test("where the name for what stands in its place is taken", async () => {
    const root = makeRepository({ "a.txt": "", "shared/tasks.json": "mine" })
    symlinkSync("shared", join(root, ".vscode"))
    const { workspace } = await open(root)
    plantRepository(join(root, "sub"))
    rmSync(join(root, ".vscode"))
    writeFiles(root, { ".vscode/tasks.json": "evil", [`.vscode.${RUN}/in/the/way`]: "" })
    const report = await workspace.finish()
    expect(readFileSync(join(root, ".vscode/tasks.json"), "utf8")).toBe("mine")
    expect(report.changes.some(({ path, refused }) => path === ".vscode/tasks.json" || refused !== undefined)).toBe(
      true,
    )
    expect(existsSync(join(root, "sub/.git"))).toBe(false)
  })
})

describe("what will run on the host is said", () => {
  test("where a whole directory that was there took a name that counts", async () => {
    const root = makeRepository({
      "fixtures/tasks/tasks.json": "{}",
      "fixtures/ci/workflows/x.yml": "on: push",
      "fixtures/other/package.json": '{"scripts":{"test":"evil"}}',
    })
    const { workspace } = await open(root)
    mkdirSync(join(root, "packages"))
    renameSync(join(root, "fixtures/tasks"), join(root, "packages/.vscode"))
    renameSync(join(root, "fixtures/ci"), join(root, ".github"))
    renameSync(join(root, "fixtures/other"), join(root, "packages/other"))
    const { changes } = await workspace.finish()
    const said = changes.filter(({ runs }) => runs !== undefined).map(({ path }) => path)
    expect(said).toEqual(
      expect.arrayContaining([".github/workflows/x.yml", "packages/.vscode/tasks.json", "packages/other/package.json"]),
    )
  })
})

describe("what is made and removed on the host", () => {
  test("a mount point is removed where it was made, and not where a link leads now", async () => {
    const root = makeRepository({ "sub/a.txt": "" })
    const elsewhere = temporaryDirectory()
    mkdirSync(join(elsewhere, "settings"))
    const { workspace } = await open(root, { policy: "sandbox:\n  protect: [sub/settings]\n" })
    expect(existsSync(join(root, "sub/settings"))).toBe(true)
    renameSync(join(root, "sub"), join(root, "moved"))
    symlinkSync(elsewhere, join(root, "sub"))
    await workspace.finish()
    await workspace.discard()
    expect(readdirSync(elsewhere)).toEqual(["settings"])
  })
})

describe("a git directory that is a bomb", () => {
  test("of lines", async () => {
    const root = makeRepository()
    const { workspace, directory } = await open(root)
    writeFileSync(join(directory, "git/packed-refs"), Buffer.alloc(16 * 1024 * 1024, "\n"))
    const started = process.memoryUsage().rss
    await workspace.finish()
    expect(process.memoryUsage().rss - started).toBeLessThan(100 * 1024 * 1024)
  })

  test("of links that are not committed", async () => {
    const root = makeRepository()
    const { workspace, directory } = await open(root, { mode: "worktree" })
    for (let i = 0; i < 500; i++) symlinkSync("x", join(directory, "tree", `l${i}`))
    const { branch, git: taken } = await workspace.finish()
    expect(taken?.refused).toEqual([])
    expect(git(root, "show", `${branch}:l499`)).toBe("x")
  }, 20_000)
})
