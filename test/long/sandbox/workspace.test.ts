// The workspace from inside of a box: git works, and nothing that a box leaves runs on the host.
import { execFileSync } from "node:child_process"
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { sweepWorkspace } from "../../../src/sandbox/workspace/sweep.ts"
import { temporaryDirectory, writeFiles } from "../../context.ts"
import { git, inside, makeRepository, needBubblewrap, open, RUN } from "../../sandbox/workspace/make.ts"

describe("git in a direct workspace", () => {
  test("commit, switch, stash, rebase, fetch and push -u to a bare remote, and the host has all of it afterwards", async (it) => {
    needBubblewrap(it)
    const root = makeRepository({ "a.txt": "one\n", "b.txt": "two\n" })
    const remote = join(temporaryDirectory(), "remote.git")
    execFileSync("git", ["init", "-q", "--bare", remote])
    git(root, "remote", "add", "origin", "/remote.git")
    const first = git(root, "rev-parse", "HEAD")
    const { workspace } = await open(root)
    const box = {
      ...workspace,
      mounts: [...workspace.mounts, { kind: "bind" as const, source: remote, target: "/remote.git", write: true }],
    }
    const script = `set -ex
      test "$(git status --porcelain)" = ""
      git log --oneline | grep first
      git switch -q -c topic
      echo more >> a.txt && git commit -q -am second
      echo three > c.txt && git add c.txt && git commit -q -m third
      git switch -q main && echo base > d.txt && git add d.txt && git commit -q -m base
      git switch -q topic && git rebase -q main
      git push -q -u origin topic
      git fetch -q origin
      git tag v1
      echo stashed >> b.txt && git stash -q
      echo staged > e.txt && git add e.txt
      git worktree list
      git branch -vv`
    expect(inside(box, script)).toMatchObject({ code: 0 })
    // Until the end the host's repository is as it was.
    expect(git(root, "rev-parse", "HEAD")).toBe(first)
    const report = await workspace.finish()
    expect(report.git).toMatchObject({ conflicts: [], head: "refs/heads/topic" })
    expect(report.git?.problem).toBeUndefined()
    expect(git(root, "branch", "--show-current")).toBe("topic")
    expect(git(root, "log", "--format=%s", "topic").split("\n")).toEqual(["third", "second", "base", "first"])
    expect(git(root, "log", "--format=%s", "main").split("\n")).toEqual(["base", "first"])
    expect(git(root, "status", "--porcelain")).toBe("A  e.txt")
    expect(git(root, "stash", "list")).toContain("stash@{0}")
    expect(git(root, "stash", "show", "--name-only")).toContain("b.txt")
    expect(git(root, "config", "branch.topic.remote")).toBe("origin")
    expect(git(root, "config", "branch.topic.merge")).toBe("refs/heads/topic")
    expect(git(root, "rev-parse", "v1")).toBe(git(root, "rev-parse", "topic"))
    expect(git(remote, "rev-parse", "topic")).toBe(git(root, "rev-parse", "topic"))
    expect(git(root, "for-each-ref", "refs/nanoguard")).toBe("")
    expect(git(root, "fsck", "--no-dangling")).toBe("")
  })

  test("a linked worktree works, and so does its main one afterwards", async (it) => {
    needBubblewrap(it)
    const main = makeRepository()
    const root = join(temporaryDirectory(), "linked")
    git(main, "worktree", "add", "-q", "-b", "side", root)
    const { workspace } = await open(root)
    expect(
      inside(
        workspace,
        "set -ex; git status; echo x > x && git add x && git commit -q -m side; git switch -q -c other; git log -1",
      ),
    ).toMatchObject({ code: 0 })
    const report = await workspace.finish()
    expect(report.git?.problem).toBeUndefined()
    expect(git(root, "branch", "--show-current")).toBe("other")
    expect(git(root, "status", "--porcelain")).toBe("")
    expect(git(main, "log", "-1", "--format=%s", "side")).toBe("side")
    expect(git(main, "branch", "--show-current")).toBe("main")
  })

  test("nothing that a box puts into its git directory runs on the host, while it runs or after", async (it) => {
    needBubblewrap(it)
    const root = makeRepository({ "a.txt": "one\n" })
    const { workspace } = await open(root)
    const mark = join(root, "ran")
    const script = `set -e
      for hook in post-commit pre-commit post-checkout post-index-change reference-transaction; do
        printf '#!/bin/sh\\ntouch ${mark}\\n' > .git/hooks/$hook; chmod +x .git/hooks/$hook; done
      git config core.fsmonitor 'touch ${mark}'; git config core.pager 'touch ${mark}'; git config alias.status '!touch ${mark}'
      git config core.hooksPath .evil; git config filter.x.clean 'touch ${mark}'; git config include.path ../evil
      printf '* filter=x\\n' > .git/info/attributes; rm -rf .git/logs; ln -s /tmp .git/logs; echo /tmp > .git/commondir`
    expect(inside(workspace, script)).toEqual({ code: 0, out: "" })
    const work = (name: string) => {
      writeFileSync(join(root, "a.txt"), name)
      git(root, "status")
      git(root, "commit", "-q", "-am", name)
      git(root, "switch", "-q", "-c", name)
    }
    work("during")
    const report = await workspace.finish()
    work("after")
    expect(existsSync(mark)).toBe(false)
    expect(lstatSync(join(root, ".git/logs")).isDirectory()).toBe(true)
    expect(report.git?.refused).toContain("hook post-commit")
  })

  test("root leaves somebody's repository that person's", async (it) => {
    needBubblewrap(it)
    if (process.getuid?.() !== 0) it.skip("only root can work for somebody else")
    const root = makeRepository()
    execFileSync("chown", ["-R", "1000:1000", root])
    const { workspace } = await open(root)
    expect(workspace.user).toEqual({ uid: 1000, gid: 1000 })
    expect(inside(workspace, "echo box > a.txt && git commit -q -am box && git status --porcelain")).toEqual({
      code: 0,
      out: "",
    })
    const report = await workspace.finish()
    expect(report.git?.refs.length).toBe(1)
    expect(execFileSync("find", [root, "-user", "0"]).toString()).toBe("")
  })

  test("what the host moved meanwhile stays, and the box's is kept aside", async (it) => {
    needBubblewrap(it)
    const root = makeRepository()
    const { workspace } = await open(root)
    inside(workspace, "echo box > a.txt && git commit -q -am box")
    writeFileSync(join(root, "host.txt"), "host")
    git(root, "add", "host.txt")
    git(root, "commit", "-q", "-m", "host")
    const report = await workspace.finish()
    expect(report.git?.conflicts).toEqual([{ ref: "refs/heads/main", kept: `refs/nanoguard/${RUN}/heads/main` }])
    expect(git(root, "log", "-1", "--format=%s", "main")).toBe("host")
    expect(git(root, "log", "-1", "--format=%s", `refs/nanoguard/${RUN}/heads/main`)).toBe("box")
  })

  test("after nanoguard was killed the sweep takes over commits and removes mount points", async (it) => {
    needBubblewrap(it)
    const root = makeRepository()
    const before = readdirSync(root)
    const { ctx, workspace, directory } = await open(root)
    inside(workspace, "echo box > a.txt && git commit -q -am box && mkdir -p deep/.vscode && git init -q deep/own")
    expect(readdirSync(root)).toContain(".vscode")
    expect(existsSync(join(root, "deep/own/.git"))).toBe(true)
    const report = await sweepWorkspace(ctx, { kind: "workspace", path: directory })
    expect(git(root, "log", "-1", "--format=%s")).toBe("box")
    expect(readdirSync(root)).toEqual([...before, "deep"])
    // What could not be forbidden while it ran is taken out of the way, and said.
    expect(readdirSync(join(root, "deep/own"))).toEqual([`git.${RUN}`])
    expect(report?.changes.find(({ path }) => path === "deep/own/.git")?.refused).toContain(
      "a repository that the box made",
    )
    expect(existsSync(directory)).toBe(false)
  })
})

