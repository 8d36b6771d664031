// Podman: no daemon, and with its person's rights alone where that is not root.
import { existsSync } from "node:fs"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import type { BoxSpec, Engine, FoundBox, Launch } from "../types.ts"
import { boxCommands, type EngineCli, engineCli, mustAnswer } from "./cli.ts"
import { keepFiles } from "./container-files.ts"
import { foundBox, stateLabel } from "./labels.ts"
import { LOG_BYTES, type OciHost, ociArguments } from "./oci.ts"
import { findInit, hardLimits, hasCgroups, isRootless, subidsMissing } from "./podmanHost.ts"
import { podmanReport } from "./podmanReport.ts"
import { continueTree, isTreeStopped, stopTree } from "./processes.ts"
import { engineEnv, findProgram } from "./program.ts"
import { refuseSockets } from "./sockets.ts"
import { NO_CGROUPS, rootWarnings, runtimeWarnings } from "./warnings.ts"

const GET_PODMAN = "install Podman (apt-get install podman uidmap catatonit), or use --engine bubblewrap"

// A service of podman's elsewhere (CONTAINER_HOST) is left out: the gate's socket is not there.
const PASSED = [
  ...["HOME", "USER", "LOGNAME", "TERM", "LANG", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS"],
  ...["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"],
  ...["CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS"],
]

/** What a row of `podman ps --format json` is read for. */
interface Row {
  Id: string
  Names?: string[]
  State?: string
  Pid?: number
  Labels?: Record<string, string> | null
}

/** The engine; nothing is asked of the machine before a method is called. */
export function createPodman(ctx: Context): Engine {
  const cli: EngineCli = (args, timeout) => {
    const file = findProgram(ctx, "podman")
    if (file === undefined) throw unavailable({ why: "podman is not installed", how: GET_PODMAN })
    return engineCli(ctx, "podman", { file, args: [], env: engineEnv(ctx, PASSED) })(args, timeout)
  }
  const rows = async () => {
    if (process.platform !== "linux" || findProgram(ctx, "podman") === undefined) return []
    const filter = `label=nanoguard.state=${stateLabel(ctx)}`
    const answer = await cli(["ps", "--all", "--no-trunc", "--filter", filter, "--format", "json"])
    return (JSON.parse(mustAnswer("podman", "list boxes", answer) || "[]") as Row[] | null) ?? []
  }
  const list = async () => (await rows()).flatMap((row) => found(row) ?? [])
  const commands = boxCommands("podman", cli, list)
  return {
    name: "podman",
    images: true,
    missing: async (runtime) => podmanMissing(ctx, runtime),
    probe: async () => {
      const missing = podmanMissing(ctx)
      if (missing !== undefined) return { engine: "podman", available: false, isolation: [], warnings: [], missing }
      const info = mustAnswer("podman", "say what it is", await cli(["info", "--format", "json"]))
      return podmanReport(info, { cgroups: hasCgroups(), runtimes: runtimesHere(ctx) })
    },
    launch: async (spec) => podmanLaunch(ctx, spec),
    list,
    ...commands,
    ...(hasCgroups() ? {} : withoutCgroups(rows)),
  }
}

function found({ Id, Names, State = "", Pid = 0, Labels }: Row): FoundBox | undefined {
  const [run, agent] = [Labels?.["nanoguard.run"], Labels?.["nanoguard.agent"]]
  const state = State === "running" && !hasCgroups() && Pid > 0 && isTreeStopped(Pid) ? "paused" : State
  return foundBox("podman", { handle: Id, name: Names?.[0] ?? "", state, run, agent })
}

/** `podman pause` needs a cgroup; without one the box's processes, which are the person's own, are stopped one by one. */
function withoutCgroups(rows: () => Promise<Row[]>): Pick<Engine, "freeze" | "freezeAll" | "thaw"> {
  const pidsOf = async (boxes: readonly FoundBox[]) => {
    const runs = new Set(boxes.map(({ run }) => run))
    return (await rows()).flatMap((row) => (runs.has(found(row)?.run ?? "") && row.Pid ? [row.Pid] : []))
  }
  const freezeAll = async (boxes: readonly FoundBox[]) => {
    await Promise.all((await pidsOf(boxes)).map(stopTree))
  }
  return {
    freezeAll,
    freeze: (box) => freezeAll([box]),
    thaw: async (box) => {
      for (const pid of await pidsOf([box])) continueTree(pid)
    },
  }
}

function podmanLaunch(ctx: Context, spec: BoxSpec): Launch {
  const missing = podmanMissing(ctx, spec.runtime)
  if (missing !== undefined) throw unavailable(missing)
  refuseSockets(ctx, spec.mounts)
  const { processes, files } = hardLimits()
  const rootless = isRootless()
  const cgroups = hasCgroups()
  // More than this process may have cannot be given; podman would ask for its own defaults, which may be more, too.
  const limits = {
    ...spec.limits,
    files: Math.min(spec.limits.files, files),
    pids: cgroups ? spec.limits.pids : Math.min(spec.limits.pids, processes),
  }
  const host: OciHost = {
    state: stateLabel(ctx),
    files: keepFiles(ctx, spec),
    user: spec.user,
    selinux: existsSync("/sys/fs/selinux/enforce"),
    cgroups,
    // podman takes neither uid nor inodes; U gives the box's user what is there.
    tmpfs: () => ",notmpcopyup,U",
    bind: ["nosuid", "nodev"],
    more: [
      ...["--log-driver", "k8s-file", "--log-opt", `max-size=${LOG_BYTES}`, "--detach-keys", ""],
      ...["--init-path", findInit(ctx) ?? "", "--systemd", "false", "--sdnotify", "ignore", "--image-volume", "ignore"],
      // Nothing of the host's environment, users, names and temporary directories but what the spec says.
      ...["--http-proxy=false", "--env-host=false", "--passwd=false", "--no-hosts", "--read-only-tmpfs=false"],
      ...(cgroups && Number.isFinite(processes) ? ["--ulimit", `nproc=${processes}:${processes}`] : []),
      ...(rootless ? ["--userns", "keep-id"] : []),
    ],
  }
  const runtime = spec.runtime === undefined ? [] : runtimeArguments(spec.runtime, rootless)
  return {
    file: findProgram(ctx, "podman") ?? "podman",
    args: [...runtime, ...ociArguments({ ...spec, limits }, host)],
    env: engineEnv(ctx, PASSED),
    warnings: [
      ...(rootless ? [] : rootWarnings(spec.user)),
      ...(cgroups ? [] : [NO_CGROUPS]),
      ...runtimeWarnings(spec.runtime),
    ],
  }
}

/** gVisor has to be told that the gate's socket is meant to be reached, and that there is no network to set up. */
function runtimeArguments(runtime: string, rootless: boolean): string[] {
  const flags = ["network=none", "host-uds=open", ...(rootless ? ["ignore-cgroups"] : [])]
  const gvisor = /(^|\/)runsc$/.test(runtime) ? flags.flatMap((flag) => ["--runtime-flag", flag]) : []
  return ["--runtime", runtime, ...gvisor]
}

function podmanMissing(ctx: Context, runtime?: string): { why: string; how: string } | undefined {
  if (process.platform !== "linux")
    return {
      why: "Podman runs containers in a virtual machine here, into which the gate's Unix socket cannot be mounted",
      how: "use Apple container (1.1.0 and later) on macOS",
    }
  if (findProgram(ctx, "podman") === undefined) return { why: "podman is not installed", how: GET_PODMAN }
  if (findInit(ctx) === undefined)
    return { why: "podman has no init program for its boxes", how: "apt-get install catatonit" }
  const subids = subidsMissing(ctx)
  if (subids !== undefined)
    return {
      why: subids,
      how: "apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER",
    }
  if (runtime === undefined || runtime.startsWith("/") || findProgram(ctx, runtime) !== undefined) return undefined
  const name = cleanText(runtime, 60)
  return { why: `the OCI runtime ${name} is not installed`, how: `install ${name}, or leave sandbox.runtime out` }
}

const RUNTIMES = ["runc", "crun", "runsc", "kata-runtime", "krun", "youki"]

const runtimesHere = (ctx: Context) => RUNTIMES.filter((name) => findProgram(ctx, name) !== undefined)

const unavailable = ({ why, how }: { why: string; how: string }) =>
  new NanoguardError(why, { exit: EXIT.environment, hint: how })
