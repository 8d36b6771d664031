// The probes where nothing keeps them in: each has to say `broke`, for one that cannot proves nothing where it says `held`.
import { execFile, execFileSync, spawn } from "node:child_process"
import { chmodSync, closeSync, cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { expect, onTestFinished, test } from "vitest"
import { prepareProbes } from "../../../src/sandbox/selftest/prepare.ts"
import { parseOutcome } from "../../../src/sandbox/selftest/read-outcomes.ts"
import { onTerminal } from "../../../src/sandbox/terminal/pty.ts"
import type { Launch } from "../../../src/sandbox/types.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { LOCAL_DOCKER, TEST_IMAGE } from "../../sandbox/image.ts"
import { openGate } from "../../sandbox/selftest/open-gate.ts"

/** What need not break on a machine without hardening, and why. */
const MAY_HOLD: Readonly<Record<string, string>> = {
  sctp: "a kernel may lack it",
  x32: "a kernel may lack it, and other processors do",
  "kernel-module": "a kernel may have neither modules nor kexec",
}

/** Those that find a network: a container has one of its own, wherever the machine itself is. */
const OF_A_NETWORK = [
  ...["tcp-public", "metadata", "udp", "ipv6", "interfaces", "no-proxy", "dns", "host-services", "neighbours"],
]

/** What a container leaves open besides that nobody hardened, whatever its user. */
const OF_A_CONTAINER = [
  ...["vsock", "io-uring", "protected", "workspace-secrets", "capabilities", "terminal", "terminal-input"],
  ...["fork-bomb", "memory", "open-files"],
]

/** Little enough to be used up at once. */
const LIMITS = { memory: 32 * 2 ** 20, pids: 64, files: 256 }

/** What the host prepares, with a gate that refuses nothing and whatever else a test adds to the settings of the probes. */
async function prepareOpen(more: object = {}) {
  const home = emptyHome()
  mkdirSync(join(home["HOME"]!, ".ssh"))
  const prepared = await prepareProbes(testContext(temporaryDirectory(), { env: home }))
  onTestFinished(prepared.close)
  prepared.tellLimits(LIMITS)
  const file = join(prepared.workspace, "probes", "config.json")
  const config = { ...JSON.parse(readFileSync(file, "utf8")), tokens: { "another run's": "ngt_other" }, ...more }
  writeFileSync(file, JSON.stringify(config))
  return { ...prepared, canary: String(config.canary), directory: join(prepared.workspace, "..") }
}

/** What stands for the gate's directory in a box: with a key, and for anybody to change. */
function openGateDirectory(): string {
  const directory = temporaryDirectory({
    ...{ "relay.mjs": "setInterval(() => {}, 1000)\n", "gate/gate.sock": "" },
    "ca.key": "-----BEGIN PRIVATE KEY-----\n",
  })
  for (const path of ["", "gate", "relay.mjs"]) chmodSync(join(directory, path), 0o777)
  return directory
}

const docker = async (...args: string[]) =>
  (await promisify(execFile)("docker", [...LOCAL_DOCKER, ...args])).stdout.trim()

/** A network with IPv6 and another container on it, which listens at port 80; both go with the test. */
async function openNetwork(): Promise<{ name: string; neighbour: string }> {
  const name = `nanoguard-test-${process.pid}`
  await docker("network", "create", "--ipv6", "--subnet", "fd00:6e67:6775::/64", name)
  onTestFinished(async () => void (await docker("network", "rm", name)))
  const server = ["node", "-e", "require('net').createServer((client) => client.end()).listen(80)"]
  await docker("run", "--detach", "--init", "--network", name, "--name", name, TEST_IMAGE, ...server)
  onTestFinished(async () => void (await docker("rm", "--force", name)))
  const where = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
  const neighbour = await docker("inspect", "--format", where, name)
  for (let tries = 0; tries < 50 && !(await answers(neighbour)); tries++) await sleep(100)
  return { name, neighbour }
}

const answers = (host: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host, port: 80, timeout: 1000 }, () => resolve(true))
    socket.on("connect", () => socket.destroy()).on("timeout", () => socket.destroy())
    socket.on("error", () => resolve(false)).on("close", () => resolve(false))
  })