describe("list one", () => {
  const PATHS = [
    ...[
      ".vscode/tasks.json",
      ".idea/workspace.xml",
      ".devcontainer/devcontainer.json",
      ".envrc",
      ".mise.toml",
      ".tool-versions",
    ],
    ...[
      ".claude/settings.json",
      ".claude/hooks/x",
      ".codex/config.toml",
      ".cursor/mcp.json",
      ".gemini/settings.json",
      ".mcp.json",
    ],
    ...["nanoguard.yaml", "nanoguard.local.yaml", "sub/.vscode/tasks.json", ".husky/pre-commit", "scripts/deploy.sh"],
  ]

  test.each([true, false])("cannot be written, whether it is there (%s) or not", async (there) => {
    const root = makeRepository(there ? Object.fromEntries(PATHS.map((path) => [path, "mine"])) : { "sub/a.txt": "" })
    const { workspace } = await open(root, { policy: "sandbox: { protect: [scripts] }" })
    // There is no forbidding a directory in a directory that is not there: it is found at the end.
    const paths = there ? PATHS : PATHS.filter((path) => !/^(sub|\.husky)/.test(path) && path !== "scripts/deploy.sh")
    for (const path of paths) {
      const top = path.split("/")[0]
      const attack = `mkdir -p "$(dirname ${path})"; echo evil > ${path}; rm -rf ${top}; mv ${top} away; ln -s /tmp ${top}; mkdir -p ${top}; echo evil > ${path}; true`
      inside(workspace, attack)
    }
    await workspace.finish()
    for (const path of paths) {
      if (there && !path.startsWith("sub/"))
        expect([path, readFileSync(join(root, path), "utf8")]).toEqual([path, "mine"])
      else if (!there) expect([path, existsSync(join(root, path))]).toEqual([path, false])
    }
    // A directory that holds a protected one can be moved away with it; nothing at the top can.
    expect(existsSync(join(root, "away"))).toBe(there)
  })
})

