// Lockfiles, from a path to packages. Nothing here knows a format: `formats.ts` says which reader reads which name.
import { existsSync } from "node:fs"
import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path"
import { NanoguardError } from "../../errors.ts"
import type { Lockfile, ReadSibling } from "../types.ts"
import { lockfileError } from "./failure.ts"
import { FORMATS, formatOf } from "./formats.ts"
import { readInside, siblingReader } from "./read.ts"

export { findLockfiles } from "./find.ts"

/**
 * Reads one lockfile; `path` is relative to `root`, which neither the file nor what it refers to may leave. Throws
 * `NanoguardError` (exit 3) with file and, where there is one, line for everything that cannot be read as what it says it is.
 */
export async function readLockfile(root: string, path: string): Promise<Lockfile> {
  const shown = (isAbsolute(path) ? relative(resolve(root), path) : path).split(sep).join("/")
  const name = basename(shown)
  if (name === "bun.lockb") {
    const hint = "run `bun install --save-text-lockfile --frozen-lockfile --lockfile-only` and commit bun.lock instead"
    throw lockfileError("bun's binary lockfile cannot be read", { file: shown }, hint)
  }
  const lockfile = await parseLockfileText(readInside(root, shown), shown, siblingReader(root, shown))
  if (name === "npm-shrinkwrap.json" && existsSync(resolve(root, dirname(shown), "package-lock.json"))) {
    lockfile.warnings.push("package-lock.json beside it was not read: npm ignores it where there is a shrinkwrap")
  }
  return lockfile
}

/** Reads a lockfile whose text is already at hand, such as one from git's objects; `path` says which format it is. */
export async function parseLockfileText(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const format = formatOf(path)
  if (format === undefined) {
    const known = [...new Set(FORMATS.map((candidate) => candidate.format))].join(", ")
    throw lockfileError("no lockfile that nanoguard can read has this name", { file: path }, `it reads: ${known}`)
  }
  const parse = await format.load()
  return parseSafely(() => parse(text, path, readSibling), path)
}

/** A reader that breaks on hostile input is our bug, but the person still learns which file it was; nothing counts as read. */
async function parseSafely(parse: () => Lockfile | Promise<Lockfile>, file: string): Promise<Lockfile> {
  try {
    return await parse()
  } catch (error) {
    if (error instanceof NanoguardError) throw error
    if (error instanceof RangeError) throw lockfileError("nested too deeply, or too large, to be read", { file })
    throw error
  }
}
