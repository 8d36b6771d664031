import fs, { cpSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { dirname, join, relative } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { stateHome } from "../../../src/home.ts"
import { findRepository } from "../../../src/sandbox/workspace/git-find.ts"
import { temporaryDirectory, writeFiles } from "../../context.ts"
import { git, makeRepository, open } from "./make.ts"

const LOCAL = ["-c", "protocol.file.allow=always"]

/** A repository of the person's that no workspace has anything to do with. */
const privateOne = () => realpathSync(makeRepository({ "secret.txt": "secret\n" }))

/** A linked worktree; with `relative`, as git writes it where worktree.useRelativePaths is set. */
function linkedWorktree(links: "absolute" | "relative"): { root: string; main: string } {
  const main = realpathSync(makeRepository())
  const root = join(dirname(main), "línked")
  git(main, "worktree", "add", "-q", "-b", "topic", root)
  const own = join(main, ".git/worktrees/línked")
  if (links === "relative") {
    writeFileSync(join(root, ".git"), `gitdir: ${relative(root, own)}\n`)
    writeFileSync(join(own, "gitdir"), `${relative(own, join(root, ".git"))}\n`)
  }
  return { root, main }
}

function withSubmodule(): { root: string; above: string } {
  const above = realpathSync(makeRepository())
  git(above, ...LOCAL, "submodule", "add", "-q", makeRepository(), "deep/sub")
  git(above, "commit", "-q", "-m", "submodule")
  return { root: join(above, "deep/sub"), above }
}

describe("a repository is the workspace's", () => {
  test("where .git is its directory", () => {
    const root = realpathSync(makeRepository())
    const { repository } = findRepository(root)
    const common = join(root, ".git")
    expect(repository).toEqual({
      ...{ gitDirectory: common, common, file: false, objects: [join(common, "objects")], borrowed: [] },
    })
    expect(findRepository(dirname(root))).toEqual({})
    mkdirSync(join(root, "empty/.git"), { recursive: true })
    expect(findRepository(join(root, "empty"))).toEqual({})
  })

  test.each(["absolute", "relative"] as const)("where it is a linked worktree, by %s paths", async (links) => {
    const { root, main } = linkedWorktree(links)
    const gitDirectory = join(main, ".git/worktrees/línked")
    expect(findRepository(root).repository).toMatchObject({ gitDirectory, common: join(main, ".git"), file: true })
    expect(findRepository(main).repository?.common).toBe(join(main, ".git"))
    const { workspace } = await open(root, { mode: "worktree" })
    expect(workspace.notes.filter(({ kind }) => kind === "git")).toEqual([])
  })

  test("where it is a submodule, also of a linked worktree", () => {
    const { root, above } = withSubmodule()
    const gitDirectory = join(above, ".git/modules/deep/sub")
    expect(findRepository(root).repository).toMatchObject({ gitDirectory, common: gitDirectory, file: true })
    const linked = join(dirname(above), "linked")
    git(above, "worktree", "add", "-q", linked)
    git(linked, ...LOCAL, "submodule", "update", "-q", "--init")
    expect(findRepository(join(linked, "deep/sub")).repository?.gitDirectory).toContain("worktrees/linked/modules")
  })

  test("where its directory is elsewhere and names the workspace in core.worktree", () => {
    const root = realpathSync(makeRepository())
    const elsewhere = join(dirname(root), "with space;.git")
    git(root, "init", "-q", "--separate-git-dir", elsewhere)
    expect(findRepository(root).refused).toContain("git config core.worktree")
    git(root, "config", "core.worktree", root)
    expect(findRepository(root).repository?.gitDirectory).toBe(elsewhere)
    git(root, "config", "core.worktree", `../${"work"} `)
    expect(findRepository(root).repository).toBeUndefined()
  })
})

test("its refs are looked through once", () => {
  const root = realpathSync(makeRepository())
  const real = fs.readdirSync
  const listed: unknown[] = []
  const watched = (...args: Parameters<typeof real>) => {
    listed.push(args[0])
    return real(...args)
  }
  Object.assign(fs, { readdirSync: watched })
  syncBuiltinESMExports()
  onTestFinished(() => {
    Object.assign(fs, { readdirSync: real })
    syncBuiltinESMExports()
  })
  findRepository(root)
  expect(listed.filter((path) => path === join(root, ".git/refs/heads"))).toHaveLength(1)
})

describe("another repository of the host's enters no box", () => {
  /** Each makes `root` lead to `other`. */
  const ATTACKS: Record<string, (root: string, other: string) => void> = {
    "a file .git": (root, other) => {
      rmSync(join(root, ".git"), { recursive: true })
      writeFileSync(join(root, ".git"), `gitdir: ${relative(root, other)}/.git\n`)
    },
    "a file .git that names a linked worktree": (root, other) => {
      git(other, "worktree", "add", "-q", join(dirname(other), "their"))
      rmSync(join(root, ".git"), { recursive: true })
      writeFileSync(join(root, ".git"), `gitdir: ${other}/.git/worktrees/their\n`)
    },
    "a file .git that names a made-up worktree in the workspace": (root, other) => {
      renameSync(join(root, ".git"), join(root, "worktrees"))
      writeFiles(root, { "a/worktrees/w/commondir": `${other}/.git\n`, "a/worktrees/w/HEAD": "ref: refs/heads/main\n" })
      writeFileSync(join(root, "a/worktrees/w/gitdir"), `${root}/.git\n`)
      writeFileSync(join(root, ".git"), "gitdir: a/worktrees/w\n")
    },
    "a made-up worktree beside it, whose commondir goes through a link": (root, other) => {
      const own = join(dirname(root), "beside/worktrees/w")
      rmSync(join(root, ".git"), { recursive: true })
      writeFiles(own, { HEAD: "ref: refs/heads/main\n", gitdir: `${root}/.git\n`, commondir: "link/../../..\n" })
      mkdirSync(join(other, ".git/refs/heads/deep"))
      symlinkSync(join(other, ".git/refs/heads/deep"), join(own, "link"))
      writeFileSync(join(root, ".git"), `gitdir: ${own}\n`)
    },
    commondir: (root, other) =>
      writeFileSync(join(root, ".git/commondir"), `${relative(`${root}/.git`, other)}/.git\n`),
    "commondir as a link": (root, other) => {
      const said = join(temporaryDirectory({ said: `${other}/.git\n` }), "said")
      symlinkSync(said, join(root, ".git/commondir"))
    },
    ...Object.fromEntries(
      ["objects", "objects/pack", "refs", "refs/heads", "logs", "logs/HEAD", "config", "index", "packed-refs"].map(
        (name) => [
          `${name} as a link`,
          (root: string, other: string) => {
            git(other, "pack-refs", "--all")
            rmSync(join(root, ".git", name), { recursive: true, force: true })
            symlinkSync(join(other, ".git", name), join(root, ".git", name))
          },
        ],
      ),
    ),
  }

  test.each(Object.entries(ATTACKS))("by %s", async (_, attack) => {
    const other = privateOne()
    const root = realpathSync(makeRepository())
    attack(root, other)
    const found = findRepository(root)
    expect(found.repository).toBeUndefined()
    expect(found.refused).toMatch(/./)
    for (const mode of ["direct", "copy"] as const) {
      const { workspace } = await open(root, { mode })
      const sources = workspace.mounts.flatMap((mount) => (mount.kind === "bind" ? [mount.source] : []))
      expect(sources.filter((path) => path.startsWith(other))).toEqual([])
      expect(workspace.notes).toContainEqual(expect.objectContaining({ kind: "git", level: "warning" }))
      await workspace.finish()
    }
    await expect(open(root, { mode: "worktree" })).rejects.toThrow("the repository cannot be in a box")
    expect(git(other, "for-each-ref", "--format=%(refname)", "refs/nanoguard")).toBe("")
  })

  test("nor nanoguard's state, whatever it says of itself", async () => {
    const { root, main } = linkedWorktree("absolute")
    const first = await open(root)
    const state = stateHome(first.ctx)
    mkdirSync(state, { recursive: true })
    cpSync(join(main, ".git"), join(state, "git"), { recursive: true })
    writeFileSync(join(root, ".git"), `gitdir: ${state}/git/worktrees/línked\n`)
    expect(findRepository(root).repository?.common).toBe(realpathSync(join(state, "git")))
    const { workspace } = await open(root, { ctx: first.ctx, run: "run-ba9876543210" })
    expect(workspace.notes.map(({ text }) => text).join("\n")).toContain("nanoguard's record")
  })

  test("nor does the end write where another box has led the repository meanwhile", async () => {
    const other = privateOne()
    const root = realpathSync(makeRepository())
    const { workspace, directory } = await open(root)
    const box = join(directory, "git")
    writeFileSync(join(box, "refs/heads/release"), `${git(root, "rev-parse", "HEAD")}\n`)
    writeFileSync(join(root, ".git/commondir"), `${other}/.git\n`)
    const report = await workspace.finish()
    expect(report.git?.problem).toContain("not what it was")
    expect(git(other, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main")
  })
})

test("what the settings of a refused repository name is kept from a direct box all the same", async () => {
  const root = realpathSync(makeRepository({ "tools/hook/x": "" }))
  git(root, "config", "core.hooksPath", "tools/hook")
  writeFileSync(join(root, ".git/objects/info/alternates"), `${join(privateOne(), ".git/objects")}\n`)
  const { workspace } = await open(root, { mode: "direct" })
  expect(workspace.mounts).toContainEqual(expect.objectContaining({ source: join(root, "tools/hook"), write: false }))
})
