// The profile in a real kernel: compiled by us and loaded by bwrap, compiled by libseccomp and loaded by docker and podman.
import { execFile, spawnSync } from "node:child_process"
import { closeSync, openSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, type TestContext, test } from "vitest"
import { compileSeccomp } from "../../../src/sandbox/seccomp/bpf.ts"
import { machineArchitecture } from "../../../src/sandbox/seccomp/numbers.ts"
import { seccompJson } from "../../../src/sandbox/seccomp/profile.ts"
import { temporaryDirectory } from "../../context.ts"
import { needs, needsRoot, openBoxes } from "../../sandbox/engines/bubblewrapped.ts"
import { buildProgram32, calls, listProbes, PROBER } from "../../sandbox/seccomp/probes.ts"

const run = promisify(execFile)
const IMAGE = "nanoguard-test:latest"

/** Runs a program under the filter alone: all rights of root, all of the host's files, so that only the filter refuses. */
function filtered(command: readonly string[]): string {
  const path = join(temporaryDirectory(), "filter")
  writeFileSync(path, compileSeccomp(machineArchitecture()))
  const filter = openSync(path, "r")
  const args = ["--dev-bind", "/", "/", "--cap-add", "ALL", "--seccomp", "3", "--", ...command]
  const { stdout, stderr, status } = spawnSync("bwrap", args, {
    stdio: ["ignore", "pipe", "pipe", filter],
    encoding: "utf8",
  })
  closeSync(filter)
  expect(status, stderr).toBe(0)
  return stdout
}

async function contained(
  engine: "docker" | "podman",
  command: readonly string[],
  more: readonly string[] = [],
): Promise<string> {
  const profile = join(temporaryDirectory(), "seccomp.json")
  writeFileSync(profile, seccompJson())
  const options = ["--network", "none", "--security-opt", `seccomp=${profile}`, "--security-opt", "no-new-privileges"]
  return (await run(engine, ["run", "--rm", ...options, ...more, IMAGE, ...command])).stdout
}

function needsImage(ctx: TestContext, engine: string): void {
  needs(ctx, engine, `install ${engine}`)
  if (spawnSync(engine, ["image", "inspect", IMAGE], { stdio: "ignore" }).status === 0) return
  if (process.env["NANOGUARD_REQUIRE_ENGINES"] === "1" && engine === "docker") throw new Error(`${IMAGE} is missing`)
  ctx.skip(`${IMAGE} is missing in ${engine}`)
}

/** Expects the answers of the prober to be those that the probes name. */
function judge(output: string): void {
  expect(wrongAnswers(output)).toEqual([])
}

function wrongAnswers(output: string): string[] {
  const answers = output.trim().split("\n").map(Number)
  const probes = listProbes(own)
  expect(answers.length).toBe(probes.length)
  const { EPERM, ENOSYS } = constants.errno
  return probes.flatMap(({ name, answer }, index) => {
    const got = answers[index] ?? Number.NaN
    const right = answer === "ok" ? got !== EPERM && got !== ENOSYS && got >= 0 : got === { EPERM, ENOSYS }[answer]
    return right ? [] : [`${name}: ${got} instead of ${answer}`]
  })
}

const own = machineArchitecture()

test("bwrap: every call that the profile refuses is refused, also to root with every capability", (ctx) => {
  needs(ctx, "bwrap", "apt-get install bubblewrap")
  needsRoot(ctx)
  judge(filtered(["perl", "-e", PROBER, calls(own)]))
})

test("the prober is answered otherwise without the profile", (ctx) => {
  needs(ctx, "bwrap", "apt-get install bubblewrap")
  const args = ["--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--", "perl", "-e", PROBER, calls(own)]
  const { stdout } = spawnSync("bwrap", args, { encoding: "utf8" })
  expect(wrongAnswers(stdout).length).toBeGreaterThan(50)
})

for (const engine of ["docker", "podman"] as const) {
  test(`${engine}: the same calls are refused by the profile as its library compiles it`, async (ctx) => {
    needsImage(ctx, engine)
    judge(await contained(engine, ["perl", "-e", PROBER, calls(own)]))
  })
}

