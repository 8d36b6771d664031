// Writing the plan: all or nothing, each file whole, nothing outside the repository.
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"
import { readInside, refuseLinks } from "./paths.ts"
import type { PlannedFile } from "./types.ts"

interface Staged {
  file: PlannedFile
  temporary: string
  target: string
}

/**
 * Writes the files of a plan and returns their paths. Every file is first written whole beside its target, and only when
 * all are there are they renamed into place, so that an interruption or a full disk leaves the repository as it was.
 * Throws EXIT.configuration where a file has changed since it was planned, or a link has appeared.
 */
export function writeFiles(root: string, files: readonly PlannedFile[]): string[] {
  const pending = files.filter((file) => ["create", "merge", "replace"].includes(file.action))
  for (const file of pending) refuseChanged(root, file)
  const made: string[] = []
  const staged: Staged[] = []
  const release = holdInterrupts()
  try {
    for (const file of pending) staged.push(stage(root, file, made))
    for (const { file } of staged) refuseChanged(root, file)
    for (const { temporary, target } of staged) renameSync(temporary, target)
  } catch (error) {
    for (const { temporary } of staged) rmSync(temporary, { force: true })
    for (const directory of made.reverse()) removeIfEmpty(directory)
    throw error
  } finally {
    release()
  }
  return pending.map((file) => file.path)
}

function stage(root: string, file: PlannedFile, made: string[]): Staged {
  refuseLinks(root, file.path)
  const target = join(root, file.path)
  const directory = dirname(target)
  const first = mkdirSync(directory, { recursive: true })
  if (first !== undefined) for (let at = directory; at.length >= first.length; at = dirname(at)) made.unshift(at)
  const temporary = join(directory, `.nanoguard-${randomBytes(8).toString("hex")}.tmp`)
  const fd = openSync(temporary, "wx", 0o644)
  try {
    const bytes = Buffer.from(file.after)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
  const stat = lstatSync(target, { throwIfNoEntry: false })
  if (stat) chmodSync(temporary, stat.mode & 0o777)
  return { file, temporary, target }
}

function refuseChanged(root: string, file: PlannedFile): void {
  if (readInside(root, file.path) === file.before) return
  throw new NanoguardError(`${file.path} has changed since it was shown`, {
    exit: EXIT.configuration,
    where: { file: file.path },
    hint: "Nothing was written. Run init again.",
  })
}

/** Ctrl-C while files are renamed waits for the last one: the few renames are not to be cut in two. */
function holdInterrupts(): () => void {
  const hold = () => {}
  process.on("SIGINT", hold)
  return () => process.off("SIGINT", hold)
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // not empty: somebody else put something there
  }
}
