// How bubblewrap stands on this machine: found by trying it, for whether user namespaces work depends on more than its version.

import { randomBytes } from "node:crypto"
import { readFileSync, rmdirSync, statSync } from "node:fs"
import type { Context } from "../../../context.ts"
import type { EngineReport } from "../../types.ts"
import { makeCgroup } from "./cgroup.ts"

// 0.8.0 has --disable-userns, --size and --perms.
const OLDEST = [0, 8]
const TIMEOUT_MS = 5000
const INSTALL =
  "install bubblewrap 0.8.0 or newer, for example `apt-get install bubblewrap` or `dnf install bubblewrap`"

/** The report of the engine; `bwrap` is the program, where there is one. */
export async function probeBubblewrap(ctx: Pick<Context, "exec">, bwrap: string | undefined): Promise<EngineReport> {
  const missing = (why: string, how: string): EngineReport => ({
    ...{ engine: "bubblewrap", available: false, isolation: [], warnings: [], missing: { why, how } },
  })
  if (process.platform !== "linux") return missing("bubblewrap needs Linux", "use another engine")
  if (process.arch !== "x64" && process.arch !== "arm64")
    return missing(`there is no system call filter for ${process.arch}`, "use another engine")
  if (bwrap === undefined) return missing("bwrap is not installed", INSTALL)
  const version = /\d+\.\d+\.\d+/.exec((await run(ctx, bwrap, ["--version"])).stdout)?.[0] ?? "0.0.0"
  const [major = 0, minor = 0] = version.split(".").map(Number)
  if (major === OLDEST[0] && minor < (OLDEST[1] ?? 0)) return missing(`bwrap is ${version}, too old`, INSTALL)
  if ((statSync(bwrap).mode & 0o4000) !== 0)
    return missing("bwrap has the set-user-id bit, with which it takes no limits", `sudo chmod u-s ${bwrap}`)
  const trial = await run(ctx, bwrap, [
    ...["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--ro-bind", "/", "/"],
    ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev", "/bin/sh", "-c", ":"],
  ])
  const root = process.getuid?.() === 0
  if (trial.exitCode !== 0 && !root)
    return { ...missing("user namespaces do not work for this user", namespaceFix()), version }
  return {
    ...{ engine: "bubblewrap", available: true, version },
    isolation: [
      "the host's kernel, with namespaces of its own for processes, network, mounts, messages and host name",
      "an allow-list of system calls, no capabilities, no new privileges",
      "sees the host's /usr, read-only, and nothing of /home, /root, /var, /run",
    ],
    warnings: [
      ...readWarnings(root),
      ...(trial.exitCode === 0 ? [] : ["user namespaces do not work: workspaces of root's cannot be used"]),
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
  const loose = (["memory", "cpu"] as const).filter((controller) => !enforced.includes(controller))
  return [
    ...(root
      ? [
          "nanoguard runs as root: a workspace of another user's is used as that user, one of root's as root without capabilities",
        ]
      : []),
    ...(loose.length > 0
      ? [
          `no control group can be made here: ${loose.join(" and ")} of a box are not limited; log in with a systemd user session, or use docker or podman`,
        ]
      : []),
    "memory file systems of a box allow programs to be run from them",
  ]
}

/** What keeps user namespaces from an ordinary user, and the command against it. */
function namespaceFix(): string {
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1")
    return (
      "AppArmor restricts them: `sudo apt-get install apparmor-profiles && sudo cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict " +
      "/etc/apparmor.d/ && sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict`"
    )
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0")
    return "`sudo sysctl -w kernel.unprivileged_userns_clone=1`"
  if (setting("/proc/sys/user/max_user_namespaces") === "0") return "`sudo sysctl -w user.max_user_namespaces=15000`"
  return "a container or a security module keeps them from us: use docker or podman"
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
