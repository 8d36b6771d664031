// What a box costs: its start beside the same container or bwrap without nanoguard and `node -e 0`, taking turns in one run; a shell
// beside @anthropic-ai/sandbox-runtime; an npm ci of 500 packages in the workspace. Usage: npm run bench box [start|shell|files]
import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { makeProject } from "./box-files.ts"
import { installSandboxRuntime } from "./box-peer.ts"
import { measureTurns, type Turn, type Turns } from "./box-turns.ts"

const node = process.execPath
const cli = resolve("bin/nanoguard.js")
const IMAGE = "nanoguard-test"
const ROUNDS = { start: 21, shell: 15, files: 5 }
const say = (text: string) => process.stdout.write(`${text}\n`)

const work = mkdtempSync(join(tmpdir(), "nanoguard-bench-"))
const workspace = join(work, "project")
const env = { ...process.env, NANOGUARD_HOME: join(work, "home"), HOME: work, NO_COLOR: "1" }

function mustRun(file: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(file, args, { cwd: workspace, env, encoding: "utf8" })
  if (status !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${status}: ${stderr}`)
}

const isHere = (...words: [string, ...string[]]) => spawnSync(words[0], words.slice(1), { env }).status === 0

/** A project with an adopted policy, and a gate that runs until what is returned is called. */
async function openGate(): Promise<() => void> {
  mkdirSync(workspace)
  writeFileSync(join(workspace, "nanoguard.yaml"), "version: 1\n")
  writeFileSync(join(work, "passphrase"), "a passphrase for nothing\n", { mode: 0o600 })
  mustRun("git", ["init", "-q"])
  const signed = ["--passphrase-file", join(work, "passphrase")]
  mustRun(node, [cli, "approver", "add", "bench", ...signed])
  mustRun(node, [cli, "policy", "adopt", "--yes", ...signed])
  const gate = spawn(node, [cli, "gateway", "start", "--port", "0"], { cwd: workspace, env, stdio: "ignore" })
  for (let tries = 0; !isHere(node, cli, "gateway", "status"); tries++) {
    if (tries === 50) throw new Error("the gate does not start")
    await sleep(100)
  }
  return () => void gate.kill()
}

/** The flags that `docker run` gets from nanoguard, without what leads to the gate. */
const HARDENED = [
  ...["run", "--rm", "--init", "--interactive", "--network", "none", "--ipc", "private", "--cgroupns", "private"],
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--user", "0:0"],
  ...["--memory", "4g", "--memory-swap", "4g", "--pids-limit", "512", "--pull", "never", "--entrypoint", ""],
  ...["/home/agent", "/tmp", "/var/tmp"].flatMap((path) => ["--tmpfs", `${path}:exec,size=2g`]),
  ...["--mount", `type=bind,src=${workspace},dst=/workspace`, "--workdir", "/workspace", "--env", "HOME=/home/agent"],
]
const inContainer = (engine: string, ...command: string[]): Turn => ({
  command: [engine, ...HARDENED, IMAGE, ...command],
})
const inBox = (engine: string, ...command: string[]): Turn => ({
  command: [
    ...[node, cli, "run", "--quiet", "--engine", engine],
    ...(engine === "bubblewrap" ? [] : ["--image", IMAGE]),
    ...["--", ...command],
  ],
})
const BARE_BWRAP = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]

function report(title: string, turns: Turns): void {
  say(`\n${title}; load ${loadavg()[0]!.toFixed(1)}`)
  const width = Math.max(...Object.keys(turns).map((name) => name.length))
  for (const [name, { least, median, cpu }] of Object.entries(turns))
    say(
      `  ${name.padEnd(width)}  least ${least.toFixed(1)} ms  median ${median.toFixed(1)} ms  processor time ${cpu.toFixed(1)} ms`,
    )
}

function ratio(turns: Turns, own: string, base: readonly string[], wanted: string): void {
  const of = (what: "least" | "median") =>
    (turns[own]![what] / base.reduce((sum, name) => sum + turns[name]![what], 0)).toFixed(2)
  say(`  ${own} / (${base.join(" + ")}): ${of("median")} by medians, ${of("least")} by the least (${wanted})`)
}

const sections: Record<string, (engines: readonly string[]) => void> = {
  start: (engines) => {
    const turns = measureTurns(
      {
        "node -e 0": { command: [node, "-e", "0"] },
        bwrap: { command: BARE_BWRAP },
        "run bubblewrap": inBox("bubblewrap", "true"),
        ...Object.fromEntries(
          engines.flatMap((engine) => [
            [engine, inContainer(engine, "true")],
            [`run ${engine}`, inBox(engine, "true")],
          ]),
        ),
      },
      { rounds: ROUNDS.start, cwd: workspace, env },
    )
    report("Start of `true`, with a gate that runs", turns)
    ratio(turns, "run bubblewrap", ["bwrap", "node -e 0"], "wanted: at most 1.5")
    for (const engine of engines) ratio(turns, `run ${engine}`, [engine, "node -e 0"], "wanted: at most 1.25")
  },
  shell: () => {
    const peer = installSandboxRuntime(work)
    if (typeof peer === "string") return say(`\n@anthropic-ai/sandbox-runtime does not run here: ${peer}`)
    const turns = measureTurns(
      { "sandbox-runtime": { command: peer }, "run bubblewrap": inBox("bubblewrap", "sh", "-c", "true") },
      { rounds: ROUNDS.shell, cwd: workspace, env },
    )
    report("To a shell", turns)
    ratio(turns, "run bubblewrap", ["sandbox-runtime"], "wanted: at most 0.5")
  },
  files: (engines) => {
    if (!engines.includes("docker")) return
    makeProject(workspace, 500)
    const script = "rm -rf node_modules && npm ci --offline --ignore-scripts --no-audit --no-fund --cache /tmp/cache"
    const turns = measureTurns(
      { container: inContainer("docker", "sh", "-c", script), "run docker": inBox("docker", "sh", "-c", script) },
      { rounds: ROUNDS.files, cwd: workspace, env },
    )
    report("npm ci of 500 packages in the workspace, from tarballs that lie in it", turns)
    ratio(turns, "run docker", ["container"], "wanted: at most 1.1")
  },
}

const wanted = process.argv.slice(2)
// Podman's image may be there, and Podman without the right to start it: in a container, by root.
const engines = ["docker", "podman"].filter((engine) =>
  isHere(engine, "run", "--rm", "--pull", "never", "--network", "none", IMAGE, "true"),
)
say(`Engines that run the image ${IMAGE}: ${engines.join(", ") || "none, bubblewrap alone"}`)
const close = await openGate()
try {
  for (const [name, section] of Object.entries(sections))
    if (wanted.length === 0 || wanted.includes(name)) section(engines)
} finally {
  close()
  rmSync(work, { recursive: true, force: true })
}
