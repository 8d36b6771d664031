import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { processContext } from "../../src/context.ts"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import type { Dependency, Lockfile } from "../../src/packages/types.ts"
import { addedSince, openBase, pullRequestBase } from "../../src/vet/changed.ts"

let dir: string
let repo: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "nanoguard-changed-"))
  repo = join(dir, "repo")
  mkdirSync(repo)
  git("init", "--quiet", "--initial-branch=main")
  commit({ "package-lock.json": "base", "sub/uv.lock": "sub base", "nanoguard.yaml": "version: 1", "README.md": "x" })
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

function git(...args: string[]): string {
  return gitIn(repo, ...args)
}

function gitIn(cwd: string, ...args: string[]): string {
  const env = { PATH: process.env["PATH"], HOME: dir, GIT_CONFIG_NOSYSTEM: "1" }
  const identity = ["-c", "user.name=t", "-c", "user.email=t@acme.example", "-c", "protocol.file.allow=always"]
  return execFileSync("git", [...identity, ...args], { cwd, env, encoding: "utf8", stdio: "pipe" }).trim()
}

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repo, path)), { recursive: true })
    writeFileSync(join(repo, path), text)
  }
}

function commit(files: Record<string, string>): string {
  write(files)
  git("add", "--all")
  git("commit", "--quiet", "--message=change")
  return git("rev-parse", "HEAD")
}

function open(root: string, ref: string) {
  return openBase({ ...processContext(), env: { ...process.env, HOME: dir } }, root, ref)
}

async function failure(root: string, ref: string): Promise<NanoguardError> {
  const error = await open(root, ref).then(
    () => undefined,
    (error) => error,
  )
  expect(error).toBeInstanceOf(NanoguardError)
  return error
}

