// The command line that starts one box: a shell that puts itself into the box's limits and becomes bwrap.
import { closeSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../../errors.ts"
import { compileSeccomp } from "../../seccomp/bpf.ts"
import { machineArchitecture } from "../../seccomp/numbers.ts"
import { type BoxSpec, IN_BOX, type Launch } from "../../types.ts"
import { dataLimit } from "../dataLimit.ts"
import { type Footing, readBoxFiles, readOptions } from "./arguments.ts"
import { type Controller, dropCgroup, entrances, makeCgroup } from "./cgroup.ts"
import { writeLaunch } from "./launched.ts"

/** Descriptors of the launcher: the filter, bwrap's options, files; a shell cannot name more than 9. */
const [SECCOMP, OPTIONS, FIRST_FILE, STATUS] = [3, 4, 5, 9]

// $1: where bwrap writes what it started. Then open files, blocks of 512 bytes of one file (or `unlimited`), who the terminal is
// given to (it was made for this run, by root, and programs open theirs by name), entrances of control groups, `--`, the command. A limit that already is lower stays; a group that cannot be entered ends the launch.
const SCRIPT = `cd / && unset OLDPWD
exec 9>>"$1" || exit 125
ulimit -c 0
ulimit -n "$2" 2>/dev/null
ulimit -f "$3" 2>/dev/null
[ -z "$4" ] || chown "$4" /proc/self/fd/0
shift 4
while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done
shift
exec "$@"`

// On a terminal bwrap is in the foreground beside the box's command: these keys are that one's. The relay takes its own back (Node sets
// every signal as it was made), and gives none of this on.
const LEAVE_KEYS = "trap '' INT QUIT\n"

/** Whether a box for that user can be started by us and how. */
export function chooseFooting(user: BoxSpec["user"]): Footing {
  return process.getuid?.() === 0 && user.uid !== 0 ? "dropped" : "mapped"
}

/**
 * Makes the control group and the files of a box and answers how it is started. bwrap reads its options from a descriptor: what
 * the box's environment holds is on no command line. Errors: environment, configuration; the control group is gone again then.
 */
export function prepareLaunch(spec: BoxSpec, bwrap: string, directory: string): Launch {
  const made = makeCgroup(`nanoguard-${spec.run}`, spec.limits)
  try {
    return describeLaunch(spec, bwrap, directory, made)
  } catch (error) {
    // Nobody removes a box that was never launched.
    dropCgroup(made.cgroup)
    throw error
  }
}

function describeLaunch(
  spec: BoxSpec,
  bwrap: string,
  directory: string,
  { cgroup, enforced }: ReturnType<typeof makeCgroup>,
): Launch {
  const footing = chooseFooting(spec.user)
  const home = spec.env["HOME"] ?? IN_BOX.home
  const { status, empty } = writeLaunch(directory, cgroup)
  const files = readBoxFiles(spec, home)
  const options = readOptions(spec, {
    ...{ footing, node: process.execPath, empty, files: Object.keys(files), firstFile: FIRST_FILE },
    ...{ seccomp: SECCOMP, status: STATUS },
  })
  const command = [
    ...limitProcesses(spec.limits, enforced),
    ...(footing === "dropped" ? dropTo(spec.user) : []),
    // The relay runs with the Node that runs nanoguard: the host's own may be older than it needs.
    ...(spec.command[0] === "node" ? [process.execPath, ...spec.command.slice(1)] : spec.command),
  ]
  if ([...options, ...command].some((word) => word.includes("\0")))
    throw new NanoguardError("the box's environment or command holds a NUL character", { exit: EXIT.configuration })
  closeInherited()
  return {
    file: "/bin/sh",
    args: [
      ...["-c", spec.tty ? LEAVE_KEYS + SCRIPT : SCRIPT, "nanoguard-box", status, String(spec.limits.files)],
      spec.limits.fileSize === undefined ? "unlimited" : String(Math.ceil(spec.limits.fileSize / 512)),
      footing === "dropped" && spec.tty ? String(spec.user.uid) : "",
      ...[...entrances(cgroup), "--", bwrap, "--args", String(OPTIONS), "--", ...command],
    ],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    descriptors: [
      compileSeccomp(machineArchitecture()),
      bytes(options.map((word) => `${word}\0`).join("")),
      ...Object.values(files).map(bytes),
    ],
  }
}

/** What no control group limits is limited for each process, or (processes) for the box's user; processors cannot be. */
function limitProcesses({ pids, memory }: BoxSpec["limits"], enforced: readonly Controller[]): string[] {
  const limits = [
    ...(enforced.includes("pids") ? [] : [`--nproc=${pids}`]),
    ...(enforced.includes("memory") ? [] : [`--data=${dataLimit(memory)}`]),
  ]
  return limits.length === 0 ? [] : [program("prlimit"), ...limits, "--"]
}

function dropTo({ uid, gid }: BoxSpec["user"]): string[] {
  const words = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
  return [program("setpriv"), ...words, "--"]
}

/** A program of util-linux, which is part of every distribution's base. */
function program(name: string): string {
  const path = ["/usr/bin", "/bin"].map((directory) => join(directory, name)).find((path) => existsSync(path))
  if (path !== undefined) return path
  throw new NanoguardError(`${name} is missing`, { exit: EXIT.environment, hint: "install util-linux" })
}

/**
 * Closes what nanoguard itself inherited beyond its standard streams, as editors and shells leave it open, for bwrap would hand it
 * on into the box. What Node opened it closes at every start of a program by itself (O_CLOEXEC in /proc/self/fdinfo).
 */
function closeInherited(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    if (Number(name) <= 2) continue
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, "utf8"))?.[1] ?? "0"
      if ((Number.parseInt(flags, 8) & 0o2000000) === 0) closeSync(Number(name))
    } catch {
      // It was that of the listing.
    }
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