test("a mount point stays while another box has it", async (it) => {
  needBubblewrap(it)
  const root = makeRepository()
  const first = await open(root)
  const second = await open(root, { ctx: first.ctx, run: "run-ba9876543210" })
  await first.workspace.finish()
  expect(existsSync(join(root, ".vscode"))).toBe(true)
  expect(inside(second.workspace, "echo evil > .vscode/tasks.json").code).not.toBe(0)
  await second.workspace.finish()
  expect(readdirSync(root)).toEqual([".git", "a.txt"])
})

describe("secrets", () => {
  test("are empty in the box under every name and spelling, and git does not take them for changed", async (it) => {
    needBubblewrap(it)
    const secret = "s3cr3t-value"
    const root = makeRepository({
      ".env": `A=${secret}\n`,
      ".env.example": "A=\n",
      "deep/er/.ENV.local": secret,
      "deep/.npmrc": `//registry.example/:_authToken=${secret}\n`,
      "ok/.npmrc": "save-exact=true\n",
      "keys/server.key": `-----BEGIN PRIVATE KEY-----\n${secret}\n`,
      "keys/public.pem": "-----BEGIN CERTIFICATE-----\n",
      "infra/terraform.tfstate": secret,
      ".aws/credentials": secret,
      "extra/token.bin": secret,
    })
    git(root, "remote", "add", "origin", `https://person:${secret}@git.example.com/a.git`)
    git(root, "config", "http.https://git.example.com/.extraheader", `Authorization: ${secret}`)
    const { workspace } = await open(root, { policy: "sandbox: { mask: ['token.bin'] }" })
    const { out } = inside(
      workspace,
      `cat .env.example ok/.npmrc keys/public.pem; git status --porcelain; git remote -v; grep -r ${secret} . ; ls -la .aws; echo x > .env; cat .git/config`,
    )
    expect(out).toContain("save-exact")
    expect(out).toContain("BEGIN CERTIFICATE")
    expect(out).toContain("https://git.example.com/a.git")
    expect(out).not.toContain(secret)
    expect(out).not.toMatch(/^ [MD] /m)
    await workspace.finish()
    expect(readFileSync(join(root, ".env"), "utf8")).toContain(secret)
    expect(git(root, "status", "--porcelain")).toBe("")
  })
})