describe("openBase", () => {
  test("reads files as they were where the branch left main, not as main is now, nor as the tree is", async () => {
    const fork = git("rev-parse", "HEAD")
    git("switch", "--quiet", "--create", "feature")
    commit({ "package-lock.json": "feature", "new/yarn.lock": "new" })
    git("switch", "--quiet", "main")
    commit({ "package-lock.json": "main moved on" })
    git("switch", "--quiet", "feature")
    write({ "package-lock.json": "uncommitted", "nanoguard.yaml": "version: 2" })
    const base = await open(repo, "main")
    expect(base.commit).toBe(fork)
    expect(base.listFiles().sort()).toEqual(["nanoguard.yaml", "package-lock.json", "sub/uv.lock"])
    expect(base.read("package-lock.json")).toBe("base")
    expect(base.read("nanoguard.yaml")).toBe("version: 1")
    expect(base.read("new/yarn.lock")).toBeUndefined()
    expect(base.read("../repo/package-lock.json")).toBeUndefined()
  })

  test("paths are relative to the vetted directory", async () => {
    const base = await open(join(repo, "sub"), "HEAD")
    expect(base.listFiles()).toEqual(["uv.lock", "../nanoguard.yaml"])
    expect(base.read("uv.lock")).toBe("sub base")
  })

  test("the policy of a directory above is found, the nearest one first, and no file of the name elsewhere", async () => {
    commit({
      "a/nanoguard.yaml": "a",
      "a/b/c/uv.lock": "x",
      "a/b/c/d/nanoguard.yaml": "below",
      "a/e/nanoguard.yaml": "beside",
    })
    const base = await open(join(repo, "a/b/c"), "HEAD")
    expect(base.nearest("nanoguard.yaml")?.path).toBe("../../nanoguard.yaml")
    expect(base.read("../../nanoguard.yaml")).toBe("a")
    expect(base.read("../../../nanoguard.yaml")).toBe("version: 1")
    expect(base.nearest("nanoguard.local.yaml")).toBeUndefined()
    expect((await open(repo, "HEAD")).nearest("nanoguard.yaml")?.path).toBe("nanoguard.yaml")
  })

  test("names with spaces, newlines, quotes and other scripts come back as they are", async () => {
    const odd = 'a "b"\n\tc/файл/package-lock.json'
    commit({ [odd]: "odd" })
    expect((await open(repo, "HEAD")).read(odd)).toBe("odd")
  })

  test("reads lockfiles, what their readers look at beside them, and policies; nothing else, however much there is", async () => {
    const many = Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`data/${i}.txt`, "x"]))
    commit({
      ...many,
      "py/requirements.txt": "-r requirements/base.txt",
      "py/requirements/base.txt": "a==1",
      "py/constraints.txt": "a<2",
      "package.json": "{}",
      "lib/package.json": "{}",
      "node_modules/x/package-lock.json": "{}",
      "go/go.mod": "module x",
      "go/go.sum": "x",
      "team/nanoguard.org.yaml": "version: 1",
    })
    expect((await open(repo, "HEAD")).listFiles().sort()).toEqual([
      "go/go.mod",
      "go/go.sum",
      "nanoguard.yaml",
      "package-lock.json",
      "package.json",
      "py/constraints.txt",
      "py/requirements.txt",
      "py/requirements/base.txt",
      "sub/uv.lock",
      "team/nanoguard.org.yaml",
    ])
  })

  test("a policy that is a link at the base is an error, never the built-in policy instead", async () => {
    commit({ "policies/strict.yaml": "version: 1", "a/x": "" })
    rmSync(join(repo, "nanoguard.yaml"))
    execFileSync("ln", ["-s", "policies/strict.yaml", join(repo, "nanoguard.yaml")])
    commit({})
    for (const root of [repo, join(repo, "a")]) {
      const base = await open(root, "HEAD")
      expect(() => base.nearest("nanoguard.yaml")).toThrow("nanoguard.yaml is a link in the commit to compare with")
      expect(base.nearest("nanoguard.local.yaml")).toBeUndefined()
    }
  })

  test("a link is not a file", async () => {
    execFileSync("ln", ["-s", "/etc/passwd", join(repo, "yarn.lock")])
    commit({})
    expect((await open(repo, "HEAD")).listFiles()).not.toContain("yarn.lock")
  })

  test("a branch that only the remote has is found without its prefix", async () => {
    const clone = join(dir, "clone")
    gitIn(dir, "clone", "--quiet", repo, clone)
    gitIn(clone, "switch", "--quiet", "--create", "feature")
    gitIn(clone, "branch", "--quiet", "--delete", "--force", "main")
    expect((await open(clone, "main")).read("package-lock.json")).toBe("base")
  })

  test.each([
    "--help",
    "--output=x",
    "",
    "-",
    "HEAD:package-lock.json",
    ":/change",
    "a..b",
    "main\nx",
    "$(id)",
    "x".repeat(300),
  ])("%j is not taken for a ref", async (ref) => {
    const error = await failure(repo, ref)
    expect(error.exit).toBe(EXIT.usage)
    expect(error.message).toContain("not the name of a branch")
  })

  test("a ref that is not there says how to fetch it", async () => {
    const error = await failure(repo, "origin/gone")
    expect(error.exit).toBe(EXIT.usage)
    expect(error.hint).toContain("git fetch origin +refs/heads/gone:refs/remotes/origin/gone")
  })

  test("no repository is an error with a next step", async () => {
    const error = await failure(dir, "main")
    expect(error.exit).toBe(EXIT.environment)
    expect(error.message).toBe("there is no git repository here")
  })

  test("unrelated histories are an error", async () => {
    git("switch", "--quiet", "--orphan", "other")
    commit({ "package-lock.json": "other" })
    expect((await failure(repo, "main")).message).toBe("HEAD and main have no commit in common")
  })

  test("a clone that is too shallow says so, and the command in the hint mends it", async () => {
    git("switch", "--quiet", "--create", "feature")
    for (let i = 0; i < 3; i++) commit({ "package-lock.json": `feature ${i}` })
    git("switch", "--quiet", "main")
    for (let i = 0; i < 3; i++) commit({ "README.md": `main ${i}` })
    const clone = join(dir, "clone")
    const url = pathToFileURL(repo).href
    gitIn(dir, "clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=feature", url, clone)
    const error = await failure(clone, "origin/main")
    expect(error.exit).toBe(EXIT.environment)
    expect(error.message).toBe("this clone is too shallow to tell where it left origin/main")
    const command = /^git (fetch --unshallow origin)/.exec(error.hint!)![1]!
    gitIn(clone, ...command.split(" "))
    expect((await open(clone, "origin/main")).read("package-lock.json")).toBe("base")
  })

  test("a lockfile beyond the limit is refused, not skipped", async () => {
    const sparse = join(repo, "package-lock.json")
    execFileSync("truncate", ["--size=129M", sparse])
    commit({})
    const error = await failure(repo, "HEAD")
    expect(error.exit).toBe(EXIT.nothingChecked)
    expect(error.message).toContain("larger lockfiles than can be read")
  }, 30_000)
})

