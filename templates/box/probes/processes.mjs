// Other processes, and what they were started with: the host's, the relay.
import { readdirSync } from "node:fs"
import { broke, config, held, none, read, refused, status, worst } from "./tools.mjs"

/** The relay's process id; the program itself, and not what started the box with it among its arguments. */
const findRelay = () =>
  readdirSync("/proc").find(
    (pid) => /^\d+$/.test(pid) && /^[^\0]*node\0[^\0]*relay\.mjs\0/.test(read(`/proc/${pid}/cmdline`)),
  )

const PTRACE_SEIZE = 0x4206

export const probes = [
  {
    ...{ id: "host-processes", item: "K4", title: "processes of the host" },
    run: () => {
      const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
      const seen = pids.filter(
        (pid) =>
          read(`/proc/${pid}/environ`).includes(config.canary) || read(`/proc/${pid}/cmdline`).includes(config.canary),
      )
      if (seen.length > 0) return broke(`process ${seen.join(", ")}`)
      // The box's own: what starts it, the relay, this one.
      return pids.length <= 12
        ? held(`${pids.length} processes, all of the box`)
        : broke(`${pids.length} processes are in sight`)
    },
  },
  {
    ...{ id: "foreign-memory", item: "K4", title: "calls that read and write other processes' memory" },
    // Of this process itself: what nobody else would refuse.
    run: () =>
      worst(["process_vm_readv", "process_vm_writev"].map((name) => refused(name, process.pid, 0, 0, 0, 0, 0))),
  },
  {
    ...{ id: "relay", item: "beyond", title: "more rights by taking over the relay" },
    run: () => {
      const relay = findRelay()
      if (relay === undefined) return held("it is not in sight")
      const [its, own] = [status(relay), status()]
      const more = ["Uid", "Gid", "CapEff", "CapPrm", "NoNewPrivs", "Seccomp"].filter((name) => its[name] !== own[name])
      if (more.length > 0) return broke(`the relay has another ${more.join(", ")}`)
      return read(`/proc/${relay}/environ`).includes(config.canary)
        ? broke("a secret of the host is in its environment")
        : held("it has the same rights as any other process here")
    },
  },
  {
    ...{ id: "relay-trace", item: "beyond", title: "tracing the relay" },
    // Itself where the relay is not in sight: the call is refused whoever is meant.
    run: () => refused("ptrace", PTRACE_SEIZE, Number(findRelay() ?? process.pid), 0, 0),
  },
  {
    ...{ id: "environment", item: "beyond", title: "the host's environment: its secrets, agents and desktop" },
    run: () => {
      const names = Object.keys(process.env)
      const desktop = [
        "SSH_AUTH_SOCK",
        "SSH_AGENT_PID",
        "GPG_AGENT_INFO",
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "DOCKER_HOST",
      ]
      return none([
        ...["self", "1"].map((pid) => [`/proc/${pid}/environ`, read(`/proc/${pid}/environ`).includes(config.canary)]),
        ...desktop.map((name) => [name, names.includes(name)]),
        ["LD_PRELOAD", "LD_PRELOAD" in process.env],
      ])
    },
  },
]
