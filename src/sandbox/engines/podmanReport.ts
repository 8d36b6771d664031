// What `podman info` says, as a report on how well its boxes are kept.
import { cleanText } from "../../render/clean.ts"
import type { EngineReport } from "../types.ts"
import { runcWarning } from "./runc.ts"
import { NO_CGROUPS } from "./warnings.ts"

interface Info {
  host?: {
    security?: { rootless?: boolean; seccompEnabled?: boolean; apparmorEnabled?: boolean; selinuxEnabled?: boolean }
    cgroupVersion?: string
    ociRuntime?: { name?: string; version?: string }
    serviceIsRemote?: boolean
  }
  store?: { graphDriverName?: string }
  version?: { Version?: string }
}

/** `text` is JSON. `cgroups`: whether boxes can be limited by them; `runtimes`: programs that are installed. */
export function podmanReport(text: string, here: { cgroups: boolean; runtimes: string[] }): EngineReport {
  const { host = {}, store, version } = JSON.parse(text) as Info
  if (host.serviceIsRemote)
    return {
      ...{ engine: "podman", available: false, isolation: [], warnings: [] },
      missing: { why: "podman is a client of a service elsewhere", how: "install Podman on this machine" },
    }
  const { rootless, seccompEnabled, apparmorEnabled, selinuxEnabled } = host.security ?? {}
  const runtime = host.ociRuntime
  const warnings: (string | undefined | false)[] = [
    !seccompEnabled && "the kernel or podman has no seccomp: system calls of a box are not filtered",
    !rootless && "podman runs as root, without user namespaces: prefer to run nanoguard as a user of its own",
    selinuxEnabled && "SELinux does not confine boxes: it would keep them from the gate's socket and the workspace",
    !here.cgroups && NO_CGROUPS,
    store?.graphDriverName === "vfs" &&
      'storage driver vfs copies the image for every box, which is slow: set driver = "overlay" in storage.conf',
    runtime?.name === "runc" && runcWarning(runtime.version ?? ""),
  ]
  return {
    engine: "podman",
    available: true,
    ...(version?.Version !== undefined && { version: cleanText(version.Version, 60) }),
    isolation: [
      "namespaces of its own for processes, files, IPC, host name and network; the network has nothing but a loopback",
      "no capabilities, no new privileges, read-only root",
      ...(seccompEnabled ? ["system calls filtered by nanoguard's own seccomp profile"] : []),
      ...(apparmorEnabled && !rootless ? ["confined by AppArmor"] : []),
      rootless ? "a user namespace of its own: root in it is nobody on the host" : "user ids are the host's",
      here.cgroups
        ? `cgroups ${cleanText(host.cgroupVersion ?? "unknown", 20)} limit memory, processors and processes`
        : "limits of each process; the number of processes is the box's",
    ],
    warnings: warnings.filter((warning) => typeof warning === "string"),
    runtimes: here.runtimes,
  }
}
