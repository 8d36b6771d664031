import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { copyIndex } from "../../../src/sandbox/workspace/git-directory.ts"
import { emptyHome, temporaryDirectory, testContext, writeFiles } from "../../context.ts"
import { git, makeRepository, open } from "./make.ts"

test("git in the box sees a change of the same size that was made within the instant of the index", async () => {
  const root = makeRepository({ "a.txt": "one\n" })
  const at = 1_000_000_000
  utimesSync(join(root, "a.txt"), at, at)
  git(root, "-c", "core.trustctime=false", "update-index", "--refresh")
  utimesSync(join(root, ".git/index"), at, at)
  writeFileSync(join(root, "a.txt"), "two\n")
  utimesSync(join(root, "a.txt"), at, at)
  const changed = (...where: string[]) =>
    git(root, "-c", "core.trustctime=false", ...where, "diff-files", "--name-only")
  expect(changed()).toBe("a.txt")
  const { directory } = await open(root, { mode: "direct" })
  expect(changed(`--git-dir=${join(directory, "git")}`, `--work-tree=${root}`)).toBe("a.txt")
})

test("of a directory the index and what it shares are copied, plain files alone", () => {
  const shared = `sharedindex.${"a".repeat(40)}`
  const from = temporaryDirectory({ index: "i", [shared]: "s", "index.lock": "l", other: "o" })
  symlinkSync("other", join(from, `sharedindex.${"b".repeat(40)}`))
  const to = join(from, "to")
  mkdirSync(to)
  copyIndex(from, to)
  expect(readdirSync(to).toSorted()).toEqual(["index", shared])
})

test("settings that the repository includes from outside of it enter no box, those of the workspace and the person's do", async () => {
  const root = makeRepository({ ".gitsettings": '[remote "team"]\n\turl = https://git.example.com/team\n' })
  const other = makeRepository()
  git(other, "remote", "add", "private", "ssh://person:s3cret@git.example.com/private")
  git(root, "config", "--add", "include.path", join(other, ".git/config"))
  git(root, "config", "--add", "include.path", "../.gitsettings")
  const ctx = testContext(root, { env: emptyHome() })
  writeFiles(ctx.env["HOME"]!, {
    ".gitconfig": "[include]\n\tpath = more\n",
    more: "[user]\n\temail = p@example.com\n[pull]\n\tff = only\n",
  })
  const { workspace, directory } = await open(root, { ctx })
  const config = readFileSync(join(directory, "git/config"), "utf8")
  expect(config).not.toMatch(/private|s3cret/)
  expect(config).toContain('[remote "team"]')
  expect(config).toContain('ff = "only"')
  const paths = [realpathSync(join(other, ".git/config"))]
  expect(workspace.notes).toContainEqual(expect.objectContaining({ kind: "git", level: "info", paths }))
  // Git on the host reads it by a path from .git on.
  expect(workspace.mounts).toContainEqual(expect.objectContaining({ source: join(root, ".gitsettings"), write: false }))
})
