// Attacks on what is around a box, from inside of it: real engines, the built CLI, a repository in the agent's hand.
import { execFile, execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { expect, onTestFinished, type TestContext, test } from "vitest"
import { emptyHome, writeFiles } from "../../context.ts"
import { BIN } from "../../e2e/nanoguard.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { TEST_IMAGE } from "../../sandbox/image.ts"
import { git } from "../../sandbox/workspace/make.ts"

const run = promisify(execFile)
const ENGINES = ["bubblewrap", "docker"] as const

const own = (root: string) => execFileSync("chown", ["-R", "1234:1234", root])

interface Person {
  root: string
  env: Record<string, string>
  /** `nanoguard run` with options and a shell script as the command. */
  box: (engine: "bubblewrap" | "docker", script: string, ...options: string[]) => Promise<{ code: number; out: string }>
  words: (engine: "bubblewrap" | "docker", script: string, ...options: string[]) => string[]
}

/** A person with a project of somebody's, whose policy is in force. */
async function person(t: TestContext, files: Record<string, string> = {}): Promise<Person> {
  for (const engine of ENGINES) await useEngine(t, engine)
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), "nanoguard-attack-")))
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }))
  chmodSync(scratch, 0o755)
  const root = join(scratch, "work")
  mkdirSync(root)
  writeFiles(root, { "nanoguard.yaml": "version: 1\n", ...files })
  git(root, "init", "-q")
  writeFileSync(join(scratch, "passphrase"), "correct horse battery\n", { mode: 0o600 })
  const env = { ...emptyHome(), USER: "olga", NO_COLOR: "1" }
  const signed = ["--passphrase-file", join(scratch, "passphrase")]
  await run(process.execPath, [BIN, "approver", "add", "ana", ...signed], { cwd: root, env })
  await run(process.execPath, [BIN, "policy", "adopt", "--yes", ...signed], { cwd: root, env })
  own(root)
  const words: Person["words"] = (engine, script, ...options) => [
    ...[BIN, "run", "--engine", engine, ...(engine === "docker" ? ["--image", TEST_IMAGE] : []), ...options],
    ...["--", "sh", "-c", script],
  ]
  return {
    ...{ root, env, words },
    box: (...args) =>
      run(process.execPath, words(...args), { cwd: root, env }).then(
        ({ stdout, stderr }) => ({ code: 0, out: stdout + stderr }),
        ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
          code,
          out: stdout + stderr,
        }),
      ),
  }
}

test("a summary is not written through a link that the agent made", { timeout: 60_000 }, async (t) => {
  const { root, box } = await person(t)
  const victim = join(root, "..", "victim")
  writeFileSync(victim, "mine")
  const { code, out } = await box("bubblewrap", `ln -s ${victim} s.json`, "--summary", "s.json")
  expect(readFileSync(victim, "utf8")).toBe("mine")
  expect(code).toBe(125)
  expect(out).toContain("the summary cannot be written")
})

test.for(ENGINES)(
  "%s: what the agent writes to its standard input does not reach the terminal",
  { timeout: 60_000 },
  async (engine, t) => {
    const { root, env, words } = await person(t)
    writeFiles(root, {
      "attack.sh":
        "printf '\\033]52;c;cHduZWQ=\\007' >&0 2>/dev/null; printf '\\033]0;pwned\\007' 1<>/proc/self/fd/0 >&1 2>/dev/null; echo tried\n",
    })
    const command = words(engine, "sh attack.sh")
      .map((word) => `'${word}'`)
      .join(" ")
    const shown = await run("script", ["-qefc", `'${process.execPath}' ${command} | cat`, "/dev/null"], {
      cwd: root,
      env: { ...env, TERM: "xterm" },
    })
    expect(shown.stdout).toContain("tried")
    expect(shown.stdout).not.toContain("]52;")
    expect(shown.stdout).not.toContain("pwned")
  },
)

