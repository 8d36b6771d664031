// A change that brings its own law, or has another one read than the one in force.
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { runVet } from "../../src/vet/run.ts"
import { emptyHome, temporaryDirectory, testContext, writeFiles } from "../context.ts"
import { findingsOf, OFFLINE } from "../vet/support.ts"
import { lockOf, outcomeOf, POLICY } from "./support.ts"

const EVIL = lockOf({ "node_modules/evil": { version: "1.0.0" } })
const LAX = "version: 1\n"
const DENIED = { "evil@1.0.0": "deny package.denied" }

/** A clone with a branch that adds `evil`; `origin/main` has the policy. */
function pullRequest() {
  const cwd = temporaryDirectory()
  const git = (...args: string[]) =>
    execFileSync(
      "git",
      ["-c", "user.name=eve", "-c", "user.email=eve@acme.example", "-c", "commit.gpgSign=false", ...args],
      {
        cwd,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      },
    ).trim()
  const commit = (files: Record<string, string>) => {
    writeFiles(cwd, files)
    git("add", "--all", "--force")
    git("commit", "--quiet", "--allow-empty", "--message=change")
    return git("rev-parse", "HEAD")
  }
  git("init", "--quiet", "--initial-branch=main")
  const first = commit({ "nanoguard.yaml": LAX })
  const main = commit({ "nanoguard.yaml": POLICY })
  git("update-ref", "refs/remotes/origin/main", main)
  git("switch", "--quiet", "--create", "feature")
  return { cwd, git, commit, first, main }
}

const GITHUB = { GITHUB_EVENT_NAME: "pull_request", GITHUB_BASE_REF: "main", CI: "true" }

async function vetAt(cwd: string, env: Record<string, string> = GITHUB) {
  const { report } = await runVet(testContext(cwd, { env: emptyHome(env) }), OFFLINE)
  return { found: findingsOf(report), source: report.policy.source }
}

describe("a pull request is judged by the policy of its base", () => {
  it("with a policy, a local layer and exceptions of its own", async () => {
    const { cwd, commit } = pullRequest()
    const exception =
      "{ allow: pkg:npm/evil, of: package.denied, owner: eve@acme.example, reason: no, expires: 2027-01-31 }"
    commit({
      "package-lock.json": EVIL,
      "nanoguard.yaml": LAX,
      "nanoguard.local.yaml": `version: 1\nmode: observe\npackages:\n  exceptions: [${exception}]\n`,
    })
    expect(await vetAt(cwd)).toEqual({ found: DENIED, source: "base" })
  })

  it("as that is today, where the branch left before the policy was made", async () => {
    const { cwd, git, commit, first } = pullRequest()
    git("switch", "--quiet", "--create", "old", first)
    commit({ "package-lock.json": EVIL })
    expect(await vetAt(cwd)).toEqual({ found: DENIED, source: "base" })
  })

  it("and not by a tag, nor by a branch, that is called like the base", async () => {
    const { cwd, git, commit } = pullRequest()
    const own = commit({ "package-lock.json": EVIL, "nanoguard.yaml": LAX })
    git("update-ref", "refs/tags/origin/main", own)
    git("update-ref", "refs/heads/origin/main", own)
    expect(await vetAt(cwd)).toEqual({ found: DENIED, source: "base" })
  })

  it("on GitLab by the branch that it goes to, wherever it says that it left", async () => {
    const { cwd, git, commit, first } = pullRequest()
    git("switch", "--quiet", "--create", "old", first)
    commit({ "package-lock.json": EVIL })
    const env = { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "main", CI_MERGE_REQUEST_DIFF_BASE_SHA: first, CI: "true" }
    expect(await vetAt(cwd, env)).toEqual({ found: DENIED, source: "base" })
  })

  it("and not by a directory that is made like a repository", async () => {
    const { cwd, git, commit } = pullRequest()
    const own = join(cwd, "app")
    git("clone", "--quiet", "--bare", cwd, own)
    execFileSync("git", ["--git-dir", own, "update-ref", "refs/remotes/origin/main", "refs/heads/main~1"])
    commit({ "app/package-lock.json": EVIL })
    await expect(vetAt(own)).rejects.toThrow("there is no git repository here")
  })

  it("and runs no git but the machine's", async () => {
    const { cwd, commit } = pullRequest()
    commit({ "package-lock.json": EVIL })
    const marker = join(temporaryDirectory(), "ran")
    const outside = temporaryDirectory()
    const PATH: string[] = []
    for (const directory of [join(cwd, "node_modules/.bin"), join(cwd, "bin"), join(outside, "node_modules/.bin")]) {
      writeFiles(directory, { git: `#!/bin/sh\ntouch '${marker}'\n` })
      chmodSync(join(directory, "git"), 0o755)
      PATH.push(directory)
    }
    PATH.push(".", process.env["PATH"] ?? "")
    expect(await vetAt(cwd, { ...GITHUB, PATH: PATH.join(":") })).toEqual({ found: DENIED, source: "base" })
    expect(existsSync(marker)).toBe(false)
  })

  it("where the working tree has none any more", async () => {
    const { cwd, commit } = pullRequest()
    rmSync(join(cwd, "nanoguard.yaml"))
    commit({ "package-lock.json": EVIL })
    expect(await vetAt(cwd)).toEqual({ found: DENIED, source: "base" })
  })
})