describe("a hostile repository", () => {
  test("its configuration runs nothing", async () => {
    const marker = join(dir, "ran")
    const script = join(repo, "evil.sh")
    writeFileSync(script, `#!/bin/sh\ntouch '${marker}'\ncat\n`)
    chmodSync(script, 0o755)
    commit({ ".gitattributes": "* diff=evil filter=evil\n*.json diff=evil" })
    writeFileSync(
      join(repo, ".git/config"),
      `[core]
	repositoryformatversion = 0
	fsmonitor = ${script}
	hooksPath = ${repo}/hooks
	pager = ${script}
	editor = ${script}
	sshCommand = ${script}
	askPass = ${script}
	alternateRefsCommand = ${script}
[pager]
	ls-tree = ${script}
	cat-file = ${script}
[alias]
	rev-parse = !${script}
	ls-tree = !${script}
[diff]
	external = ${script}
[diff "evil"]
	textconv = ${script}
	command = ${script}
[filter "evil"]
	smudge = ${script}
	clean = ${script}
	required = true
[credential]
	helper = !${script}
[protocol "ext"]
	allow = always
[remote "origin"]
	url = ext::${script}
	promisor = true
	partialclonefilter = blob:none
`,
    )
    const base = await open(repo, "HEAD")
    expect(base.read("package-lock.json")).toBe("base")
    expect(existsSync(marker)).toBe(false)
  })

  test("an object that a partial clone lacks is not fetched through its remote: an error", async () => {
    const marker = join(dir, "ran")
    const script = join(dir, "evil.sh")
    writeFileSync(script, `#!/bin/sh\ntouch '${marker}'\n`)
    chmodSync(script, 0o755)
    const blob = git("rev-parse", "HEAD:package-lock.json")
    rmSync(join(repo, ".git/objects", blob.slice(0, 2), blob.slice(2)))
    for (const [key, value] of [
      ["core.repositoryformatversion", "1"],
      ["extensions.partialClone", "origin"],
      ["remote.origin.url", `ext::${script}`],
      ["remote.origin.promisor", "true"],
      ["protocol.ext.allow", "always"],
    ]) {
      git("config", key!, value!)
    }
    const error = await failure(repo, "HEAD")
    expect(error.exit).toBe(EXIT.environment)
    expect(existsSync(marker)).toBe(false)
  })

  test("a replaced commit does not change what the base was", async () => {
    const honest = git("rev-parse", "HEAD")
    const forged = commit({ "nanoguard.yaml": "version: 1\ndefault: allow" })
    git("reset", "--quiet", "--hard", honest)
    git("replace", honest, forged)
    expect(git("show", `${honest}:nanoguard.yaml`)).toContain("default: allow")
    expect((await open(repo, "HEAD")).read("nanoguard.yaml")).toBe("version: 1")
  })

  test("grafts do not change where the branch left", async () => {
    const first = git("rev-parse", "HEAD")
    git("switch", "--quiet", "--create", "feature")
    const second = commit({ "package-lock.json": "feature" })
    const third = commit({ "package-lock.json": "feature 2" })
    mkdirSync(join(repo, ".git/info"), { recursive: true })
    writeFileSync(join(repo, ".git/info/grafts"), `${third} ${second}\n${second}\n${first} ${third}\n`)
    expect((await open(repo, "main")).commit).toBe(first)
  })

  test("GIT_ variables of the environment do not point elsewhere", async () => {
    const other = join(dir, "other")
    gitIn(dir, "init", "--quiet", other)
    const env = { ...process.env, HOME: dir, GIT_DIR: join(other, ".git"), GIT_CONFIG_COUNT: "1" }
    const base = await openBase({ ...processContext(), env }, repo, "HEAD")
    expect(base.read("package-lock.json")).toBe("base")
  })
})