describe("copy and worktree", () => {
  test("a copy is applied after review, without what would lead elsewhere or run as somebody else", async (it) => {
    needBubblewrap(it)
    const root = makeRepository({
      "a.txt": "one\n",
      "gone.txt": "x",
      "race.txt": "1",
      "package.json": '{"scripts":{"test":"true"}}',
      ".env": "SECRET=1",
    })
    const { workspace } = await open(root, { mode: "copy" })
    const script = `set -e
      test ! -e .env
      echo two > a.txt; rm gone.txt; echo 2 > race.txt; mkdir new; echo n > new/n.txt; chmod +x new/n.txt
      echo '{"scripts":{"test":"true","postinstall":"evil"}}' > package.json
      ln -s /etc/passwd leak; ln -s ../../x up; ln -s a.txt fine; mkfifo pipe; cp a.txt suid; chmod 4755 suid
      mkdir .vscode; echo evil > .vscode/tasks.json; mkdir -p sub/.git; echo evil > sub/.git/config; echo mine > .env
      git commit -q -am box`
    expect(inside(workspace, script)).toEqual({ code: 0, out: "" })
    const report = await workspace.finish()
    expect(report.review).toBe(true)
    expect(report.changes.find(({ path }) => path === "package.json")).toMatchObject({
      runs: "npm scripts",
      details: ["postinstall"],
    })
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("one\n")
    expect(git(root, "log", "-1", "--format=%s", `refs/nanoguard/${RUN}/heads/main`)).toBe("box")
    expect(await workspace.diff(report.changes.find(({ path }) => path === "a.txt")!)).toContain("-one\n+two")
    writeFileSync(join(root, "race.txt"), "host")
    const result = await workspace.apply(report)
    expect(result.applied.toSorted()).toEqual(["a.txt", "fine", "gone.txt", "new", "new/n.txt", "package.json", "sub"])
    expect(result.conflicts.map(({ path }) => path).toSorted()).toEqual([".env", "race.txt"])
    expect(result.refused.map(({ path }) => path).toSorted()).toEqual([
      ".vscode",
      ".vscode/tasks.json",
      "leak",
      "pipe",
      "sub/.git",
      "suid",
      "up",
    ])
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("two\n")
    expect(lstatSync(join(root, "new/n.txt")).mode & 0o111).not.toBe(0)
    expect(readlinkSync(join(root, "fine"))).toBe("a.txt")
    expect(readFileSync(join(root, ".env"), "utf8")).toBe("SECRET=1")
    for (const path of ["leak", "pipe", "suid", ".vscode", "gone.txt", "sub/.git"])
      expect([path, existsSync(join(root, path))]).toEqual([path, false])
  })

  test("a worktree ends as a branch with commits and what was not committed", async (it) => {
    needBubblewrap(it)
    const root = makeRepository({ "a.txt": "one\n", "b.txt": "b\n", ".gitignore": "ignored\n", Makefile: "all:\n" })
    writeFiles(root, { "untracked.txt": "not in the worktree" })
    const { workspace } = await open(root, { mode: "worktree" })
    const script = `set -e
      test ! -e untracked.txt; test "$(git status --porcelain)" = ""
      test "$(git branch --show-current)" = nanoguard/${RUN}
      echo two > a.txt; git commit -q -am second
      echo rest > rest.txt; echo ignored > ignored; rm b.txt; echo 'all: evil' > Makefile; ln -s a.txt link
      printf '* filter=evil\\n' > .gitattributes; git config filter.evil.clean 'touch /tmp/evil'`
    expect(inside(workspace, script)).toEqual({ code: 0, out: "" })
    const report = await workspace.finish()
    const branch = `nanoguard/${RUN}`
    expect(report).toMatchObject({ branch, review: false })
    expect(git(root, "log", "--format=%s", branch).split("\n")).toEqual([`Not committed in ${RUN}`, "second", "first"])
    expect(git(root, "ls-tree", "--name-only", branch).split("\n")).toEqual([
      ".gitattributes",
      ".gitignore",
      "Makefile",
      "a.txt",
      "link",
      "rest.txt",
    ])
    expect(report.changes.find(({ path }) => path === "Makefile")).toMatchObject({ change: "changed", runs: "build" })
    expect(await workspace.diff(report.changes.find(({ path }) => path === "Makefile")!)).toContain("+all: evil")
    expect(git(root, "branch", "--show-current")).toBe("main")
    expect(git(root, "status", "--porcelain")).toBe("?? untracked.txt")
  })
})
