// A control group of the box's own, where one can be made: what its limits rest on, and the way to every process of it at once.
// Version 2 (Linux, Documentation/admin-guide/cgroup-v2.rst) and version 1 (Documentation/admin-guide/cgroup-v1/).
import { accessSync, constants, existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { EXIT, NanoguardError } from "../../../errors.ts"
import type { BoxLimits } from "../../types.ts"
import { readSystem } from "../read-system.ts"

export type Controller = "memory" | "pids" | "cpu" | "freezer"

/** Directories of a box's control group, by what each is for: all the same one in version 2. */
export interface Cgroup {
  version: 1 | 2
  directories: Partial<Record<Controller, string>>
}

const CONTROLLERS: readonly Controller[] = ["memory", "pids", "cpu", "freezer"]
export const ROOT = "/sys/fs/cgroup"
/** Microseconds of which a box may use its share. */
const PERIOD = 100_000
const PATIENCE_MS = 5000

/** Makes the group `name` with `limits`. `enforced`: what it really limits, for this machine may not let us make all of it. */
export function makeCgroup(name: string, limits: BoxLimits, root = ROOT): { cgroup: Cgroup; enforced: Controller[] } {
  const cgroup = existsSync(join(root, "cgroup.controllers")) ? makeUnified(name, root) : makeSeparate(name, root)
  const enforced = settings(cgroup.version, limits).filter(([controller, file, value]) => {
    const directory = cgroup.directories[controller]
    return directory !== undefined && writeTo(join(directory, file), value)
  })
  return { cgroup, enforced: [...new Set(enforced.map(([controller]) => controller))] }
}

/** Files through which a process enters the group, by writing `0`. */
export function entrances({ directories }: Cgroup): string[] {
  return [...new Set(Object.values(directories))].map((directory) => join(directory, "cgroup.procs"))
}

/** Stops or resumes every process of the group; resolves once all of them stand. False where the group cannot do that. */
export async function setFrozen({ version, directories }: Cgroup, frozen: boolean): Promise<boolean> {
  if (!order({ version, directories }, frozen)) return false
  // Where nothing runs any more nothing stands still or goes on: somebody else may be ending it at the same time, who lets it go on to die.
  const done = () => isFrozen({ version, directories }) === frozen || members({ version, directories }).length === 0
  // Version 1 stays at FREEZING for ever when it meets a process in the middle of vfork(2): let go on for a moment, it is caught elsewhere.
  const again = () => {
    order({ version, directories }, false)
    order({ version, directories }, true)
  }
  const otherwise = `the box's processes did not ${frozen ? "stop" : "resume"} within ${PATIENCE_MS / 1000} s`
  await until(done, otherwise, version === 1 && frozen ? again : undefined)
  return true
}

function order({ version, directories }: Cgroup, frozen: boolean): boolean {
  const directory = directories.freezer
  if (directory === undefined || !existsSync(directory)) return false
  const [file, value] =
    version === 2 ? ["cgroup.freeze", frozen ? "1" : "0"] : ["freezer.state", frozen ? "FROZEN" : "THAWED"]
  return writeTo(join(directory, file), value)
}

/** Whether every process of the group stands still. */
export function isFrozen({ version, directories }: Cgroup): boolean {
  if (directories.freezer === undefined) return false
  if (version === 1) return readSystem(join(directories.freezer, "freezer.state")).trim() === "FROZEN"
  return /^frozen 1$/m.test(readSystem(join(directories.freezer, "cgroup.events")))
}

/** Processes of the group. */
export function members({ directories }: Cgroup): number[] {
  const directory = directories.freezer ?? Object.values(directories)[0]
  return directory === undefined
    ? []
    : readSystem(join(directory, "cgroup.procs"))
        .split("\n")
        .map(Number)
        .filter((pid) => pid > 0)
}

/**
 * Ends every process of the group; resolves once it is empty. Frozen first, so that none makes another one meanwhile. False where
 * there is no group, or it was empty.
 */
export async function killMembers(cgroup: Cgroup): Promise<boolean> {
  const there = members(cgroup).length > 0
  const directory = cgroup.directories.freezer
  if (cgroup.version === 1 || directory === undefined || !writeTo(join(directory, "cgroup.kill"), "1")) {
    await setFrozen(cgroup, true).catch(() => {})
    killAll(cgroup)
  }
  // Not waited for: one that somebody else freezes at the same time would not come to be let go on again, as it is below.
  order(cgroup, false)
  const done = () => {
    const left = members(cgroup)
    if (left.length === 0) return true
    killAll(cgroup)
    // Who freezes it to end it may come later than we let it go on to die.
    order(cgroup, false)
    return false
  }
  await until(done, "processes of the box are still there")
  return there
}

/** Removes the group, which has to be empty: processes that are ending keep it for a moment. */
export async function removeCgroup({ directories }: Cgroup): Promise<void> {
  for (const directory of new Set(Object.values(directories))) {
    await until(() => removed(directory), `${directory} cannot be removed`)
  }
}

/** Removes a group that nothing has entered yet; where that fails it stays. */
export function dropCgroup({ directories }: Cgroup): void {
  for (const directory of new Set(Object.values(directories))) removed(directory)
}

function killAll(cgroup: Cgroup): void {
  for (const pid of members(cgroup)) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It ended by itself.
    }
  }
}

