// A box as the arguments of `docker run` and `podman run`, which share them: everything that keeps it in, in one place to audit.
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import { RUN_NAME } from "../run-name.ts"
import type { BoxMount, BoxSpec } from "../types.ts"
import type { KeptFiles } from "./container-files.ts"
import { dataLimit } from "./dataLimit.ts"
import { boxLabels, containerName } from "./labels.ts"

/** What the two engines do differently, and what is so on this machine. */
export interface OciHost {
  /** Of the state directory: `stateLabel`. */
  state: string
  files: KeptFiles
  /** The box's ids as the engine has to be told them; those of the spec but for a rootless Docker. */
  user: { uid: number; gid: number }
  /** Whether SELinux labels containers here. */
  selinux: boolean
  /** Whether memory, processes and processors can be limited by cgroups; by limits of each process where not. */
  cgroups: boolean
  /** What the engine takes after the options of one tmpfs. */
  tmpfs: (mount: { size: number }, user: { uid: number; gid: number }) => string
  /** Options of a writable or read-only bind mount that this engine has beyond `rprivate`. */
  bind: readonly string[]
  /** Arguments that only this engine has or needs. */
  more: readonly string[]
  /** Directories that the image declares as volumes: without a limit and writable where nothing is put there. */
  volumes?: readonly string[]
}

/** Bytes of the log that the engine keeps while the box is there; `docker logs nanoguard-<run>` shows it. */
export const LOG_BYTES = 8 * 1024 * 1024

/** Seconds that a box has to end by itself once the engine is asked to stop it. */
const STOP_SECONDS = 5

/** Threads that gVisor's own kernel may need beside those of the box; with too few it ends without a word. */
const GVISOR_THREADS = 256

/** Bytes of memory behind a directory that the image declares as a volume. */
const VOLUME_BYTES = 64 * 1024 * 1024

/** From `run` on, up to and with the command. Throws `NanoguardError` (environment) for what cannot be written as an argument. */
export function ociArguments(spec: BoxSpec, host: OciHost): string[] {
  const { uid, gid } = host.user
  if (!RUN_NAME.test(spec.run)) throw new Error("a box without a run")
  return [
    ...["run", "--rm", "--init", "--interactive", ...(spec.tty ? ["--tty"] : [])],
    ...["--name", containerName(spec.run), "--hostname", spec.hostname],
    ...boxLabels(spec, host.state).flatMap((label) => ["--label", label]),
    // No image is fetched behind the person's back, and nothing of it runs but what was asked for.
    ...["--pull", "never", "--no-healthcheck", "--entrypoint", ""],
    ...["--network", "none", "--ipc", "private", "--cgroupns", "private"],
    ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", `seccomp=${host.files.seccomp}`],
    // Labels of the gate's socket and of the workspace are the person's: SELinux would keep a labelled box from both.
    ...(host.selinux ? ["--security-opt", "label=disable"] : []),
    ...["--read-only", "--user", `${uid}:${gid}`, "--stop-timeout", String(STOP_SECONDS)],
    ...limitArguments(spec, host.cgroups),
    ...spec.mounts.flatMap((mount) => mountArguments(mount, host)),
    ...volumeArguments(spec, host),
    ...etcArguments(spec, host),
    ...Object.entries(spec.env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...["--workdir", spec.cwd],
    ...host.more,
    ...[imageOf(spec), ...spec.command],
  ]
}

function imageOf({ image }: BoxSpec): string {
  // What starts like an option would be one.
  if (image !== undefined && /^[\w][\w.:/@-]{0,511}$/.test(image)) return image
  throw new NanoguardError(image === undefined ? "the box has no image" : "that is no name of an image", {
    exit: EXIT.environment,
    hint: "name one with --image or sandbox.image, by digest where possible",
  })
}

function limitArguments({ limits, runtime = "" }: BoxSpec, cgroups: boolean): string[] {
  const { memory, cpus, files, fileSize } = limits
  const pids = limits.pids + (/runsc|gvisor/i.test(runtime) ? GVISOR_THREADS : 0)
  const ulimit = (name: string, value: number) => ["--ulimit", `${name}=${value}:${value}`]
  return [
    // As much memory with swap as without: none of it is swap. It counts what is in every tmpfs, too.
    ...(cgroups ? ["--memory", String(memory), "--memory-swap", String(memory), "--pids-limit", String(pids)] : []),
    ...(cgroups && cpus !== undefined ? ["--cpus", String(cpus)] : []),
    // RLIMIT_NPROC counts in the box's own user namespace; memory is each process's own then.
    ...(cgroups ? [] : [...ulimit("data", dataLimit(memory)), ...ulimit("nproc", pids)]),
    ...ulimit("nofile", files),
    ...ulimit("core", 0),
    ...(fileSize === undefined ? [] : ulimit("fsize", fileSize)),
  ]
}

function mountArguments(mount: BoxMount, host: OciHost): string[] {
  if (mount.kind === "tmpfs") {
    if (mount.target === "/dev/shm") return ["--shm-size", String(mount.size)]
    const mode = mount.mode.toString(8).padStart(4, "0")
    const exec = mount.exec ? "exec" : "noexec"
    const options = `rw,nosuid,nodev,${exec},size=${mount.size},mode=${mode}${host.tmpfs(mount, host.user)}`
    return ["--tmpfs", `${tmpfsTarget(mount.target)}:${options}`]
  }
  if (mount.kind === "bind") return bindArguments(mount.source, mount.target, mount.write, host)
  const empty = mount.directory ? host.files.emptyDirectory : host.files.emptyFile
  return bindArguments(empty, mount.target, false, host)
}

function bindArguments(source: string, target: string, write: boolean, { bind }: OciHost): string[] {
  const options = [...bind, "bind-propagation=rprivate", ...(write ? [] : ["readonly"])]
  return ["--mount", ["type=bind", field("src", source), field("dst", target), ...options].join(",")]
}

// `--mount` is one line of CSV (RFC 4180).
function field(name: string, path: string): string {
  if (!path.startsWith("/") || /\p{Cc}/u.test(path)) throw unusable(path)
  return /[",]/.test(path) ? `"${name}=${path.replaceAll('"', '""')}"` : `${name}=${path}`
}

function tmpfsTarget(path: string): string {
  if (!path.startsWith("/") || /[:,"]|\p{Cc}/u.test(path)) throw unusable(path)
  return path
}

const unusable = (path: string) =>
  new NanoguardError(`a container engine cannot be told of the path ${cleanText(path)}`, {
    exit: EXIT.environment,
    hint: "rename it, or use --engine bubblewrap",
  })

// The engine would make a directory on the host's disk of each, writable and without a limit.
function volumeArguments(spec: BoxSpec, host: OciHost): string[] {
  const taken = new Set(spec.mounts.map(({ target }) => target))
  return (host.volumes ?? [])
    .filter((target) => !taken.has(target))
    .flatMap((target) => mountArguments({ kind: "tmpfs", target, size: VOLUME_BYTES, mode: 0o1777, exec: false }, host))
}

function etcArguments(spec: BoxSpec, host: OciHost): string[] {
  const taken = new Set(spec.mounts.map(({ target }) => target))
  return Object.entries(host.files.etc)
    .filter(([name]) => !taken.has(`/etc/${name}`))
    .flatMap(([name, source]) => bindArguments(source, `/etc/${name}`, false, host))
}
