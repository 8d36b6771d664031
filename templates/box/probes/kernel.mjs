// K1 to K5: the kernel. A call that the kernel answers with more than a refusal has got through.
import { closeSync, constants, openSync, readdirSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { isatty } from "node:tty"
import { broke, config, held, none, refused, refusedOn, status, systemCall, unknown, worst } from "./tools.mjs"

/** Only opened: to be allowed to is enough. */
const opensForWriting = (path) => {
  try {
    closeSync(openSync(path, constants.O_WRONLY))
    return true
  } catch {
    return false
  }
}

const SYSTEM_FILES = [
  ...[
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hotplug",
    "/proc/sys/vm/overcommit_memory",
  ],
  ...[
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/kernel/sysrq",
    "/proc/sysrq-trigger",
    "/proc/sys/kernel/hostname",
  ],
  ...[
    "/sys/kernel/uevent_helper",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/proc/kcore",
    "/proc/kmsg",
    "/dev/mem",
  ],
]

function findReleaseAgents(directory = "/sys/fs/cgroup", depth = 4, found = []) {
  let entries = []
  try {
    entries = readdirSync(directory, { withFileTypes: true })
  } catch {
    return found
  }
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (["release_agent", "notify_on_release", "cgroup.procs"].includes(entry.name)) found.push(path)
    else if (entry.isDirectory() && depth > 0 && found.length < 200) findReleaseAgents(path, depth - 1, found)
  }
  return found
}

const CLONE_NEWUSER = 0x10000000
const CLONE_NEWNS = 0x20000

export const probes = [
  {
    ...{ id: "proc-sys", item: "K1", title: "the kernel's settings: core_pattern, modprobe, binfmt, sysrq" },
    run: () => none(SYSTEM_FILES.map((path) => [path, opensForWriting(path)])),
  },
  {
    ...{ id: "user-namespace", item: "K2", title: "a user namespace within the box" },
    run: () => refused("unshare", CLONE_NEWUSER),
  },
  {
    ...{ id: "mount-namespace", item: "K2", title: "a mount namespace within the box" },
    run: () => refused("unshare", CLONE_NEWNS),
  },
  { ...{ id: "mount", item: "K3", title: "mounting" }, run: () => refused("mount", "none", "/tmp", "tmpfs", 0, 0) },
  { ...{ id: "io-uring", item: "K3", title: "io_uring" }, run: () => refused("io_uring_setup", 1, 0) },
  { ...{ id: "bpf", item: "K3", title: "bpf" }, run: () => refused("bpf", 0, 0, 0) },
  {
    ...{ id: "perf", item: "K3", title: "performance events" },
    run: () => refused("perf_event_open", 0, 0, -1, -1, 0),
  },
  { ...{ id: "userfaultfd", item: "K3", title: "userfaultfd" }, run: () => refused("userfaultfd", 0) },
  {
    ...{ id: "kernel-module", item: "K3", title: "kernel modules and other kernels" },
    run: () => worst([refused("init_module", 0, 0, ""), refused("kexec_load", 0, 0, 0, 0)]),
  },
  {
    ...{ id: "x32", item: "K3", title: "system calls of another architecture, past the filter" },
    run: () => (process.arch === "x64" ? refused(0x40000000 + 39) : held("there is none on this processor")),
  },
  {
    ...{ id: "keyring", item: "K4", title: "the kernel's keyrings" },
    run: () => worst([refused("keyctl", 0, -4, 0), refused("add_key", "user", "nanoguard-probe", "x", 1, -3)]),
  },
  {
    // Asked in a box that was started without one.
    ...{ id: "terminal", item: "K4", title: "the terminal of whoever started the box" },
    run: () =>
      none([["/dev/tty", openTerminal() !== undefined], ...[0, 1, 2].map((fd) => [`descriptor ${fd}`, isatty(fd)])]),
  },
  {
    // Asked in a box that was started on a terminal, where one can be had: whatever it is told, it is no other's.
    ...{ id: "terminal-input", item: "K4", title: "typing into a terminal" },
    run: () => {
      // gVisor has no /dev/tty for it.
      const terminal = openTerminal() ?? [0, 1].find((descriptor) => isatty(descriptor))
      const [TIOCSTI, TIOCLINUX, GET_SHIFT_STATE] = [0x5412, 0x541c, "\u0006"]
      const outcome = worst([
        refusedOn(terminal ?? "pipe", "ioctl", 0, TIOCSTI, " "),
        refusedOn(terminal ?? "pipe", "ioctl", 0, TIOCLINUX, GET_SHIFT_STATE),
      ])
      return { ...outcome, saw: `${outcome.saw}, ${terminal === undefined ? "without a terminal" : "on a terminal"}` }
    },
  },
  {
    ...{ id: "namespaces", item: "K5", title: "namespaces shared with the host" },
    run: () => {
      const own = Object.entries(config.namespaces).map(([name, host]) => {
        try {
          return [name, readlinkSync(`/proc/self/ns/${name}`) === host]
        } catch {
          return [name, false]
        }
      })
      return own.length === 0 ? unknown("the host has none to compare with") : none(own)
    },
  },
  {
    ...{ id: "capabilities", item: "K5", title: "capabilities, ways to get them, a system-call filter" },
    run: () => {
      const { CapEff, CapPrm, CapInh, CapAmb, CapBnd, NoNewPrivs, Seccomp } = status()
      return none([
        ["effective capabilities", /[1-9a-f]/.test(`${CapEff}${CapPrm}${CapInh}${CapAmb}`)],
        // Without new privileges the bounding set bounds nothing that could be had.
        ["capabilities to be gained", /[1-9a-f]/.test(CapBnd ?? "") && NoNewPrivs !== "1"],
        ["new privileges by setuid programs", NoNewPrivs !== "1"],
        ["no filter of system calls", Seccomp !== "2"],
      ])
    },
  },
  {
    ...{ id: "root", item: "K5", title: "being root" },
    run: () =>
      none([
        ["the user is root", process.getuid() === 0],
        ["setuid(0)", becomesRoot()],
      ]),
  },
  {
    ...{ id: "release-agent", item: "K5", title: "cgroup release agents" },
    run: () => {
      const found = findReleaseAgents().filter(opensForWriting)
      const mounted = systemCall("mount", "cgroup", "/tmp", "cgroup", 0, 0)
      if (mounted?.result === 0) return broke("a cgroup file system was mounted")
      return found.length > 0 ? broke(found.slice(0, 3).join(", ")) : held("none can be written")
    },
  },
]

/** A descriptor of the terminal that this process belongs to; undefined where it has none. */
function openTerminal() {
  try {
    return openSync("/dev/tty", "r+")
  } catch {
    return undefined
  }
}

function becomesRoot() {
  try {
    process.setuid(0)
    return true
  } catch {
    return false
  }
}