test("programs of 32 bits end at their first system call", async (ctx) => {
  if (process.arch !== "x64") ctx.skip("only x86_64 runs them")
  needs(ctx, "bwrap", "apt-get install bubblewrap")
  needsRoot(ctx)
  const program = join(temporaryDirectory(), "program")
  writeFileSync(program, buildProgram32(), { mode: 0o755 })
  const killed = String(128 + constants.signals.SIGSYS)
  expect(spawnSync(program).status).toBe(7)
  expect(filtered(["sh", "-c", `${program}; echo $?`]).trim()).toBe(killed)
  needsImage(ctx, "docker")
  const mounted = ["--volume", `${program}:/program:ro`]
  expect((await contained("docker", ["sh", "-c", "/program; echo $?"], mounted)).trim()).toBe(killed)
})

// What people and agents run, each doing something of its own: threads, child processes, files, pipes, the loopback.
const WORK: Record<string, string> = {
  node: `node -e 'const { Worker } = require("worker_threads"); const s = require("net").createServer().listen(0, "127.0.0.1", () => s.close()); new Worker("require(\\"fs\\").statSync(\\"/\\")", { eval: true }); require("child_process").execFileSync("true")'`,
  npm: `mkdir n && cd n && npm init -y >/dev/null && npm pack --silent >/dev/null && npm install --offline --no-audit ./n-1.0.0.tgz --prefix ../m`,
  git: `git init -q g && cd g && echo a >a && git add . && git -c user.name=a -c user.email=a@example.com commit -qm a && git gc -q && git clone -q . ../h && git -C ../h status --short`,
  python3: `python3 -c 'import subprocess, threading, tempfile, socket; subprocess.run(["true"], check=True); t = threading.Thread(target=print); t.start(); t.join(); s = socket.socket(); s.bind(("127.0.0.1", 0)); tempfile.TemporaryFile()'`,
  curl: `curl -sS --max-time 5 file:///etc/hosts && ! curl -sS --max-time 5 http://127.0.0.1:9/`,
  go: `mkdir o && cd o && printf 'module a\ngo 1.20\n' >go.mod && printf 'package main\\nfunc main() { c := make(chan int); go func() { c <- 1 }(); println(<-c) }\\n' >main.go && GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE=/tmp/go go build -o a && ./a`,
  cargo: `cargo init -q --vcs none --name a c && cd c && cargo check -q --offline`,
}

/** Where the toolchains of this machine are, for mounting: undefined where there are none. */
function toolchain(program: "go" | "cargo"): string | undefined {
  const [file, args] = program === "go" ? ["go", ["env", "GOROOT"]] : ["rustc", ["--print", "sysroot"]]
  const { stdout, status } = spawnSync(file, args as string[], { encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

for (const [program, script] of Object.entries(WORK)) {
  test(`${program} works in a box of bubblewrap's and in a container with the profile`, async (ctx) => {
    needs(ctx, "bwrap", "apt-get install bubblewrap")
    const tools = program === "go" || program === "cargo" ? toolchain(program) : undefined
    if (tools === undefined && (program === "go" || program === "cargo")) ctx.skip(`${program} is missing`)
    const path = `${tools === undefined ? "" : `${tools}/bin:`}/usr/local/bin:/usr/bin:/bin`
    const boxes = openBoxes(process.getuid?.() ?? 0)
    const spec = boxes.spec(["sh", "-ec", script], { env: { HOME: "/home/agent", PATH: path } })
    const mounts = tools === undefined ? [] : [{ kind: "bind" as const, source: tools, target: tools, write: false }]
    const disk = { kind: "tmpfs" as const, target: "/tmp", size: 1 << 30, mode: 0o1777, exec: true }
    const limits = { memory: 2 ** 31, pids: 512, files: 4096 }
    const box = await boxes.start({ ...spec, limits, mounts: [...spec.mounts, disk, ...mounts] })
    expect(await box.ended, box.output()).toBe(0)
    needsImage(ctx, "docker")
    const volumes = tools === undefined ? [] : ["--volume", `${tools}:${tools}:ro`]
    await contained("docker", ["sh", "-ec", `cd /tmp; ${script}`], [...volumes, "--env", `PATH=${path}`])
  })
}
