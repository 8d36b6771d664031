// How bubblewrap stands on this machine: found by trying it, for whether user namespaces work depends on more than its version.

import { randomBytes } from "node:crypto"
import { readFileSync, rmdirSync, statSync } from "node:fs"
import type { Context } from "../../../context.ts"
import type { EngineReport } from "../../types.ts"
import { makeCgroup } from "./cgroup.ts"

// 0.8.0 has --disable-userns, --size and --perms.
const OLDEST_MINOR = 8
const TIMEOUT_MS = 5000
const INSTALL = "install bubblewrap 0.8.0 or newer: apt-get install bubblewrap, or dnf install bubblewrap"
const NO_NAMESPACES = "user namespaces do not work for this user"
// Ubuntu since 23.10 has the profile for bwrap in a package, switched off.
const APPARMOR =
  "sudo apt-get install apparmor-profiles && sudo cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && " +
  "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"

/** Why boxes cannot be run here, as far as that is seen without starting a program. */
export function findMissing(bwrap: string | undefined): { why: string; how: string } | undefined {
  if (process.platform !== "linux") return { why: "bubblewrap needs Linux", how: "use another engine" }
  if (process.arch !== "x64" && process.arch !== "arm64")
    return { why: `there is no system call filter for ${process.arch}`, how: "run nanoguard on x86_64 or aarch64" }
  if (bwrap === undefined) return { why: "bwrap is not installed", how: INSTALL }
  if ((statSync(bwrap).mode & 0o4000) !== 0)
    return { why: "bwrap has the set-user-id bit, with which it takes no limits", how: `sudo chmod u-s ${bwrap}` }
  const fix = process.getuid?.() === 0 ? undefined : namespaceFix()
  // Whether AppArmor has an exception for bwrap is only seen by trying.
  return fix === undefined || fix === APPARMOR ? undefined : { why: NO_NAMESPACES, how: fix }
}

/** The report of the engine; `bwrap` is the program, where there is one. */
export async function probeBubblewrap(ctx: Pick<Context, "exec">, bwrap: string | undefined): Promise<EngineReport> {
  const report = (missing: { why: string; how: string }): EngineReport => ({
    ...{ engine: "bubblewrap", available: false, isolation: [], warnings: [], missing },
  })
  const missing = findMissing(bwrap)
  if (missing !== undefined || bwrap === undefined)
    return report(missing ?? { why: "bwrap is not installed", how: INSTALL })
  const version = /\d+\.\d+\.\d+/.exec((await run(ctx, bwrap, ["--version"])).stdout)?.[0] ?? "0.0.0"
  const [major = 0, minor = 0] = version.split(".").map(Number)
  if (major === 0 && minor < OLDEST_MINOR)
    return { ...report({ why: `bwrap is ${version}, too old`, how: INSTALL }), version }
  const trial = await run(ctx, bwrap, [
    ...["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--ro-bind", "/", "/"],
    ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev", "/bin/sh", "-c", ":"],
  ])
  const root = process.getuid?.() === 0
  if (trial.exitCode !== 0 && !root)
    return {
      ...report({
        why: NO_NAMESPACES,
        how: namespaceFix() ?? "use Docker or Podman: this container or a security module keeps them from us",
      }),
      version,
    }
  return {
    ...{ engine: "bubblewrap", available: true, version },
    isolation: [
      "the host's kernel, with namespaces of its own for processes, network, mounts, messages and host name",
      "an allow-list of system calls, no capabilities, no new privileges",
      "sees the host's /usr, read-only, and nothing of /home, /root, /var, /run",
    ],
    warnings: [
      ...readWarnings(root),
      ...(trial.exitCode === 0 ? [] : ["user namespaces do not work: a workspace of root's cannot be used"]),
    ],
  }
}

function readWarnings(root: boolean): string[] {
  const { cgroup, enforced } = makeCgroup(`nanoguard-probe-${randomBytes(4).toString("hex")}`, {
    memory: 2 ** 30,
    cpus: 1,
    pids: 100,
    files: 100,
  })
  for (const directory of new Set(Object.values(cgroup.directories))) rmdirSync(directory)
  const loose = [
    ...(enforced.includes("memory") ? [] : ["memory is limited for each process, not for the box"]),
    ...(enforced.includes("cpu") ? [] : ["processors are not limited"]),
  ]
  return [
    ...(root
      ? [
          "nanoguard runs as root: a workspace of another user's is used as that user, one of root's as root without capabilities",
        ]
      : []),
    ...(loose.length > 0
      ? [
          `no control group can be made here: ${loose.join(", ")}; log in with a systemd user session, or use docker or podman`,
        ]
      : []),
    "memory file systems of a box allow programs to be run from them",
  ]
}

/** What keeps user namespaces from an ordinary user, as the command against it; undefined where nothing is seen. */
function namespaceFix(): string | undefined {
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") return APPARMOR
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0")
    return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
  if (setting("/proc/sys/user/max_user_namespaces") === "0") return "sudo sysctl -w user.max_user_namespaces=15000"
  return undefined
}

function setting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return undefined
  }
}

async function run(ctx: Pick<Context, "exec">, file: string, args: readonly string[]) {
  try {
    return await ctx.exec(file, args, { timeout: TIMEOUT_MS, maxBuffer: 65_536 })
  } catch {
    return { exitCode: -1, stdout: "", stderr: "" }
  }
}
