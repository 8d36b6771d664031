// `nanoguard run` as built, from outside: its time, its signals, ports both ways, git's ssh addresses, a runtime by option.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { release } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { BIN } from "../../e2e/nanoguard.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { TEST_IMAGE } from "../../sandbox/image.ts"
import { serveGit } from "../egress/git-server.ts"
import { type Lab, openLab } from "../egress/lab.ts"

const USER = 1234
const HOST = "git.example.com"
const KEY = "k3y-Of-The-Git-Server-60291"
/** A server of a database's kind: it speaks first. */
const speaker = createServer((socket) => {
  socket.on("error", () => {}).write("READY\n")
})
let lab: Lab
let workspace: string
let repository: string

beforeAll(async () => {
  await new Promise<void>((resolve) => speaker.listen(0, "127.0.0.1", resolve))
  const { port } = speaker.address() as AddressInfo
  lab = await openLab({
    policy: (origin) => `network:
  - { id: db, allow: db.example.com, ports: [${port}], raw: true, addresses: [127.0.0.1] }
  - { id: git, allow: ${HOST}, service: git, ports: [${origin}], addresses: [127.0.0.1], credential: git }
sandbox: { image: "${TEST_IMAGE}" }
`,
    credentials: [
      { name: "git", value: KEY, reach: { hosts: [HOST] }, slot: { in: "basic", user: "agent" }, env: ["GIT_KEY"] },
    ],
  })
  const served = lab.directory("served")
  const basic = `Basic ${Buffer.from(`agent:${KEY}`).toString("base64")}`
  lab.origin.raw(HOST, (request, response) => serveGit(served, basic, request, response))
  repository = join(served, "app.git")
  git(served, "init", "-q", "--bare", "-b", "main", repository)
  git(repository, "config", "http.receivepack", "true")
  const first = lab.directory("first", { "a.txt": "one\n" })
  git(first, "init", "-q", "-b", "main")
  git(first, "add", ".")
  git(first, "commit", "-q", "-m", "one")
  git(first, "push", "-q", repository, "main")
  workspace = lab.directory("workspace", { "README.md": "hello\n" })
  for (const path of [workspace, join(workspace, "README.md")]) chownSync(path, USER, USER)
})
afterAll(async () => {
  await lab?.close()
  speaker.close()
})

const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t.example", ...args], { cwd, encoding: "utf8" }).trim()

/** Runs `sh -c script` in a box. */
const run = (engine: string, options: readonly string[], script: string) =>
  lab.nanoguard(["run", "--engine", engine, ...options, "--", "sh", "-c", script], { cwd: workspace })

/** Starts one that is not waited for; it ends with the test. */
function start(engine: string, options: readonly string[], script: string) {
  const words = ["run", "--quiet", "--engine", engine, ...options, "--", "sh", "-c", script]
  const child = spawn(process.execPath, [BIN, ...words], {
    ...{ cwd: workspace, env: lab.env, stdio: ["ignore", "pipe", "inherit"] },
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)))
  return { child, ended, said: (text: string) => awaitText(child, text) }
}

function awaitText(child: ChildProcess, text: string): Promise<void> {
  let said = ""
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      said += String(chunk)
      if (said.includes(text)) resolve()
    })
    child.once("close", (code) => reject(new Error(`ended with ${code} and said only ${said}`)))
  })
}

