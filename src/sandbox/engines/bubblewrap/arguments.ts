// The command line of bwrap for one box: data in, words out.
import { existsSync } from "node:fs"
import type { BoxMount, BoxSpec } from "../../types.ts"
import { layOutHost, layOutNode, makeDirectory, parents, programPath } from "./host.ts"

/**
 * Who a box's processes are to the kernel. `mapped`: the person who runs nanoguard, in a user namespace of the box's own.
 * `dropped`: nanoguard is root and the box is made by root without a user namespace, then its first process becomes the workspace's
 * owner; bwrap itself has to stay root until then, because the run's directory lies below directories of root's only.
 */
export type Footing = "mapped" | "dropped"

/** Bytes of files that bwrap itself puts into the box, by descriptor. */
export interface BoxFiles {
  /** Path in the box: content. */
  [path: string]: string
}

// Where /proc tells about or steers the machine: the same list that container engines keep.
const MASKED_DIRECTORIES = ["/proc/acpi", "/proc/asound", "/proc/scsi"]
const MASKED_FILES = [
  ...["/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug"],
  ...["/proc/interrupts", "/proc/kallsyms", "/proc/vmallocinfo", "/proc/key-users"],
]
const READ_ONLY = [
  "/proc/sys",
  "/proc/sysrq-trigger",
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/mtrr",
  "/proc/driver",
]
/** Bytes of the box's shared memory, as container engines have it. */
const SHARED_MEMORY = 64 * 1024 * 1024
/** What bwrap's first process needs to become the workspace's owner; that gives all of it up. */
const TO_DROP = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"]

/** The files of /etc that a box has of its own. Names are resolved by the gate, so that there is no resolver; `/etc/resolv.conf` is empty. */
export function readBoxFiles({ user: { uid, gid }, hostname }: BoxSpec, home: string): BoxFiles {
  return {
    "/etc/passwd": `agent:x:${uid}:${gid}:agent:${home}:/bin/sh\n`,
    "/etc/group": `agent:x:${gid}:\n`,
    "/etc/hosts": `127.0.0.1 localhost nanoguard.internal ${hostname}\n::1 localhost\n`,
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
  }
}

/**
 * Options of bwrap, without its command. `files` are paths of files whose content comes from descriptor `firstFile` on;
 * `empty` is an empty file of the host's that covers what is masked; `seccomp` and `status` are descriptors.
 */
export function readOptions(
  spec: BoxSpec,
  given: {
    footing: Footing
    node: string
    empty: string
    files: readonly string[]
    firstFile: number
    seccomp: number
    status: number
  },
): string[] {
  const { footing, empty } = given
  return [
    ...namespaces(spec, footing),
    ...["--die-with-parent", "--hostname", spec.hostname, "--cap-drop", "ALL"],
    ...(footing === "dropped" ? TO_DROP.flatMap((capability) => ["--cap-add", capability]) : []),
    // Without a terminal of its own it would share that of the person's.
    ...(spec.tty ? [] : ["--new-session"]),
    ...["--seccomp", String(given.seccomp), "--json-status-fd", String(given.status)],
    "--clearenv",
    ...Object.entries({ PATH: programPath(given.node), ...spec.env }).flatMap(([name, value]) => [
      "--setenv",
      name,
      value,
    ]),
    ...["/etc", "/run", "/var"].flatMap(makeDirectory),
    ...layOutHost(),
    ...given.files.flatMap((path, index) => ["--perms", "0444", "--file", String(given.firstFile + index), path]),
    ...["--symlink", "/dev/null", "/etc/resolv.conf"],
    ...["--proc", "/proc"],
    // On a host that runs as root, /proc/sys/kernel/core_pattern would be the host's.
    ...READ_ONLY.filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", path, path]),
    ...MASKED_FILES.filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", empty, path]),
    ...MASKED_DIRECTORIES.filter((path) => existsSync(path)).flatMap(coverDirectory),
    ...["--dev", "/dev", "--perms", "1777", "--size", String(SHARED_MEMORY), "--tmpfs", "/dev/shm"],
    ...["--remount-ro", "/dev"],
    ...mountParents(spec.mounts).flatMap(makeDirectory),
    ...spec.mounts.flatMap((mount) => mountArguments(mount, footing, empty)),
    ...layOutNode(given.node),
    ...["--remount-ro", "/", "--chdir", spec.cwd],
  ]
}

function namespaces({ user }: BoxSpec, footing: Footing): string[] {
  const apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
  if (footing === "dropped") return apart
  return [...apart, "--unshare-user", "--disable-userns", "--uid", String(user.uid), "--gid", String(user.gid)]
}

/** Directories of the box's own root that mounts need: bwrap would make them for their owner alone. */
function mountParents(mounts: readonly BoxMount[]): string[] {
  const outer = mounts.filter(({ target }, index) => !mounts.slice(0, index).some((one) => isBelow(target, one.target)))
  return [...new Set(outer.flatMap(({ target }) => parents(target)))]
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`)
}

function mountArguments(mount: BoxMount, footing: Footing, empty: string): string[] {
  switch (mount.kind) {
    case "bind":
      return [mount.write ? "--bind" : "--ro-bind", mount.source, mount.target]
    case "tmpfs":
      return [
        ...["--perms", ownerForAll(mount.mode, footing).toString(8).padStart(4, "0")],
        ...["--size", String(mount.size), "--tmpfs", mount.target],
      ]
    case "mask":
      return mount.directory ? coverDirectory(mount.target) : ["--ro-bind", empty, mount.target]
  }
}

function coverDirectory(path: string): string[] {
  return ["--perms", "0555", "--size", "4096", "--tmpfs", path, "--remount-ro", path]
}

/** What root makes belongs to root: there the box's only user gets by the mode for others what the owner has. */
function ownerForAll(mode: number, footing: Footing): number {
  if (footing === "mapped") return mode
  const owner = (mode >> 6) & 7
  return mode | (owner << 3) | owner
}
