// What a box may leave in its workspace and its git directory, read by the host afterwards. The box's hand is played by writing there.
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, test } from "vitest"
import { temporaryDirectory, writeFiles } from "../context.ts"
import { git, makeRepository, open, RUN } from "../sandbox/workspace/make.ts"

/** A pipe in place of what is there: whoever opens it waits. */
function fifo(path: string): void {
  rmSync(path, { force: true })
  mkdirSync(dirname(path), { recursive: true })
  execFileSync("mkfifo", [path])
}

/** Programs that git would run, were it to read this configuration. */
const evilConfig = (mark: string) => `
[core]
	fsmonitor = touch ${mark}
	hooksPath = ${mark}-hooks
	sshCommand = touch ${mark}
	pager = touch ${mark}
[include]
	path = ${mark}.inc
[diff]
	external = touch ${mark}
[filter "x"]
	clean = touch ${mark}
	smudge = touch ${mark}
[alias]
	st = !touch ${mark}
[remote "origin"]
	url = ext::touch ${mark}
	uploadpack = touch ${mark}
[branch "main"]
	remote = ext::touch ${mark}
[branch "fine"]
	remote = .
	merge = refs/heads/main
`

describe("a git directory that a box left", () => {
  test("runs nothing of its configuration, hooks and attributes, and names what did not come over", async () => {
    const root = makeRepository({ "a.txt": "one\n", ".gitattributes": "* filter=x diff=x\n" })
    const mark = join(temporaryDirectory(), "ran")
    const { workspace, directory } = await open(root)
    const box = join(directory, "git")
    writeFileSync(join(box, "config"), evilConfig(mark))
    writeFiles(box, {
      "hooks/post-checkout": `#!/bin/sh\ntouch ${mark}\n`,
      "hooks/reference-transaction": `#!/bin/sh\ntouch ${mark}\n`,
      commondir: "/tmp\n",
    })
    for (const name of readdirSync(join(box, "hooks"))) chmodSync(join(box, "hooks", name), 0o755)
    writeFileSync(join(root, "a.txt"), "two\n")
    git(root, "status")
    const report = await workspace.finish()
    git(root, "status")
    git(root, "fetch", "--all")
    expect(existsSync(mark)).toBe(false)
    expect(report.git?.refused).toEqual(
      expect.arrayContaining([
        "setting core.fsmonitor",
        "setting alias.st",
        "setting remote.origin.url",
        "setting branch.main.remote",
        "hook post-checkout",
      ]),
    )
    expect(git(root, "config", "branch.fine.merge")).toBe("refs/heads/main")
    expect(git(root, "config", "--list", "--local")).not.toContain("touch")
    expect(readdirSync(join(root, ".git/hooks")).filter((name) => !name.endsWith(".sample"))).toEqual([])
  })

  const outside = () => {
    const directory = temporaryDirectory({ id_ed25519: "private", HEAD: "ref: refs/heads/main\n" })
    return directory
  }
  const ATTACKS: Record<string, (box: string) => void> = {
    "objects are a link": (box) => swap(join(box, "objects"), outside()),
    "refs are a link": (box) => swap(join(box, "refs"), outside()),
    "the whole is a link": (box) => swap(box, outside()),
    "HEAD is a link": (box) => swap(join(box, "HEAD"), join(outside(), "id_ed25519")),
    "HEAD is a pipe": (box) => fifo(join(box, "HEAD")),
    "index is a pipe": (box) => fifo(join(box, "index")),
    "index is garbage": (box) => writeFileSync(join(box, "index"), "DIRC\0\0\0\x02\xff\xff\xff\xff"),
    "config is a link": (box) => swap(join(box, "config"), join(outside(), "id_ed25519")),
    "logs are a link": (box) => swap(join(box, "logs"), outside()),
    "a pipe among objects": (box) => fifo(join(box, `objects/ab/${"c".repeat(38)}`)),
    "a pipe among refs": (box) => fifo(join(box, "refs/heads/pipe")),
    "refs with hostile names": (box) =>
      writeFileSync(
        join(box, "packed-refs"),
        [
          "../../../x",
          "refs/heads/../../x",
          "refs/heads/-x",
          "refs/heads/$(touch\x24{IFS}x)",
          "refs/heads/a\x1b]0;x",
          "refs/replace/x",
          "HEAD",
        ]
          .map((name) => `${"a".repeat(40)} ${name}\n`)
          .join(""),
      ),
    "a branch of nothing": (box) => writeFiles(box, { "refs/heads/none": `${"a".repeat(40)}\n` }),
    "alternates elsewhere": (box) => writeFiles(box, { "objects/info/alternates": `${outside()}\n` }),
  }

  test.each(Object.entries(ATTACKS))("%s: the repository stays as it was and works", async (_, attack) => {
    const root = makeRepository()
    const before = git(root, "for-each-ref")
    const { workspace, directory } = await open(root)
    attack(join(directory, "git"))
    await workspace.finish()
    expect(git(root, "for-each-ref")).toBe(before)
    expect(git(root, "symbolic-ref", "HEAD")).toBe("refs/heads/main")
    expect(git(root, "status", "--porcelain")).toBe("")
    expect(git(root, "fsck")).toBe("")
    expect(readdirSync(root)).toEqual([".git", "a.txt"])
  })

  test("a commit that would write into .git is not taken over", async () => {
    const root = makeRepository()
    const { workspace, directory } = await open(root)
    const box = join(directory, "git")
    writeFileSync(join(box, "objects/info/alternates"), `${join(root, ".git/objects")}\n`)
    const blob = execFileSync("git", [`--git-dir=${box}`, "hash-object", "-w", "--stdin"], { input: "evil" })
      .toString()
      .trim()
    const tree = (entry: string) =>
      execFileSync("git", [`--git-dir=${box}`, "mktree"], { input: entry })
        .toString()
        .trim()
    const hooks = tree(`100755 blob ${blob}\tpost-checkout\n`)
    const top = execFileSync("git", [`--git-dir=${box}`, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"], {
      input: Buffer.concat([
        Buffer.from("40000 .git\0"),
        Buffer.from(tree(`40000 tree ${hooks}\thooks\n`.replace("40000", "040000")), "hex"),
      ]),
    })
      .toString()
      .trim()
    const commit = git(box, `--git-dir=${box}`, "commit-tree", "-m", "x", top)
    writeFiles(box, { "refs/heads/evil": `${commit}\n` })
    const report = await workspace.finish()
    expect(report.git?.problem).toContain("git refused")
    expect(git(root, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main")
  })
})

describe("a direct workspace that a box left", () => {
  test("repositories that it made lose their name, those that were there keep it", async () => {
    const root = makeRepository({ "a.txt": "", "old/x": "" })
    const old = join(root, "old")
    git(old, "init", "-q")
    const { workspace } = await open(root)
    const mark = join(temporaryDirectory(), "ran")
    for (const name of ["new", "deep/er"]) {
      mkdirSync(join(root, name), { recursive: true })
      git(join(root, name), "init", "-q")
      writeFileSync(join(root, name, ".git/config"), evilConfig(mark))
    }
    writeFiles(root, { "file/.git": "gitdir: ../new/.git\n" })
    const report = await workspace.finish()
    const found = report.changes.filter(({ path }) => path.endsWith("/.git"))
    expect(found.map(({ path, refused }) => [path, refused?.includes(`git.${RUN}`)])).toEqual([
      ["deep/er/.git", true],
      ["file/.git", true],
      ["new/.git", true],
    ])
    expect(["deep/er/.git", "new/.git", "file/.git", "old/.git"].map((path) => existsSync(join(root, path)))).toEqual([
      false,
      false,
      false,
      true,
    ])
    git(join(root, "new"), "status")
    expect(existsSync(mark)).toBe(false)
  })

  test("a link of list one is put back", async () => {
    const root = makeRepository({ "a.txt": "", "shared/tasks.json": "mine" })
    symlinkSync("shared", join(root, ".vscode"))
    const { workspace } = await open(root)
    expect(workspace.notes.some(({ kind, paths }) => kind === "links" && paths?.includes(".vscode"))).toBe(true)
    rmSync(join(root, ".vscode"))
    writeFiles(root, { ".vscode/tasks.json": "evil" })
    const report = await workspace.finish()
    expect(readFileSync(join(root, ".vscode/tasks.json"), "utf8")).toBe("mine")
    expect(report.changes.filter(({ refused }) => refused !== undefined).length).toBeGreaterThan(0)
  })

  test("list two is said, with the scripts that changed", async () => {
    const root = makeRepository({
      "package.json": '{"scripts":{"test":"true","build":"tsc"}}',
      "sub/package.json": "{}",
      Makefile: "x:",
    })
    const { workspace } = await open(root)
    writeFiles(root, {
      "package.json": '{"scripts":{"test":"evil","build":"tsc"}}',
      "sub/package.json": '{"name":"x"}',
      ".github/workflows/ci.yml": "on: push",
    })
    rmSync(join(root, "Makefile"))
    const { changes, counts } = await workspace.finish()
    expect(changes.map(({ path, change, runs, details }) => ({ path, change, runs, details }))).toEqual([
      { path: ".github/workflows/ci.yml", change: "added", runs: "continuous integration", details: undefined },
      { path: "Makefile", change: "removed", runs: "build", details: undefined },
      { path: "package.json", change: "changed", runs: "npm scripts", details: ["test"] },
      { path: "sub/package.json", change: "changed", runs: undefined, details: undefined },
    ])
    expect(counts).toEqual({ added: 1, changed: 2, removed: 1 })
  })
})

describe("applying a copy", () => {
  test("writes through no link that came meanwhile", async () => {
    const root = makeRepository({ "sub/a.txt": "one", "b.txt": "one" })
    const elsewhere = temporaryDirectory({ "a.txt": "one" })
    const { workspace, directory } = await open(root, { mode: "copy" })
    writeFiles(join(directory, "tree"), { "sub/a.txt": "evil", "sub/new.txt": "evil", "b.txt": "two" })
    const report = await workspace.finish()
    renameSync(join(root, "sub"), join(root, "moved"))
    symlinkSync(elsewhere, join(root, "sub"))
    const result = await workspace.apply(report)
    expect(result.applied).toEqual(["b.txt"])
    expect(result.conflicts.map(({ path }) => path)).toEqual(["sub/a.txt", "sub/new.txt"])
    expect(readdirSync(elsewhere)).toEqual(["a.txt"])
    expect(readFileSync(join(elsewhere, "a.txt"), "utf8")).toBe("one")
  })
})

function swap(path: string, target: string): void {
  rmSync(path, { recursive: true, force: true })
  symlinkSync(target, path)
}
