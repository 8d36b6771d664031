// What a person should know before a box starts, because an engine cannot help it.
import type { BoxSpec } from "../types.ts"

/**
 * For engines whose box shares the host's user ids. A workspace of root's can be written by id 0 alone once no capability is left, so
 * the box runs under it: without capabilities, new privileges and a writable path of the host but the workspace.
 */
export function rootWarnings({ uid }: BoxSpec["user"]): string[] {
  if (uid !== 0) return []
  return [
    "the box runs as user 0, because the workspace belongs to root: it has no capabilities and gains none, but no user namespace keeps it apart; prefer a workspace of another user, or rootless Podman",
  ]
}

/** Why limits of a box are weaker than they read. */
export const NO_CGROUPS =
  "memory is limited for each process and not for the box, and processors are not: without root that takes cgroups v2 and a systemd session"

/** What is known of other OCI runtimes and the gate's socket. */
export function runtimeWarnings(runtime: string | undefined): string[] {
  if (runtime === undefined || !/kata/i.test(runtime)) return []
  return [
    "kata runs the box in a virtual machine: the gate's Unix socket may be out of its reach there (never tried), and then nothing in the box starts",
  ]
}