/** Runs it on a terminal and answers what each probe came to; `open` is a descriptor that it inherits. */
async function runOpen(launch: Launch, open: number): Promise<Map<string, string>> {
  const context = testContext(temporaryDirectory(), { env: { PATH: process.env["PATH"] ?? "" } })
  const { file, args, env } = onTerminal(launch, context)!
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit", open] })
  const outcomes = (await text(child.stdout!)).split("\n").flatMap((line) => parseOutcome(line) ?? [])
  return new Map(outcomes.map(({ probe, state, saw }) => [probe, `${state}: ${saw}`]))
}

const held = (outcomes: Map<string, string>, probes: Iterable<string>) =>
  [...probes].flatMap((probe) => {
    const said = outcomes.get(probe) ?? "it said nothing"
    return said.startsWith("broke") || probe in MAY_HOLD ? [] : [`${probe}: ${said}`]
  })

test("every probe but those of a network finds what the host's own root leaves open", async (ctx) => {
  await useEngine(ctx, "bubblewrap")
  const gate = await openGate()
  onTestFinished(() => void gate.close())
  const { workspace, command, canary, expected } = await prepareOpen({
    port: (gate.address() as AddressInfo).port,
  })
  cpSync(process.execPath, join(workspace, "node"))
  const place = openGateDirectory()
  writeFileSync(join(workspace, "relay.mjs"), "setInterval(() => {}, 1000)\n")
  const engine = join(place, "engine.sock")
  const server = createServer((client) => client.end()).listen(engine)
  onTestFinished(() => void server.close())
  // Read-only or the box's own whatever is named here: nothing may be changed on the machine that this runs on.
  const system = ["bin", "sbin", "lib", "lib64", "usr", "sys", "tmp"].flatMap((name) => [
    "--ro-bind-try",
    `/${name}`,
    `/${name}`,
  ])
  const args = [
    ...[...system, "--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc", "--bind", workspace, "/workspace"],
    ...["--bind", "/sys/fs/cgroup", "/sys/fs/cgroup", "--tmpfs", "/etc", "--tmpfs", "/run"],
    ...["--bind", place, "/run/nanoguard", "--bind", engine, "/run/docker.sock", "--size", String(20 * 2 ** 30)],
    ...["--tmpfs", "/var/tmp", "--setenv", "NANOGUARD_SELFTEST_TOKEN", canary, "--setenv", "DISPLAY", ":0"],
    ...["--setenv", "PATH", "/workspace:/usr/sbin:/usr/bin:/sbin:/bin", "--chdir", "/", "--", "sh", "-c"],
    // A relay of another group than what it serves.
    `setpriv --regid 65534 --clear-groups node /workspace/relay.mjs x & relay=$!; ${command.join(" ")}; kill $relay`,
  ]
  const open = openSync(engine.replace("engine.sock", "ca.key"), "r")
  onTestFinished(() => closeSync(open))
  const outcomes = await runOpen({ file: "bwrap", args }, open)
  const probes = expected.map(({ probe }) => probe).filter((probe) => !OF_A_NETWORK.includes(probe))
  expect(held(outcomes, probes)).toEqual([])
})

test("every probe of a network finds what a container leaves open that nobody hardened", async (ctx) => {
  await useEngine(ctx, "docker")
  const { name, neighbour } = await openNetwork()
  const { workspace, command, findWritten } = await prepareOpen({ neighbours: [{ host: neighbour, port: 80 }] })
  execFileSync("chown", ["-R", "1234:1234", workspace])
  const args = [
    ...[...LOCAL_DOCKER, "run", "--rm", "--init", "--tty", "--network", name, "--user", "1234:1234"],
    ...["--volume", `${workspace}:/workspace`, TEST_IMAGE, ...command],
  ]
  const open = openSync("/dev/null", "r")
  onTestFinished(() => closeSync(open))
  const outcomes = await runOpen({ file: "docker", args }, open)
  expect(held(outcomes, [...OF_A_NETWORK, ...OF_A_CONTAINER])).toEqual([])
  expect(outcomes.get("neighbours")).toContain(`${neighbour} port 80`)
  expect(findWritten()).toContain(".git/hooks/pre-commit")
})
