// Settings that git on the host takes from files of the workspace are no box's to write, also where such a file is not there yet.
import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { IN_BOX } from "../../../src/sandbox/types.ts"
import { git, makeRepository, open } from "./make.ts"

const INCLUDES = [
  ["include.path", "../shared.gitconfig", "shared.gitconfig"],
  ["include.path", "../conf/git config", "conf/git config"],
  ["includeIf.onbranch:topic.path", "../.topic-config", ".topic-config"],
] as const

test.each(INCLUDES)("%s = %s", async (key, value, path) => {
  const root = realpathSync(makeRepository({ "a.txt": "one\n", "conf/other": "" }))
  git(root, "config", key, value)
  await expect(open(root)).rejects.toMatchObject({ exit: 2, where: { file: join(root, path) } })
  symlinkSync("a.txt", join(root, path))
  await expect(open(root)).rejects.toThrow("git's settings include a file of the workspace that is none")
  git(root, "clean", "-q", "-f", "-d")
  mkdirSync(join(root, "conf"), { recursive: true })
  writeFileSync(join(root, path), "")
  const { workspace } = await open(root)
  expect(workspace.mounts).toContainEqual({
    ...{ kind: "bind", source: join(root, path), target: `${IN_BOX.workspace}/${path}`, write: false },
  })
  await workspace.finish()
})

test("a copy is applied without them, and without a link on the way", async () => {
  for (const [key, value, path] of INCLUDES) {
    const root = makeRepository()
    git(root, "config", key, value)
    const { workspace, directory } = await open(root, { mode: "copy" })
    mkdirSync(join(directory, "tree/conf"))
    writeFileSync(join(directory, "tree", path), "[core]\n\tfsmonitor = evil\n")
    const result = await workspace.apply(await workspace.finish())
    expect(result.refused).toEqual([{ path, why: expect.stringContaining("takes settings from it") }])
    expect(existsSync(join(root, path))).toBe(false)
  }
  const root = makeRepository()
  git(root, "config", "include.path", "../conf/x")
  const { workspace, directory } = await open(root, { mode: "copy" })
  mkdirSync(join(directory, "tree/other"))
  writeFileSync(join(directory, "tree/other/x"), "[core]\n\tfsmonitor = evil\n")
  symlinkSync("other", join(directory, "tree/conf"))
  const { refused } = await workspace.apply(await workspace.finish())
  expect(refused.map(({ path }) => path)).toEqual(["conf"])
})

test("an include of the person's own, elsewhere, keeps nothing from starting", async () => {
  const root = makeRepository()
  git(root, "config", "include.path", "~/nothing-there")
  git(root, "config", "--add", "include.path", "nothing-there")
  const { workspace } = await open(root)
  await workspace.finish()
})
