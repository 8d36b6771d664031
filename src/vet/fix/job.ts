// What carrying out a move needs to know: the lockfile in its copy, and how to run its manager there.
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative, sep } from "node:path"
import type { Manager, Move } from "../../packages/commands.ts"
import type { Dependency, Lockfile } from "../../packages/types.ts"
import { isLockfileName, type WorkingCopy } from "./copy.ts"
import type { RunManager } from "./run.ts"
import { Unfixable } from "./types.ts"
import { hasVariables } from "./variables.ts"

export interface Job {
  copy: WorkingCopy
  manager: Manager
  /** The lockfile in the copy, absolute. */
  file: string
  /** Its directory. */
  dir: string
  run: RunManager
  /** Reads the lockfile as it is in the copy now. */
  read: () => Promise<Lockfile>
}

/** One change to make: the moves of one correction, and the entry that it is for. */
export interface Task {
  lockfile: Lockfile
  dependency: Dependency
  moves: readonly Move[]
  /** The registry's hashes of the version that comes in. */
  hashes: readonly string[]
}

/** Text of a file in the copy; undefined where there is none. */
export function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined
}

/** Writes a file in the copy if that changes it, and says whether it did. */
export function writeText(path: string, text: string): boolean {
  if (readText(path) === text) return false
  writeFileSync(path, text)
  return true
}

/**
 * Files of one name that belong to the lockfile's project: beside it or below it, unless a lockfile nearer to them makes
 * them a project of their own.
 */
export function manifestsOf({ copy, dir }: Pick<Job, "copy" | "dir">, name: string): string[] {
  const own = new Set<string>()
  for (const path of copy.originals.keys()) if (isLockfileName(path)) own.add(dirname(join(copy.dir, path)))
  own.delete(dir)
  const found: string[] = []
  for (const path of copy.originals.keys()) {
    const file = join(copy.dir, path)
    if (!file.startsWith(dir + sep) || !file.endsWith(sep + name)) continue
    const steps = relative(dir, dirname(file)).split(sep)
    if (!steps.some((_, index) => own.has(join(dir, ...steps.slice(0, index + 1))))) found.push(file)
  }
  return found
}

/** Throws `Unfixable` where one of these files of the copy would have a manager put variables of the environment into addresses. */
export function refuseVariables(files: readonly string[], directory: string): void {
  const found = files.find((file) => hasVariables(basename(file), readText(file) ?? ""))
  if (found === undefined) return
  throw new Unfixable(
    `${relative(directory, found)} may put a variable of the environment into what it asks for, which could take a token of this machine to another host`,
  )
}

/** Whether a lockfile has this version of a package. */
export function locks(lockfile: Lockfile, name: string, version: string): boolean {
  return lockfile.dependencies.some((entry) => entry.name === name && entry.version === version)
}

/** All versions that a lockfile has of a package. */
export function versionsOf(lockfile: Lockfile, name: string): Set<string> {
  return new Set(lockfile.dependencies.filter((entry) => entry.name === name).map(({ version }) => version))
}