test("a file that is standard input is the person's, and is not written", { timeout: 60_000 }, async (t) => {
  const { root, env, words } = await person(t)
  const input = join(root, "../input")
  writeFileSync(input, "question\n")
  chmodSync(input, 0o666)
  const script = "read line; echo got $line; echo evil 1<>/proc/self/fd/0 >&1; echo end"
  const command = words("bubblewrap", script, "--quiet")
    .map((word) => `'${word}'`)
    .join(" ")
  const { stdout } = await run("sh", ["-c", `'${process.execPath}' ${command} <${input}`], { cwd: root, env })
  expect(readFileSync(input, "utf8")).toBe("question\n")
  expect(stdout).toContain("got question\n")
  expect(stdout).toContain("end\n")
})

test("docker: what the box leaves is looked at once nothing of it runs, whatever became of docker's own program", {
  timeout: 90_000,
}, async (t) => {
  const { root, env, words } = await person(t)
  const child = spawn(
    process.execPath,
    words(
      "docker",
      "touch up; i=0; while :; do i=$((i+1)); echo $i >count; sleep 0.02; done",
      "--summary",
      "../s.json",
    ),
    { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] },
  )
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
  while (!existsSync(join(root, "count"))) await sleep(50)
  // The client of docker that this run started: the agent may have it end, by closing what it writes to.
  const clients = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === child.pid)
  for (const pid of clients) process.kill(Number(pid), "SIGKILL")
  while (!existsSync(join(root, "../s.json")) && child.exitCode === null) await sleep(5)
  const counted = readFileSync(join(root, "count"), "utf8")
  await exited
  await sleep(300)
  expect(readFileSync(join(root, "count"), "utf8")).toBe(counted)
})

const parentOf = (pid: string) => {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ")[1])
  } catch {
    return undefined
  }
}

test.for(ENGINES)(
  "%s: a socket or pipe of the host's that lies in the workspace is not reached",
  { timeout: 60_000 },
  async (engine, t) => {
    const { root, box } = await person(t, { "tmp/.keep": "" })
    let reached = 0
    const server = createServer((socket) => {
      reached++
      socket.end("secret of the host\n")
    })
    for (const path of ["tmp/app.sock"]) await new Promise<void>((resolve) => server.listen(join(root, path), resolve))
    onTestFinished(() => void server.close())
    chmodSync(join(root, "tmp/app.sock"), 0o777)
    execFileSync("mkfifo", ["-m", "666", join(root, "tmp/pipe")])
    const connect =
      "const s=require('net').connect('tmp/app.sock');s.on('data',d=>process.stdout.write(d));s.on('error',e=>console.log(e.code))"
    const { out } = await box(engine, `node -e "${connect}"; test -p tmp/pipe && echo a pipe`)
    expect(out).not.toContain("secret of the host")
    expect(out).not.toContain("a pipe")
    expect(reached).toBe(0)
  },
)

test.for(ENGINES)(
  "%s: an address with a key in the configuration of a nested repository or submodule is not shown",
  { timeout: 60_000 },
  async (engine, t) => {
    const { root, box } = await person(t, { "vendor/lib/a.txt": "" })
    git(join(root, "vendor/lib"), "init", "-q")
    writeFileSync(
      join(root, "vendor/lib/.git/config"),
      '[remote "origin"]\n\turl = https://x-access-token:hunter2secret@git.example/lib.git\n',
    )
    writeFiles(root, {
      ".git/modules/sub/config":
        '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://hunter2secret@git.example/sub.git\n',
      ".git/modules/sub/HEAD": "ref: refs/heads/main\n",
      "vendor/lib/.git/modules/deep/er/config": "[http]\n\textraHeader = Authorization: Basic hunter2secret\n",
    })
    own(root)
    const { out } = await box(
      engine,
      "grep -r hunter2secret . ; cd vendor/lib && git status --short | head -3; git config remote.origin.url; echo end",
    )
    expect(out).toContain("end")
    expect(out).not.toContain("hunter2secret")
  },
)