test("a missing git is an error of the environment", async () => {
  const ctx = { ...processContext(), exec: () => Promise.reject(new Error("ENOENT")) }
  await expect(openBase(ctx, repo, "main")).rejects.toMatchObject({ exit: EXIT.environment })
})

describe("pullRequestBase", () => {
  test.each<[Record<string, string>, string | undefined]>([
    [{ GITHUB_EVENT_NAME: "pull_request", GITHUB_BASE_REF: "main" }, "origin/main"],
    [{ GITHUB_EVENT_NAME: "push", GITHUB_BASE_REF: "" }, undefined],
    [{ GITHUB_EVENT_NAME: "pull_request_target", GITHUB_BASE_REF: "main" }, "origin/main"],
    [{ CI_MERGE_REQUEST_DIFF_BASE_SHA: "a".repeat(40) }, "a".repeat(40)],
    [{}, undefined],
  ])("%j -> %j", (env, expected) => {
    expect(pullRequestBase(env)).toBe(expected)
  })
})

describe("addedSince", () => {
  const entry = (key: string, over: Partial<Dependency> = {}): Dependency => ({
    purl: `pkg:npm/${key}@1.0.0`,
    ecosystem: "npm",
    name: key,
    version: "1.0.0",
    source: { kind: "registry", origin: "default" },
    integrity: ["sha512-a"],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key,
    ...over,
  })
  const lock = (...dependencies: Dependency[]): Lockfile => ({
    path: "package-lock.json",
    format: "package-lock.json",
    formatVersion: "3",
    dependencies,
    edges: [],
    roots: [],
    warnings: [],
    lineOf: () => 1,
  })

  test("everything is new without a lockfile before", () => {
    expect(addedSince(lock(entry("a"), entry("b")), undefined)).toEqual(new Set(["a", "b"]))
  })

  test("a package that moved within the tree is not new; another source, hash or version is", () => {
    const before = lock(entry("a"), entry("b"), entry("c"), entry("d"), entry("e", { integrity: ["x", "y"] }))
    const now = lock(
      entry("a", { key: "moved/a", dev: true }),
      entry("b", { source: { kind: "registry", origin: "https://registry.example" } }),
      entry("c", { integrity: ["sha512-b"] }),
      entry("d", { purl: "pkg:npm/d@2.0.0", version: "2.0.0" }),
      entry("e", { integrity: ["y", "x"] }),
    )
    expect(addedSince(now, before)).toEqual(new Set(["b", "c", "d"]))
  })

  test("a package that was for development only is new where it is no longer", () => {
    const before = lock(entry("a", { dev: true }), entry("b", { dev: true }), entry("c"))
    const now = lock(entry("a"), entry("b", { dev: true }), entry("c", { dev: true }))
    expect(addedSince(now, before)).toEqual(new Set(["a"]))
  })
})
