// `nanoguard vet` as CI runs it: real repositories, pull requests, and registries that are asked over the loopback.
import { execFileSync } from "node:child_process"
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { VetReport } from "../../src/vet/report.ts"
import { emptyHome, temporaryDirectory, writeFiles } from "../context.ts"
import { startRegistry } from "../registry.ts"
import { npmLock } from "../trees.ts"
import { nanoguard } from "./nanoguard.ts"

const STRICT = "version: 1\npackages:\n  rules:\n    - { id: no-bad, deny: pkg:npm/bad }\n"
const LOOSE = "version: 1\n"

function git(cwd: string, ...args: string[]): string {
  const who = ["-c", "user.name=t", "-c", "user.email=t@acme.example", "-c", "init.defaultBranch=main"]
  return execFileSync("git", [...who, ...args], { cwd, env: emptyHome(), encoding: "utf8", stdio: "pipe" }).trim()
}

function commit(cwd: string, files: Record<string, string>): string {
  writeFiles(cwd, files)
  git(cwd, "add", "--all")
  git(cwd, "commit", "--quiet", "--allow-empty", "--message=change")
  return git(cwd, "rev-parse", "HEAD")
}

/** A clone whose branch loosens the policy and adds a bad package, while main stands at the strict one. */
function pullRequest(more: Record<string, string> = {}) {
  const root = temporaryDirectory()
  const origin = join(root, "origin")
  mkdirSync(origin)
  git(origin, "init", "--quiet")
  const base = commit(origin, {
    "nanoguard.yaml": STRICT,
    "package-lock.json": npmLock({ good: "1.0.0" }),
    "app/x.txt": "",
  })
  git(root, "clone", "--quiet", origin, "clone")
  const clone = join(root, "clone")
  git(clone, "switch", "--quiet", "--create", "feature")
  commit(clone, { "nanoguard.yaml": LOOSE, "package-lock.json": npmLock({ good: "1.0.0", bad: "1.0.0" }), ...more })
  return { clone, base }
}

async function vet(cwd: string, args: string[] = [], env: Record<string, string> = {}) {
  const { exit, out, err } = await nanoguard(cwd, ["vet", "--offline", "--format", "json", ...args], env)
  if (out === "") throw new Error(`nothing on stdout, exit ${exit}: ${err}`)
  const report = JSON.parse(out) as VetReport & { error?: { message: string; exit: number; hint?: string } }
  const rows = report.rows?.map(({ file, verdict }) => `${file} ${verdict.effect} ${verdict.subject} ${verdict.rule}`)
  return { exit, err, report, rows }
}

const BAD = "deny pkg:npm/bad@1.0.0 no-bad (nanoguard.yaml:4:7)"

describe("a pull request that loosens the policy and adds a package that it refuses", () => {
  const github = { GITHUB_EVENT_NAME: "pull_request", GITHUB_BASE_REF: "main", CI: "true" }

  it.each<[string, string[], Record<string, string>]>([
    ["on GitHub", [], github],
    [
      "on GitHub, for pull_request_target with the head checked out",
      [],
      { ...github, GITHUB_EVENT_NAME: "pull_request_target" },
    ],
    ["with --changed", ["--changed", "origin/main"], {}],
    ["with --changed and a branch that only the origin has", ["--changed", "main"], {}],
    ["with --policy-from base", ["--changed", "origin/main", "--policy-from", "base"], {}],
  ])("is refused %s", async (_, args, env) => {
    const { clone } = pullRequest()
    const { exit, rows, report } = await vet(clone, args, env)
    expect({ exit, rows }).toEqual({ exit: 1, rows: [`package-lock.json ${BAD}`] })
    expect(report.policy).toMatchObject({ source: "base", path: "nanoguard.yaml" })
  })

  it("is refused on GitLab", async () => {
    const { clone, base } = pullRequest()
    const { exit, rows } = await vet(clone, [], { CI_MERGE_REQUEST_DIFF_BASE_SHA: base })
    expect({ exit, rows }).toEqual({ exit: 1, rows: [`package-lock.json ${BAD}`] })
  })

  it("is refused where it deletes the policy, renames it, or makes a link of it", async () => {
    for (const change of [
      (path: string) => rmSync(path),
      (path: string) => renameSync(path, `${path}.old`),
      (path: string) => {
        rmSync(path)
        symlinkSync("/dev/null", path)
      },
    ]) {
      const { clone } = pullRequest()
      change(join(clone, "nanoguard.yaml"))
      commit(clone, {})
      expect((await vet(clone, [], github)).exit).toBe(1)
    }
  })

  it("is refused from a directory below, with a policy of its own there", async () => {
    const { clone } = pullRequest({ "app/package-lock.json": npmLock({ bad: "1.0.0" }), "app/nanoguard.yaml": LOOSE })
    const { exit, rows, report } = await vet(join(clone, "app"), [], github)
    expect({ exit, rows }).toEqual({ exit: 1, rows: [`package-lock.json ${BAD}`] })
    expect(report.policy).toMatchObject({ source: "base", path: "../nanoguard.yaml" })
  })

  it("is refused with exceptions, a local layer and package manager settings of its own", async () => {
    const exception =
      "  exceptions:\n    - { allow: pkg:npm/bad, of: package.denied, owner: eve@acme.example, reason: no, expires: 2027-01-01 }\n"
    const { clone } = pullRequest({
      "nanoguard.yaml": STRICT + exception,
      "nanoguard.local.yaml": `version: 1\npackages:\n${exception}`,
      ".npmrc": "registry=https://registry.example/\n",
    })
    expect((await vet(clone, [], github)).exit).toBe(1)
  })

  it("passes with --policy-from file, which says so", async () => {
    const { clone } = pullRequest()
    const { exit, report } = await vet(clone, ["--policy-from", "file"], github)
    expect(exit).toBe(0)
    expect(report.policy).toMatchObject({ source: "file" })
  })

  it("on a push the branch's own policy counts", async () => {
    const { clone } = pullRequest()
    expect((await vet(clone, [], { GITHUB_EVENT_NAME: "push", GITHUB_BASE_REF: "", CI: "true" })).exit).toBe(0)
  })
})

