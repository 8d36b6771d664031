import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { describe, expect, test } from "vitest"
import { findRepository, isStill } from "../../../src/sandbox/workspace/git-find.ts"
import { temporaryDirectory, writeFiles } from "../../context.ts"
import { git, makeRepository, open } from "./make.ts"

/** A repository of the person's that no workspace has anything to do with. */
const privateOne = () => realpathSync(makeRepository({ "secret.txt": "secret\n" }))

describe("borrowed objects", () => {
  const list = (root: string) => join(root, ".git/objects/info/alternates")
  const borrow = (root: string, text: string) => writeFileSync(list(root), text)
  const visible = async (root: string, policy = "", mode: "direct" | "copy" = "direct") => {
    const { workspace } = await open(root, { mode, policy })
    const objects = workspace.mounts.flatMap((mount) =>
      mount.kind === "bind" && mount.target.includes("/alternates/") ? [mount.source] : [],
    )
    return { objects, notes: workspace.notes.filter(({ kind }) => kind === "git") }
  }

  test.each([
    ["by a relative path", (path: string, root: string) => relative(`${root}/.git/objects`, path)],
    ["by an absolute path", (path: string) => path],
    ["after a comment", (path: string) => `# x\n\n${path}`],
    ["in quotes", (path: string) => `"${path}"`],
    ["behind much else", (path: string) => `#${"x".repeat(70_000)}\n${path}`],
    [
      "through a directory of the workspace",
      (path: string, root: string) => {
        writeFiles(root, { "sub/objects/pack/x": "", "sub/objects/info/alternates": `${path}\n` })
        return "../../sub/objects"
      },
    ],
    [
      "through a link in the workspace",
      (path: string, root: string) => {
        symlinkSync(dirname(path), join(root, "link"))
        return "../../link/objects"
      },
    ],
    [
      "above a link in the workspace",
      (path: string, root: string) => {
        symlinkSync(path, join(root, "link"))
        mkdirSync(join(root, "objects/pack"), { recursive: true })
        return "../../link/../objects"
      },
    ],
  ])("of outside are in no box: %s", async (_, name) => {
    const other = privateOne()
    const root = realpathSync(makeRepository())
    borrow(root, `${name(join(other, ".git/objects"), root)}\n`)
    for (const mode of ["direct", "copy"] as const) {
      const { objects, notes } = await visible(root, "", mode)
      expect(objects).toEqual([])
      expect(notes[0]?.text).toContain("git repack -a -d")
    }
    await expect(open(root, { mode: "worktree" })).rejects.toThrow("the repository cannot be in a box")
  })

  test("as a link, or of what is no directory of objects, are refused", () => {
    const root = realpathSync(makeRepository({ "keys/a": "" }))
    borrow(root, "../../keys\n")
    expect(findRepository(root).refused).toContain("no directory of objects")
    rmSync(list(root))
    symlinkSync(join(temporaryDirectory({ x: "" }), "x"), list(root))
    expect(findRepository(root).refused).toContain("link")
  })

  test("of a clone that shares are there where the policy mounts their directory itself, read-only", async () => {
    const other = privateOne()
    const root = join(dirname(other), "clone")
    git(dirname(other), "clone", "-q", "--shared", other, root)
    const objects = join(other, ".git/objects")
    expect((await visible(root)).objects).toEqual([])
    const policy = (path: string) =>
      `sandbox: { mounts: [{ path: ${path}, target: /lent }] }\nmounts: [{ id: lent, allow: ${path} }]\n`
    expect((await visible(root, policy(objects))).objects).toEqual([join(root, ".git/objects"), objects])
    expect((await visible(root, policy(objects).replace("allow", "deny"))).objects).toEqual([])
    expect((await visible(root, policy(dirname(objects)))).objects).toEqual([])
    git(root, "repack", "-q", "-a", "-d")
    rmSync(list(root))
    expect((await visible(root)).objects).toEqual([join(root, ".git/objects")])
  })

  test("within the workspace are there, and may become fewer but not more until the end", async () => {
    const root = realpathSync(makeRepository())
    git(root, "clone", "-q", "--bare", ".", "inner.git")
    borrow(root, "../../inner.git/objects\n")
    expect((await visible(root)).objects).toEqual([join(root, ".git/objects"), join(root, "inner.git/objects")])
    const repository = findRepository(root).repository!
    rmSync(list(root))
    expect(isStill(root, repository)).toBe(true)
    borrow(root, `${join(privateOne(), ".git/objects")}\n`)
    expect(isStill(root, repository)).toBe(false)
  })
})
