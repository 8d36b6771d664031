// From the paths on the command line to lockfiles that were read.
import { statSync } from "node:fs"
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"
import { findLockfiles, readLockfile } from "../packages/lockfiles/index.ts"
import { normaliseOrigin } from "../packages/lockfiles/sources.ts"
import type { Lockfile } from "../packages/types.ts"
import type { PackageSource } from "../policy/types.ts"

/** A lockfile with the directory that neither it nor what it refers to may leave. */
export interface Input {
  lockfile: Lockfile
  root: string
}

export interface Inputs {
  inputs: Input[]
  /** Lockfiles that lie in copies of other people's packages (`vendor`), and directories (with a slash) not searched: too large, or linked from outside. */
  leftOut: string[]
}

/**
 * Reads every lockfile that the paths name or contain, each once; shown paths are relative to `cwd`. Throws `NanoguardError`: exit 2 for a path that is not there, exit 3 where nothing is found or a file cannot be read.
 */
export async function readInputs(cwd: string, paths: readonly string[]): Promise<Inputs> {
  const skipped = new Set<string>()
  const files = new Map<string, { root: string; path: string }>()
  for (const given of paths.length ? paths : ["."]) {
    const path = resolve(cwd, given)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) {
      throw new NanoguardError("there is no such file or directory", {
        exit: EXIT.usage,
        where: { file: given },
        hint: "paths are lockfiles or directories, seen from the current directory",
      })
    }
    const root = stat.isDirectory() ? rootFor(cwd, path) : rootFor(cwd, dirname(path))
    const leftOut = (file: string) => skipped.add(join(path, file))
    const found = stat.isDirectory() ? (await findLockfiles(path, { leftOut })).map((file) => join(path, file)) : [path]
    for (const file of found) if (!files.has(file)) files.set(file, { root, path: toPosix(relative(root, file)) })
  }
  const leftOut = [...skipped].filter((file) => !files.has(file)).map((file) => shownPath(cwd, file))
  if (files.size === 0) {
    const found = leftOut[0]
    throw new NanoguardError(`no lockfile found in ${paths.length ? paths.join(", ") : "this directory"}`, {
      exit: EXIT.nothingChecked,
      hint:
        found === undefined
          ? "commit a lockfile, or name one: nanoguard vet path/to/package-lock.json"
          : `not searched, because it is a copy of packages or linked from outside: nanoguard vet ${found}`,
    })
  }
  const inputs: Input[] = []
  for (const { root, path } of files.values()) {
    const lockfile = await readLockfile(root, path)
    await nameDefaults(lockfile)
    // Two files outside could have the same path below their own directories.
    if (root !== cwd) lockfile.path = toPosix(relative(cwd, join(root, path)))
    inputs.push({ root, lockfile })
  }
  return { inputs, leftOut }
}

/** Gives entries from the ecosystem's own registry the origin "default", however their lockfile spells its address. */
export async function nameDefaults(lockfile: Lockfile): Promise<void> {
  const known = new Map<string, PackageSource>()
  for (const dependency of lockfile.dependencies) {
    const { source } = dependency
    if (dependency.ecosystem !== "npm" || source.kind !== "registry" || source.origin === "default") continue
    let named = known.get(source.origin)
    if (named === undefined) {
      named = { kind: "registry", origin: await normaliseOrigin(source.origin) }
      known.set(source.origin, named)
    }
    dependency.source = named
  }
}

/** The current directory for everything below it, so that paths read as the person would type them. */
function rootFor(cwd: string, path: string): string {
  const inside = relative(cwd, path)
  return inside === "" || !(inside.startsWith("..") || isAbsolute(inside)) ? cwd : path
}

function shownPath(cwd: string, file: string): string {
  const ending = file.endsWith(sep) ? "/" : ""
  return toPosix(relative(cwd, file)) + ending
}

function toPosix(path: string): string {
  return path.split(sep).join("/")
}
