// Apple `container`: each box is a virtual machine of its own on macOS. Written by its command reference (docs/command-reference.md of
// apple/container, 1.1.0 and later) and never run by those who wrote it, which its report says.
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import { RUN_NAME } from "../run-name.ts"
import { type BoxMount, type BoxSpec, type Engine, IN_BOX, type Launch } from "../types.ts"
import { boxCommands, type EngineCli, engineCli, mustAnswer } from "./cli.ts"
import { boxLabels, containerName, foundBox, stateLabel } from "./labels.ts"
import { engineEnv, findProgram } from "./program.ts"
import { refuseSockets } from "./sockets.ts"

/** Since then a socket of the host can be mounted and a network left out. */
const NEEDED = [1, 1] as const

const UNTRIED =
  "nanoguard was never run with Apple container: this engine follows its documentation; try nanoguard selftest before you rely on it"

const HOW = "install Apple container 1.1.0 or later on macOS 26 and start it: container system start"

interface Row {
  status?: string
  configuration?: { id?: string; labels?: Record<string, string> }
}

/** The engine; nothing is asked of the machine before a method is called. */
export function createApple(ctx: Context): Engine {
  const cli: EngineCli = (args, timeout) => {
    const file = findProgram(ctx, "container")
    if (file === undefined) throw unavailable("Apple container is not installed")
    return engineCli(ctx, "container", { file, args: [], env: engineEnv(ctx, ["HOME", "TERM", "LANG", "TMPDIR"]) })(
      args,
      timeout,
    )
  }
  const list = async () => {
    if (!isHere(ctx)) return []
    const state = stateLabel(ctx)
    const text = mustAnswer("container", "list boxes", await cli(["list", "--all", "--format", "json"]))
    return (JSON.parse(text || "[]") as Row[]).flatMap(({ status = "", configuration: { id = "", labels } = {} }) => {
      if (labels?.["nanoguard.state"] !== state) return []
      const [run, agent] = [labels["nanoguard.run"], labels["nanoguard.agent"]]
      return foundBox("container", { handle: id, name: id, state: status, run, agent }) ?? []
    })
  }
  const { kill, killAll, terminate } = boxCommands("container", cli, list)
  return {
    name: "container",
    images: true,
    missing: async (runtime) => appleMissing(ctx, runtime),
    probe: async () => {
      const missing = appleMissing(ctx)
      const absent = { engine: "container", available: false, isolation: [], warnings: [] } as const
      if (missing !== undefined) return { ...absent, missing }
      const version = mustAnswer("container", "say its version", await cli(["--version"]))
      if (isTooOld(version))
        return { ...absent, missing: { why: `${cleanText(version.trim(), 80)} is too old`, how: HOW } }
      return {
        ...{ engine: "container", available: true, version: cleanText(version.trim(), 80) },
        isolation: ["a virtual machine of its own", "no network", "no capabilities, read-only root"],
        warnings: [UNTRIED, "boxes cannot be frozen; killing one ends its virtual machine", ...NOT_LIMITED],
      }
    },
    launch: async (spec) => appleLaunch(ctx, spec),
    list,
    freeze: async () => {
      throw unavailable(
        "Apple container cannot freeze a box",
        "kill it, or use another engine where a policy says when to pause",
      )
    },
    thaw: async () => {},
    ...{ kill, killAll, terminate },
    remove: async (box) => {
      const { exitCode, stderr } = await cli(["delete", "--force", box.handle])
      if (exitCode !== 0 && (await list()).some(({ run }) => run === box.run))
        mustAnswer("container", "remove a box", { exitCode, stdout: "", stderr })
    },
  }
}

const NOT_LIMITED = ["the number of processes and nanoguard's seccomp profile are left to the virtual machine"]