/** What is left of any box: files of the state directory, containers, mount points of the workspace. */
function leftOvers(engine: string): string[] {
  const boxes = join(lab.env["NANOGUARD_HOME"]!, "state", "boxes")
  const containers = engine === "docker" ? execFileSync("docker", ["ps", "--all", "--format", "{{.Names}}"]) : ""
  const own = existsSync(boxes) ? readdirSync(boxes) : []
  return [
    ...own,
    ...own.filter((name) => String(containers).includes(name)),
    ...readdirSync(workspace).filter((name) => name !== "README.md"),
  ]
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe.each(["bubblewrap", "docker"] as const)("a run in %s", (engine) => {
  test("has its command's exit code and output, and leaves nothing", async (ctx) => {
    await useEngine(ctx, engine)
    const { exit, terminal } = await run(engine, ["--quiet"], "echo out; cat README.md; exit 7")
    expect([exit, terminal]).toEqual([7, "out\nhello"])
    expect(leftOvers(engine)).toEqual([])
  })

  test("ends when its time is over, with 124", async (ctx) => {
    await useEngine(ctx, engine)
    const { exit, terminal } = await run(engine, ["--timeout", "2s"], "trap 'echo asked; exit 3' TERM; sleep 60 & wait")
    expect([exit, terminal]).toEqual([124, expect.stringContaining("its time was over")])
    expect(terminal).toContain("asked")
    expect(leftOvers(engine)).toEqual([])
  })

  test.each([["SIGTERM", 143] as const, ["SIGINT", 130] as const])(
    "ends by %s, and leaves nothing",
    async (signal, code) => {
      const box = start(engine, [], "echo ready; sleep 60 & wait")
      await box.said("ready")
      box.child.kill(signal)
      expect(await box.ended).toBe(code)
      expect(leftOvers(engine)).toEqual([])
    },
  )

  test("stands still while its run is suspended, and goes on with it", async (ctx) => {
    await useEngine(ctx, engine)
    const box = start(engine, [], "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done")
    let counted = ""
    box.child.stdout?.on("data", (chunk) => {
      counted += String(chunk)
    })
    const state = () => readFileSync(`/proc/${box.child.pid}/stat`, "latin1").split(") ").at(-1)![0]
    await box.said("5\n")
    for (let round = 0; round < 2; round++) {
      box.child.kill("SIGTSTP")
      await expect.poll(state, { timeout: 10_000 }).toBe("T")
      // What was on its way.
      await sleep(500)
      const before = counted
      await sleep(1000)
      expect(counted).toBe(before)
      box.child.kill("SIGCONT")
      await expect.poll(() => counted.length, { timeout: 10_000 }).toBeGreaterThan(before.length)
    }
    // A shell ends a job that is suspended by both.
    box.child.kill("SIGTSTP")
    await expect.poll(state, { timeout: 10_000 }).toBe("T")
    box.child.kill("SIGTERM")
    box.child.kill("SIGCONT")
    expect(await box.ended).toBe(143)
    expect(leftOvers(engine)).toEqual([])
  })

  test("has a port of its own at a port of this machine's loopback", async (ctx) => {
    await useEngine(ctx, engine)
    const port = await freePort()
    const server = `require("node:http").createServer((_, to) => to.end("from the box")).listen(3000, "127.0.0.1", () => console.log("ready"))`
    const box = start(engine, ["--publish", `${port}:3000`], `node -e '${server}'`)
    await box.said("ready")
    const answers = await Promise.all([1, 2, 3].map(() => fetch(`http://127.0.0.1:${port}/`).then((to) => to.text())))
    expect(answers).toEqual(Array(3).fill("from the box"))
    box.child.kill("SIGTERM")
    expect(await box.ended).toBe(143)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  })

  test("reaches by raw TCP what a rule names, and nothing beside it", async (ctx) => {
    await useEngine(ctx, engine)
    const { port } = speaker.address() as AddressInfo
    const options = ["--forward", `5432:db.example.com:${port}`, "--forward", `5433:db.example.com:${port + 1}`]
    const ask = (at: number) =>
      `node -e 'require("node:net").connect(${at}, "127.0.0.1").on("data", (said) => process.stdout.write("${at} said " + said) && process.exit()).on("close", () => console.log("${at} closed"))'`
    const { terminal } = await run(engine, ["--quiet", ...options], `${ask(5432)}; ${ask(5433)}`)
    expect(terminal).toContain("5432 said READY")
    expect(terminal).toContain("5433 closed")
    expect(terminal).not.toContain("5433 said")
  })

  test("asks by https for what git has an ssh address for, with a key that it never had", async (ctx) => {
    await useEngine(ctx, engine)
    const script = `git clone -q git@${HOST}:app.git /tmp/app && cd /tmp/app && echo ${engine} >new.txt && git add . &&
git -c user.name=a -c user.email=a@a.example commit -qm new && git push -q ssh://git@${HOST}/app.git HEAD:${engine} && echo pushed
git ls-remote git@github.com:acme/app.git; env | grep -c ${KEY}`
    const { terminal } = await run(engine, ["--quiet"], script)
    const refused = "fatal: unable to access 'https://github.com/acme/app.git/': The requested URL returned error: 403"
    const why = expect.stringMatching(
      /^nanoguard: GET https:\/\/github\.com\/acme\/app\.git\/info\/refs refused by policy: /,
    )
    // Docker's client has no order among the two streams.
    expect(terminal.split("\n").sort()).toEqual(["0", refused, why, "pushed"])
    expect(git(repository, "show", `${engine}:new.txt`)).toBe(engine)
  })
})

test("a box that does not start says why, and leaves nothing", async (ctx) => {
  await useEngine(ctx, "docker")
  // An image without node: nothing of the box is heard.
  const name = `nanoguard-test-empty-${process.pid}`
  execFileSync("sh", ["-c", `tar --create --files-from=/dev/null | docker import - ${name}`], { stdio: "ignore" })
  onTestFinished(() => void execFileSync("docker", ["rmi", name], { stdio: "ignore" }))
  const { exit, terminal } = await run("docker", ["--quiet", "--image", name], "true")
  expect(exit).toBe(125)
  expect(terminal).toMatch(/error: docker could not start the box: it ended with 127 before anything ran in it\nhint: /)
  expect(leftOvers("docker")).toEqual([])
})

test("a runtime by option is the one that runs it", async (ctx) => {
  await useEngine(ctx, "docker+runsc")
  const { exit, terminal } = await run("docker", ["--quiet", "--runtime", "runsc"], "cat /proc/version")
  expect(exit, terminal).toBe(0)
  expect(terminal).not.toContain(release())
  expect(readFileSync("/proc/version", "utf8")).toContain(release())
})

test("what cannot be is said before anything starts", async () => {
  const said = async (...options: string[]) => (await run("bubblewrap", options, "true")).terminal
  expect(await said("--timeout", "soon")).toContain("write it as 90s")
  expect(await said("--publish", "70000")).toContain("--publish wants a port")
  expect(await said("--forward", "5432")).toContain("--forward wants")
  expect(await said("--runtime", "runsc")).toContain("it has no OCI runtimes")
  expect(leftOvers("bubblewrap")).toEqual([])
})
