// What `docker info` says, as a report on how well its boxes are kept.
import { cleanText } from "../../render/clean.ts"
import type { EngineReport } from "../types.ts"
import { runcWarning } from "./runc.ts"

interface Info {
  ServerVersion?: string
  OperatingSystem?: string
  SecurityOptions?: string[]
  Runtimes?: Record<string, { path?: string; runtimeArgs?: string[] | null }>
  RuncCommit?: { ID?: string }
  MemoryLimit?: boolean
  SwapLimit?: boolean
  PidsLimit?: boolean
  CgroupVersion?: string
}

/** `text` is JSON. `rootless`: whether the daemon's socket belongs to somebody else than root. */
export function dockerReport(text: string, { rootless }: { rootless: boolean }): EngineReport {
  const info = JSON.parse(text) as Info
  const options = (info.SecurityOptions ?? []).map((option) => /^name=([\w-]+)/.exec(option)?.[1] ?? "")
  const has = (name: string) => options.includes(name)
  const remapped = has("userns") || has("rootless") || rootless
  const warnings: (string | undefined | false)[] = [
    !has("seccomp") && "the kernel or the daemon has no seccomp: system calls of a box are not filtered",
    !remapped &&
      "the daemon runs as root, without user namespaces: members of the group docker are root on this machine",
    has("userns") &&
      !rootless &&
      "user ids are remapped (userns-remap): a box cannot write a workspace of yours; use rootless Docker instead",
    has("selinux") && "SELinux does not confine boxes: it would keep them from the gate's socket and the workspace",
    !info.MemoryLimit && "memory of a box is not limited: the kernel has no such cgroup, or it is not delegated",
    !info.PidsLimit && "the number of processes of a box is not limited: no such cgroup",
    info.MemoryLimit && info.SwapLimit === false && "swap of a box is not limited",
    runcWarning(info.RuncCommit?.ID ?? ""),
    ...gvisorWarnings(info.Runtimes ?? {}),
  ]
  return {
    engine: "docker",
    available: true,
    ...(info.ServerVersion !== undefined && { version: cleanText(info.ServerVersion, 60) }),
    isolation: [
      "namespaces of its own for processes, files, IPC, host name and network; the network has nothing but a loopback",
      "no capabilities, no new privileges, read-only root",
      ...(has("seccomp") ? ["system calls filtered by nanoguard's own seccomp profile"] : []),
      ...(has("apparmor") ? ["confined by AppArmor (docker-default)"] : []),
      remapped
        ? "user ids are not the host's: root of the daemon's namespace is no root here"
        : "user ids are the host's",
      `cgroups ${cleanText(info.CgroupVersion ?? "unknown", 20)} limit memory, processors and processes`,
    ],
    warnings: warnings.filter((warning) => typeof warning === "string"),
    runtimes: Object.keys(info.Runtimes ?? {})
      .map((name) => cleanText(name, 60))
      .sort(),
  }
}

/** gVisor does not let a box connect to a socket of the host unless it is told to. */
function gvisorWarnings(runtimes: NonNullable<Info["Runtimes"]>): string[] {
  return Object.entries(runtimes)
    .filter(([name, { path, runtimeArgs }]) => {
      if (!/runsc/.test(`${name} ${path}`)) return false
      return !(runtimeArgs ?? []).some((argument) => /^--(host-uds=(open|all)|fsgofer-host-uds)/.test(argument))
    })
    .map(
      ([name]) =>
        `runtime ${cleanText(name, 60)} keeps boxes from the gate's socket: add "--host-uds=open" to its runtimeArgs in daemon.json`,
    )
}