function appleLaunch(ctx: Context, spec: BoxSpec): Launch {
  const missing = appleMissing(ctx, spec.runtime)
  if (missing !== undefined) throw unavailable(missing.why, missing.how)
  refuseSockets(ctx, spec.mounts)
  return {
    file: findProgram(ctx, "container") ?? "container",
    args: appleArguments(spec, stateLabel(ctx)),
    env: engineEnv(ctx, ["HOME", "TERM", "LANG", "TMPDIR"]),
    warnings: [UNTRIED],
  }
}

/** The arguments of `container`. Throws `NanoguardError` (environment) for what it cannot do. */
export function appleArguments(spec: BoxSpec, state: string): string[] {
  const { limits, user } = spec
  if (!RUN_NAME.test(spec.run)) throw new Error("a box without a run")
  if (spec.image === undefined || spec.image.startsWith("-"))
    throw unavailable("the box has no image", "name one with --image or sandbox.image")
  const ulimit = (name: string, value: number) => ["--ulimit", `${name}=${value}:${value}`]
  return [
    ...["run", "--rm", "--init", "--interactive", ...(spec.tty ? ["--tty"] : []), "--progress", "none"],
    ...["--name", containerName(spec.run)],
    ...boxLabels(spec, state).flatMap((label) => ["--label", label]),
    ...["--network", "none", "--no-dns", "--cap-drop", "ALL", "--read-only"],
    ...["--user", `${user.uid}:${user.gid}`, "--memory", `${Math.ceil(limits.memory / 2 ** 20)}M`],
    ...(limits.cpus === undefined ? [] : ["--cpus", String(Math.ceil(limits.cpus))]),
    ...[...ulimit("nofile", limits.files), ...ulimit("core", 0)],
    ...(limits.fileSize === undefined ? [] : ulimit("fsize", limits.fileSize)),
    ...spec.mounts.flatMap(mountArguments),
    ...Object.entries(spec.env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...["--workdir", spec.cwd, "--entrypoint", spec.command[0] ?? ""],
    ...[spec.image, ...spec.command.slice(1)],
  ]
}

function mountArguments(mount: BoxMount): string[] {
  if (mount.kind === "tmpfs") return ["--tmpfs", mount.target]
  // A file that is mounted below a mounted directory takes the place of the whole directory there (apple/container#2148).
  if (mount.kind === "mask" && !mount.directory)
    throw unavailable(
      `Apple container cannot hide the file ${cleanText(mount.target)}`,
      "run with --workspace copy, which leaves such files out, or with another engine",
    )
  if (mount.kind === "mask") return ["--tmpfs", mount.target]
  if (/[:,]|\p{Cc}/u.test(mount.source + mount.target))
    throw unavailable(`Apple container cannot be told of the path ${cleanText(mount.source)}`, "rename it")
  const words = ["--volume", `${mount.source}:${mount.target}${mount.write ? "" : ":ro"}`]
  if (mount.target !== IN_BOX.nanoguard) return words
  // A socket in a shared directory cannot be connected to: it is named by itself, and relayed to the host.
  const inside = IN_BOX.socket.slice(IN_BOX.nanoguard.length)
  return [...words, "--volume", `${mount.source}${inside}:${IN_BOX.socket}`]
}

function isTooOld(version: string): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) < NEEDED[0] || (Number(major) === NEEDED[0] && Number(minor) < NEEDED[1])
}

const isHere = (ctx: Context) => process.platform === "darwin" && findProgram(ctx, "container") !== undefined

function appleMissing(ctx: Context, runtime?: string): { why: string; how: string } | undefined {
  if (process.platform !== "darwin")
    return { why: "Apple container is of macOS", how: "use Docker, Podman or bubblewrap" }
  if (!isHere(ctx)) return { why: "Apple container is not installed", how: HOW }
  if (runtime === undefined) return undefined
  return { why: "Apple container has no OCI runtimes", how: "leave sandbox.runtime out" }
}

const unavailable = (why: string, how = HOW) => new NanoguardError(why, { exit: EXIT.environment, hint: how })