describe("a policy that says something else than it seems to", () => {
  const files = { "package-lock.json": EVIL }

  it.each<[string, string, unknown]>([
    ["an anchor", `mode: &m observe\n${POLICY}`, "refused: anchors are not allowed in a policy"],
    ["an alias", `${POLICY}mode: *m\n`, expect.stringMatching(/^refused: /)],
    ["a merge key", `${POLICY}<<: { mode: observe }\n`, "refused: a key must be plain text"],
    ["a second document", `${POLICY}---\nversion: 1\n`, expect.stringMatching(/^refused: not valid YAML/)],
    ["a key twice", `${POLICY}packages: {}\n`, "refused: the key packages is there twice"],
    ["an unknown key", `${POLICY}Mode: observe\n`, expect.stringMatching(/^refused: /)],
    ["a tag", `${POLICY}mode: !!js/function observe\n`, expect.stringMatching(/^refused: /)],
    ["a carriage return", POLICY.replace("version: 1", "version: 1 #\rmode: observe"), expect.anything()],
    ["a direction character", `${POLICY}# \u202e\n`, "refused: a control or direction character is not allowed here"],
    ["a rule that allows", `${POLICY}    - { id: fine, allow: "pkg:npm/evil" }\n`, DENIED],
    ["a default that allows", `${POLICY}default: allow\n`, DENIED],
    [
      "an exception without an end",
      `${POLICY}  exceptions: [{ allow: "pkg:npm/*", of: package.denied, owner: e@acme.example, reason: no }]\n`,
      expect.stringMatching(/^refused: /),
    ],
    [
      "an exception of malware",
      `${POLICY}  exceptions: [{ allow: "pkg:npm/evil", of: malware.known, owner: e@acme.example, reason: no, expires: 2027-01-31 }]\n`,
      expect.stringMatching(/^refused: /),
    ],
  ])("%s", async (_, policy, expected) => {
    const outcome = await outcomeOf({ files, policy })
    expect(outcome).toEqual(expected)
    expect(outcome).not.toBe("passed")
  })

  it.each([
    "version: 1\nmode: observe\n",
    "version: 1\npackages:\n  exceptions:\n    - { allow: pkg:npm/evil, of: package.denied, owner: e@acme.example, reason: no, expires: 2027-01-31 }\n",
  ])("a local layer loosens nothing: %j", async (local) => {
    expect(await outcomeOf({ files: { ...files, "nanoguard.local.yaml": local } })).toEqual(DENIED)
  })

  it("a link out of the repository, and nanoguard.yml, end the run", async () => {
    expect(await outcomeOf({ files, policy: null, links: { "nanoguard.yaml": "/etc/hostname" } })).toMatch(
      /^refused: the policy is a link/,
    )
    expect(await outcomeOf({ files: { ...files, "nanoguard.yml": LAX }, policy: null })).toBe(
      "refused: nanoguard.yml is not read",
    )
  })
})