function settings(version: 1 | 2, { memory, pids, cpus }: BoxLimits): [Controller, string, string][] {
  const quota = cpus === undefined ? undefined : String(Math.round(cpus * PERIOD))
  if (version === 2)
    return [
      ["memory", "memory.max", String(memory)],
      ["memory", "memory.swap.max", "0"],
      ["pids", "pids.max", String(pids)],
      ...(quota === undefined ? [] : [["cpu", "cpu.max", `${quota} ${PERIOD}`] as [Controller, string, string]]),
    ]
  return [
    ["memory", "memory.limit_in_bytes", String(memory)],
    ["memory", "memory.memsw.limit_in_bytes", String(memory)],
    ["pids", "pids.max", String(pids)],
    ...(quota === undefined ? [] : [["cpu", "cpu.cfs_quota_us", quota] as [Controller, string, string]]),
  ]
}

/** Version 2: beside our own group, for one with processes in it may not have groups that share memory; root may also go to the top. */
function makeUnified(name: string, root: string): Cgroup {
  const own = join(root, ownPath(""))
  for (const parent of new Set([dirname(own), root])) {
    if (!parent.startsWith(root) || !canMove(parent)) continue
    writeTo(join(parent, "cgroup.subtree_control"), "+memory +pids +cpu")
    const directory = join(parent, name)
    if (!make(directory)) continue
    const has = CONTROLLERS.filter((one) => one === "freezer" || existsSync(join(directory, `${one}.max`)))
    return { version: 2, directories: Object.fromEntries(has.map((controller) => [controller, directory])) }
  }
  return { version: 2, directories: {} }
}

/** Version 1: each controller has a tree of its own; below our own group there, so that its limits hold as well. */
function makeSeparate(name: string, root: string): Cgroup {
  const directories: Cgroup["directories"] = {}
  for (const controller of CONTROLLERS) {
    const tree = join(root, controller)
    if (!existsSync(tree)) continue
    const directory = [join(tree, ownPath(controller)), tree].map((parent) => join(parent, name)).find(make)
    if (directory !== undefined) directories[controller] = directory
  }
  return { version: 1, directories }
}

/** Our own group in the tree of `controller` (proc_pid_cgroup(5)); `/` where it is not told. */
export function ownPath(controller: string): string {
  for (const line of readSystem("/proc/self/cgroup").split("\n")) {
    const [, controllers = "", ...path] = line.split(":")
    if (line !== "" && controllers.split(",").includes(controller)) return path.join(":")
  }
  return "/"
}

function canMove(directory: string): boolean {
  try {
    accessSync(join(directory, "cgroup.procs"), constants.W_OK)
    return true
  } catch {
    return false
  }
}

function make(directory: string): boolean {
  try {
    mkdirSync(directory)
    return true
  } catch {
    return false
  }
}

function removed(directory: string): boolean {
  try {
    rmdirSync(directory)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
  }
  return true
}

function writeTo(path: string, value: string): boolean {
  try {
    // Not made where it is not there: a control group's files exist.
    writeFileSync(path, value, { flag: "r+" })
    return true
  } catch {
    return false
  }
}

/** Resolves when `done` holds; `again` is called now and then as long as it does not. Throws `otherwise` (exit 5) after `PATIENCE_MS`. */
async function until(done: () => boolean, otherwise: string, again?: () => void): Promise<void> {
  for (let waited = 2; !done(); waited += 2) {
    if (waited > PATIENCE_MS) throw new NanoguardError(otherwise, { exit: EXIT.environment })
    await sleep(2)
    if (waited % 20 === 0) again?.()
  }
}
