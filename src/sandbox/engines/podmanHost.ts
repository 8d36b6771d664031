// What of this machine decides how Podman can keep a box: whose it is, cgroups, limits, and an init program.
import { accessSync, constants, existsSync, readFileSync } from "node:fs"
import type { Context } from "../../context.ts"
import { findProgram } from "./program.ts"

/** Whether Podman runs without root here. */
export const isRootless = () => process.getuid?.() !== 0

/**
 * Whether boxes can be limited and frozen by cgroups: always for root; for others with cgroups v2 where systemd gave the person's
 * session the controllers for memory and processes.
 */
export function hasCgroups(): boolean {
  if (!isRootless()) return true
  const uid = process.getuid?.()
  const given = readText(`/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers`)
  return ["memory", "pids"].every((controller) => given.split(/\s+/).includes(controller))
}

/** The hard limit of this process on its processes and open files: no more can be given to a box. Infinity where there is none. */
export function hardLimits(): { processes: number; files: number } {
  const limits = readText("/proc/self/limits")
  const hard = (name: string) => {
    const value = new RegExp(`^${name} +\\S+ +(\\S+)`, "m").exec(limits)?.[1]
    return value === undefined || value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value)
  }
  return { processes: hard("Max processes"), files: hard("Max open files") }
}

// Where containers.conf(5) looks for it, and the one that Docker brings.
const INITS = [
  ...["/usr/libexec/podman/catatonit", "/usr/local/libexec/podman/catatonit", "/usr/local/lib/podman/catatonit"],
  ...["/usr/lib/podman/catatonit", "/usr/bin/catatonit"],
]

/** The program that is process 1 in a box: podman's own, or another static one. Undefined where there is none. */
export function findInit(ctx: Pick<Context, "env" | "cwd">): string | undefined {
  return INITS.find(isProgram) ?? findProgram(ctx, "catatonit") ?? findProgram(ctx, "tini-static")
}

/** Whether ids can be mapped for a person: newuidmap(1), and a range of theirs (subuid(5)) where files say so. */
export function subidsMissing(ctx: Pick<Context, "env" | "cwd">): string | undefined {
  if (!isRootless()) return undefined
  if (findProgram(ctx, "newuidmap") === undefined) return "newuidmap is not installed"
  const user = ctx.env["USER"] || ctx.env["LOGNAME"]
  const names = [String(process.getuid?.()), ...(user ? [user] : [])]
  // Where a directory service knows of them there is no such file, and podman asks it.
  if (user === undefined || !existsSync("/etc/subuid")) return undefined
  const known = readText("/etc/subuid")
    .split("\n")
    .some((line) => names.includes(line.split(":")[0] ?? ""))
  return known || /^subid:(?!.*\bfiles\b)/m.test(readText("/etc/nsswitch.conf"))
    ? undefined
    : "you have no range of subordinate user ids (/etc/subuid)"
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