describe("--changed", () => {
  it("vets what was added, in every lockfile, and counts only that", async () => {
    const { clone } = pullRequest({ "app/package-lock.json": npmLock({ bad: "1.0.0", other: "1.0.0" }) })
    const { report, rows } = await vet(clone, ["--changed", "origin/main"])
    expect(rows).toEqual([`app/package-lock.json ${BAD}`, `package-lock.json ${BAD}`])
    expect(report.counts).toMatchObject({ packages: 3, allow: 1, deny: 2 })
    expect(report.files.map(({ path, packages }) => [path, packages])).toEqual([
      ["app/package-lock.json", 2],
      ["package-lock.json", 1],
    ])
    expect(report.changedSince).toBe("origin/main")
  })

  it("nothing added is fine, and a changed address or hash is an addition", async () => {
    const { clone } = pullRequest()
    commit(clone, { "package-lock.json": npmLock({ good: "1.0.0" }), "nanoguard.yaml": `${STRICT}default: deny\n` })
    const same = await vet(clone, ["--changed", "origin/main"])
    expect(same.exit).toBe(0)
    expect(same.report.counts.packages).toBe(0)
    for (const entry of [
      { version: "1.0.0", resolved: "https://other.registry.example/good/-/good-1.0.0.tgz" },
      { version: "1.0.0", integrity: "sha512-AAAA" },
    ]) {
      commit(clone, { "package-lock.json": npmLock({ good: entry }) })
      expect((await vet(clone, ["--changed", "origin/main"])).report.counts.packages).toBe(1)
    }
  })

  it("of a file outside the current directory all counts as added", async () => {
    const { clone } = pullRequest({ "app/package-lock.json": npmLock({ good: "1.0.0" }) })
    const { report } = await vet(join(clone, "app"), ["--changed", "origin/main", ".."])
    expect(report.files.map(({ path, packages }) => [path, packages])).toEqual([
      ["package-lock.json", 1],
      ["../package-lock.json", 2],
    ])
  })

  it.each([
    ["nowhere", 2],
    ["--upload-pack=x", 2],
    ["a..b", 2],
  ])("%s is exit %i", async (ref, exit) => {
    const { clone } = pullRequest()
    expect((await vet(clone, [`--changed=${ref}`])).exit).toBe(exit)
  })
})

describe("against registries", () => {
  it("finds what the evidence says, asks nothing twice, and answers the second time from its cache", async () => {
    const registry = await startRegistry()
    registry.npm("fresh", { "1.0.0": { age: 100 }, "1.1.0": { age: 1 } })
    registry.npm("scripted", { "1.0.0": { scripts: { postinstall: "node x" } } })
    registry.npm("fine", { "1.0.0": {} })
    registry.pypi("withdrawn", { "1.0": { yanked: true } })
    const cwd = temporaryDirectory({
      "nanoguard.yaml":
        "version: 1\npackages:\n  deny: { yanked: true, nonexistent: true }\n  ask: { install-scripts: true, age: 3650000d }\n".replace(
          "3650000d",
          "3d",
        ),
      "web/package-lock.json": npmLock(
        { fresh: "1.1.0", scripted: "1.0.0", fine: "1.0.0", ghost: "1.0.0" },
        registry.base,
      ),
      "api/requirements.txt": "withdrawn==1.0\n",
    })
    // Ages are those of the test's day; the program has the machine's clock, so only what does not age is asserted.
    const home = temporaryDirectory()
    const env = { ...registry.env, NANOGUARD_HOME: home }
    const first = await nanoguard(cwd, ["vet", "--format", "json"], env)
    const rows = (JSON.parse(first.out) as VetReport).rows.map(
      ({ verdict }) => `${verdict.effect} ${verdict.code} ${verdict.subject}`,
    )
    expect(first.exit).toBe(1)
    expect(rows).toEqual(
      expect.arrayContaining([
        "deny release.yanked pkg:pypi/withdrawn@1.0",
        "deny name.unknown pkg:npm/ghost@1.0.0",
        "ask script.unapproved pkg:npm/scripted@1.0.0",
      ]),
    )
    const asked = [...registry.requests]
    expect([...new Set(asked)].sort()).toEqual([...asked].sort())
    registry.requests.length = 0
    expect((await nanoguard(cwd, ["vet", "--format", "json"], env)).exit).toBe(1)
    expect(registry.requests).toEqual(["/ghost"])
  })

  it("a registry in the repository's own .npmrc is not asked", async () => {
    const [ours, theirs] = [await startRegistry(), await startRegistry()]
    ours.npm("a", { "1.0.0": { deprecated: "x" } })
    theirs.npm("a", { "1.0.0": {} })
    const cwd = temporaryDirectory({
      "nanoguard.yaml": "version: 1\npackages: { deny: { deprecated: true } }\n",
      ".npmrc": `registry=${theirs.base}\n`,
      "package-lock.json": npmLock({ a: "1.0.0" }, ours.base),
    })
    expect((await nanoguard(cwd, ["vet"], ours.env)).exit).toBe(1)
    expect(theirs.requests).toEqual([])
  })
})
