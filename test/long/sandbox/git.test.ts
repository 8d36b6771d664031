// `nanoguard run` on a repository, in real engines: what git does in the box is the host's afterwards, in every mode of the workspace, and
// everything still belongs to whom it belonged.
import { execFileSync } from "node:child_process"
import { lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { serveGit } from "../egress/git-server.ts"
import { type BoxLab, give, LAB_ENGINES, openBoxLab, USER } from "./lab.ts"

const FORGE = "git.example.com"
const KEY = "k3y-Of-The-Git-Server-60291"
const BASIC = `Basic ${Buffer.from(`agent:${KEY}`).toString("base64")}`

let lab: BoxLab
let served: string
beforeAll(async () => {
  lab = await openBoxLab({
    policy: (port) => `network:
  - { id: forge, allow: ${FORGE}, service: git, ports: [${port}], addresses: [127.0.0.1], credential: forge }
`,
    credentials: [
      {
        ...{ name: "forge", value: KEY, reach: { hosts: [FORGE] }, env: ["FORGE_KEY"] },
        slot: { in: "basic", user: "agent" },
      },
    ],
  })
  served = lab.directory("served")
  lab.origin.raw(FORGE, (request, response) => serveGit(served, BASIC, request, response))
})
afterAll(() => lab?.close())

/** Git as the person uses it, who is root here and looks into another user's repository without touching its index. */
const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "safe.directory=*", "-c", "user.name=t", "-c", "user.email=t@t.example", ...args], {
    ...{ cwd, encoding: "utf8", env: { PATH: process.env["PATH"], HOME: "/nonexistent" } },
  }).trim()

/** A repository of a user's with one commit, whose origin has an ssh address. */
function createRepository(name: string, user: number): { workspace: string; remote: string } {
  const remote = join(served, `${name}.git`)
  git(served, "init", "-q", "--bare", "-b", "main", remote)
  git(remote, "config", "http.receivepack", "true")
  const workspace = lab.workspace(name, { "a.txt": "one\n", "b.txt": "one\n", Makefile: "all:\n" })
  git(workspace, "init", "-q", "-b", "main")
  git(workspace, "config", "user.name", "Ana")
  git(workspace, "config", "user.email", "ana@example.com")
  git(workspace, "add", ".")
  git(workspace, "commit", "-q", "-m", "one")
  git(workspace, "remote", "add", "origin", `git@${FORGE}:${name}.git`)
  give(workspace, user)
  return { workspace, remote }
}

/** What is there and belongs to somebody else. */
function strangersIn(directory: string, user: number): string[] {
  const paths = [".", ...readdirSync(directory, { recursive: true, encoding: "utf8" })]
  return paths.filter((path) => lstatSync(join(directory, path)).uid !== user)
}

const WORK = `set -ex
  test "$(git status --porcelain)" = ""
  git switch -q -c topic
  echo two > a.txt && git commit -q -am two
  git push -q -u origin topic
  git switch -q main && git switch -q topic
  echo three > c.txt && git add c.txt && git commit -q -m three
  echo dirty >> b.txt && echo new > new.txt`

describe.each(LAB_ENGINES)("in a box of %s", (engine) => {
  it.for([
    ["another user", USER],
    ["root", 0],
  ] as const)("direct, of %s: commit, switch and push -u; owners stay", async ([who, user], ctx) => {
    await useEngine(ctx, engine)
    const { workspace, remote } = createRepository(`direct-${who.replace(/\W/g, "-")}-${engine}`, user)
    const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-c", WORK])
    expect(exit, terminal).toBe(0)
    expect(strangersIn(workspace, user)).toEqual([])
    expect(git(remote, "log", "--format=%s %an", "topic")).toBe("two Ana\none t")
    expect(git(workspace, "branch", "--show-current")).toBe("topic")
    expect(git(workspace, "log", "--format=%s", "topic")).toBe("three\ntwo\none")
    expect(git(workspace, "status", "--porcelain")).toBe("M b.txt\n?? new.txt")
    expect(git(workspace, "config", "branch.topic.remote")).toBe("origin")
    expect(git(workspace, "fsck", "--no-dangling")).toBe("")
    expect(readdirSync(workspace).sort()).toEqual([".git", "Makefile", "a.txt", "b.txt", "c.txt", "new.txt"])
    expect(terminal).not.toContain(KEY)
  })

  const CHANGE = "echo two > a.txt; git commit -q -am two; echo new > new.txt; rm b.txt; echo evil >> Makefile"

  it("a copy: what is applied comes back, what is discarded does not", async (ctx) => {
    await useEngine(ctx, engine)
    const { workspace } = createRepository(`copy-${engine}`, USER)
    const before = git(workspace, "rev-parse", "main")
    const run = (option: string) => lab.run(engine, workspace, ["sh", "-ec", CHANGE], ["--workspace", "copy", option])
    const discarded = await run("--discard")
    expect(discarded.exit, discarded.terminal).toBe(0)
    expect(discarded.terminal).toMatch(/Will run on your host once it is there:\s+~ Makefile/)
    expect(git(workspace, "status", "--porcelain")).toBe("")
    const applied = await run("--apply")
    expect(applied.exit, applied.terminal).toBe(0)
    expect(strangersIn(workspace, USER)).toEqual([])
    expect(git(workspace, "status", "--porcelain")).toBe("M Makefile\n M a.txt\n D b.txt\n?? new.txt")
    // Commits come as refs of the run's own, and the branch stays where it was.
    expect(git(workspace, "rev-parse", "HEAD", "main")).toBe(`${before}\n${before}`)
    const kept = git(workspace, "for-each-ref", "--format=%(refname) %(subject)", "refs/nanoguard")
    expect(kept.split("\n")).toEqual(
      [1, 2].map(() => expect.stringMatching(/^refs\/nanoguard\/run-\w+\/heads\/main two$/)),
    )
  })

  it("a worktree: all of it comes back as a branch, and what is checked out stays", async (ctx) => {
    await useEngine(ctx, engine)
    const { workspace } = createRepository(`worktree-${engine}`, USER)
    const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-ec", CHANGE], ["--workspace", "worktree"])
    expect(exit, terminal).toBe(0)
    expect(strangersIn(workspace, USER)).toEqual([])
    expect(git(workspace, "branch", "--show-current")).toBe("main")
    expect(git(workspace, "status", "--porcelain")).toBe("")
    const [branch = ""] = git(workspace, "branch", "--format=%(refname:short)", "--list", "nanoguard/*").split("\n")
    expect(git(workspace, "log", "--format=%s", branch).split("\n").slice(1)).toEqual(["two", "one"])
    expect(git(workspace, "ls-tree", "--name-only", branch)).toBe("Makefile\na.txt\nnew.txt")
    expect(git(workspace, "show", `${branch}:Makefile`)).toContain("evil")
  })
})
