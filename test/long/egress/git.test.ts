// Git over HTTPS, unmodified, to a server that is git's own: it fetches, and a person sees which refs a push would move.
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { canRun } from "../python-tools.ts"
import { serveGit } from "./git-server.ts"
import { type Lab, openLab } from "./lab.ts"

const HOST = "git.example.com"
const KEY = "k3y-Of-The-Git-Server-60291"
const BASIC = `Basic ${Buffer.from(`agent:${KEY}`).toString("base64")}`

let lab: Lab
let served: string
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: fetch, allow: ${HOST}, service: git, ports: [${port}], access: read, addresses: [127.0.0.1], credential: git }
  - { id: push, ask: ${HOST}, service: git, ports: [${port}], operations: ["git:push"], addresses: [127.0.0.1], credential: git }
  - { id: no-other, deny: ${HOST}, ports: [${port}], paths: ["/other.git/**"] }
approvers: { default: { people: [ana] } }
`,
    credentials: [
      { name: "git", value: KEY, reach: { hosts: [HOST] }, slot: { in: "basic", user: "agent" }, env: ["GIT_KEY"] },
    ],
  })
  served = lab.directory("served")
  lab.origin.raw(HOST, (request, response) => serveGit(served, BASIC, request, response))
})
afterAll(() => lab?.close())

const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t.example", ...args], { cwd, encoding: "utf8" }).trim()

/** A repository on the server with one commit on main. */
function createRepository(name: string): string {
  const path = join(served, `${name}.git`)
  git(served, "init", "-q", "--bare", "-b", "main", path)
  git(path, "config", "http.receivepack", "true")
  const first = lab.directory(`first-${name}`, { "a.txt": "one\n" })
  git(first, "init", "-q", "-b", "main")
  git(first, "add", ".")
  git(first, "commit", "-q", "-m", "one")
  git(first, "push", "-q", path, "main")
  return path
}

/** What an agent's own configuration says: where git finds the key, which is a placeholder. */
const ENV = {
  ...{ GIT_TERMINAL_PROMPT: "0", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@a.example" },
  ...{ GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@a.example", GIT_CONFIG_COUNT: "1" },
  GIT_CONFIG_KEY_0: "credential.helper",
  GIT_CONFIG_VALUE_0: '!f() { echo username=agent; echo "password=$GIT_KEY"; }; f',
}

describe("git", () => {
  it("clones and fetches; a push is held with its ref updates, and is done once somebody agreed", async (ctx) => {
    if (!(await canRun("git", ["http-backend", "--help"])) && !(await canRun("git", ["--version"])))
      ctx.skip("git is missing: install it")
    const repository = createRepository("shop")
    const cwd = lab.directory("work")
    const cloned = await lab.exec(`git clone -q ${lab.at(HOST)}/shop.git && cd shop && git fetch && cat a.txt`, {
      cwd,
      env: ENV,
    })
    expect(cloned).toMatchObject({ exit: 0, terminal: expect.stringMatching(/one$/) })

    const running = lab.exec("echo two > a.txt && git commit -qam two && git push origin main && git rev-parse HEAD", {
      cwd: join(cwd, "shop"),
      env: ENV,
    })
    const question = await Promise.race([lab.held(), running])
    if (!("asked" in question)) throw new Error(question.terminal)
    const before = git(repository, "rev-parse", "main")
    const after = git(join(cwd, "shop"), "rev-parse", "HEAD")
    expect(question.asked).toMatchObject({
      ...{ method: "POST", operation: "git:push", access: "write", path: "/shop.git/git-receive-pack" },
      shown: { parts: expect.arrayContaining([expect.objectContaining({ title: "refs" })]) },
    })
    const [refs] = (question.asked.shown as { parts: { values: { name: string; value: string }[] }[] }).parts
    expect(refs!.values).toMatchObject([
      { name: "refs/heads/main", value: expect.stringContaining(`update ${before} to ${after}`) },
    ])
    await lab.approve(question.id)
    const pushed = await running
    expect(pushed).toMatchObject({ exit: 0, terminal: expect.stringContaining(after) })
    expect(git(repository, "rev-parse", "main")).toBe(after)
    expect(cloned.terminal + pushed.terminal).not.toContain(KEY)
    expect(lab.origin.asked.some(({ headers }) => headers.authorization === BASIC)).toBe(true)
  })

  it("pushes more than it buffers with one question", async () => {
    const repository = createRepository("large")
    const cwd = lab.directory("work")
    await lab.exec(`git clone -q ${lab.at(HOST)}/large.git`, { cwd, env: ENV })
    const directory = lab.directory("work/large", { "b.bin": randomBytes(3 * 1024 * 1024).toString("base64") })
    const running = lab.exec("git add . && git commit -qm large && git push -q origin HEAD:refs/heads/large", {
      cwd: directory,
      env: ENV,
    })
    const question = await Promise.race([lab.held(), running])
    if (!("asked" in question)) throw new Error(question.terminal)
    const [refs] = (question.asked.shown as { parts: { title: string; values: object[] }[] }).parts
    const value = expect.stringMatching(/^create at /)
    expect(refs).toMatchObject({ title: "refs", values: [{ name: "refs/heads/large", value }] })
    await lab.approve(question.id)
    expect(await running).toMatchObject({ exit: 0 })
    expect(git(repository, "rev-parse", "large")).toBe(git(directory, "rev-parse", "HEAD"))
  })

  it("that somebody denies, or that a rule refuses, says so", async () => {
    const repository = createRepository("kept")
    const cwd = lab.directory("work")
    await lab.exec(`git clone -q ${lab.at(HOST)}/kept.git`, { cwd, env: ENV })
    const running = lab.exec("git push origin HEAD:refs/heads/mine", { cwd: join(cwd, "kept"), env: ENV })
    const question = await Promise.race([lab.held(), running])
    if (!("asked" in question)) throw new Error(question.terminal)
    await lab.deny(question.id, "not before Monday")
    const denied = await running
    expect(denied.exit).not.toBe(0)
    expect(denied.terminal).toContain("not before Monday")
    expect(git(repository, "branch", "--list", "mine")).toBe("")

    const refused = await lab.exec(`git clone ${lab.at(HOST)}/other.git`, { cwd, env: ENV })
    expect(refused.exit).not.toBe(0)
    expect(refused.terminal).toContain("The requested URL returned error: 403")
    expect(refused.terminal).toMatch(/nanoguard: refused GET \S+other\.git\/info\/refs\S*: network\.host-denied/)
    expect(refused.terminal).toMatch(/why: nanoguard why ng-/)
  })
})
