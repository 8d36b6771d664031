// Writing the result into the project: all files or none, whatever happens in between. A journal outside the repository
// holds the originals from before the first rename until after the last; docs/fix.md goes through every instant.
import { createHash, randomBytes } from "node:crypto"
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { refuseLinks } from "../../scaffold/paths.ts"
import type { Change } from "./copy.ts"

interface JournalFile {
  path: string
  temporary: string
  /** sha256 in hex; null where there was no file. */
  before: string | null
  after: string
}

interface Journal {
  version: 1
  pid: number
  root: string
  files: JournalFile[]
}

/** What a test may replace to fail at any point. */
export interface Disk {
  rename: (from: string, to: string) => void
}

const DISK: Disk = { rename: renameSync }
const TEMPORARY = /^\.nanoguard-fix-[0-9a-f]{16}\.tmp$/

/**
 * Writes all changes below `root`, or none and throws `NanoguardError`: where a file is no longer as it was copied, where a
 * link stands in the way, or where the disk fails. `state` is a directory of ours for the journal; it must not exist.
 */
export function applyChanges(root: string, changes: readonly Change[], state: string, disk: Disk = DISK): void {
  for (const change of changes) refuseChanged(root, change)
  const journal = openJournal(root, changes, state)
  try {
    for (const [index, change] of changes.entries()) stage(root, journal.files[index]!, change)
    for (const change of changes) refuseChanged(root, change)
    for (const { path, temporary } of journal.files) disk.rename(join(root, temporary), join(root, path))
    for (const directory of new Set(journal.files.map(({ path }) => dirname(join(root, path))))) sync(directory)
  } catch (error) {
    const left = rollBack(state, journal)
    if (left.length > 0) throw notRestored(left)
    throw notWritten(error)
  }
  rmSync(state, { recursive: true, force: true })
}

/** Whether an earlier run was cut off between its renames. */
export function isUnfinished(state: string): boolean {
  return existsSync(join(state, "journal.json"))
}

/**
 * Takes back what an earlier run left half done, and clears its journal away. Returns the paths that were restored. Throws
 * `NanoguardError` where that run still works, or where files were changed by others since, which are then left alone.
 */
export function recover(root: string, state: string): string[] {
  if (!isUnfinished(state)) {
    rmSync(state, { recursive: true, force: true })
    return []
  }
  const journal = readJournal(root, state)
  if (journal.pid !== process.pid && isAlive(journal.pid)) {
    throw new NanoguardError("another nanoguard vet --fix is writing to this project", {
      exit: EXIT.environment,
      hint: `wait for process ${journal.pid} to end`,
    })
  }
  const touched = journal.files.filter((file) => hashOf(join(root, file.path)) === file.after).map(({ path }) => path)
  const left = rollBack(state, journal)
  if (left.length > 0) throw notRestored(left)
  return touched
}

function openJournal(root: string, changes: readonly Change[], state: string): Journal {
  mkdirSync(dirname(state), { recursive: true, mode: 0o700 })
  try {
    mkdirSync(state, { mode: 0o700 })
  } catch (cause) {
    throw new NanoguardError(
      "another nanoguard vet --fix is writing to this project, or its journal cannot be written",
      {
        exit: EXIT.environment,
        hint: "wait for it to end, then run it again",
        cause,
      },
    )
  }
  try {
    return writeJournal(root, changes, state)
  } catch (error) {
    rmSync(state, { recursive: true, force: true })
    throw notWritten(error)
  }
}

function writeJournal(root: string, changes: readonly Change[], state: string): Journal {
  const files = changes.map(({ path, before, after }, index): JournalFile => {
    if (before !== null) writeWhole(join(state, `${index}.before`), before)
    const temporary = join(dirname(path), `.nanoguard-fix-${randomBytes(8).toString("hex")}.tmp`)
    return { path, temporary, before: before && sha256(before), after: sha256(after) }
  })
  const journal: Journal = { version: 1, pid: process.pid, root, files }
  // Written beside and renamed: a journal is whole or not there, and then nothing was touched.
  writeWhole(join(state, "journal.tmp"), Buffer.from(JSON.stringify(journal)))
  renameSync(join(state, "journal.tmp"), join(state, "journal.json"))
  sync(state)
  return journal
}

function readJournal(root: string, state: string): Journal {
  const journal = JSON.parse(readFileSync(join(state, "journal.json"), "utf8")) as Journal
  if (journal.version !== 1 || journal.root !== root) {
    throw new NanoguardError("the journal of an earlier --fix is not one of this version", {
      exit: EXIT.environment,
      hint: "compare the manifests and lockfiles with version control, then remove nanoguard's data directory fix",
    })
  }
  return journal
}

function stage(root: string, { temporary }: JournalFile, { path, before, after }: Change): void {
  const file = join(root, temporary)
  writeWhole(file, after)
  if (before !== null) chmodSync(file, lstatSync(join(root, path)).mode & 0o777)
}

/** Puts the originals back where the new files are; returns the paths of files that are neither, and leaves the journal then. */
function rollBack(state: string, { root, files }: Journal): string[] {
  const left: string[] = []
  for (const [index, { path, temporary, before, after }] of files.entries()) {
    const target = join(root, path)
    if (TEMPORARY.test(temporary.slice(temporary.lastIndexOf("/") + 1))) rmSync(join(root, temporary), { force: true })
    const now = hashOf(target)
    if (now === before) continue
    if (now !== after) left.push(path)
    else if (before === null) rmSync(target, { force: true })
    else {
      const staged = join(dirname(target), `.nanoguard-fix-${randomBytes(8).toString("hex")}.tmp`)
      writeWhole(staged, readFileSync(join(state, `${index}.before`)))
      chmodSync(staged, lstatSync(target).mode & 0o777)
      renameSync(staged, target)
      sync(dirname(target))
    }
  }
  if (left.length === 0) rmSync(state, { recursive: true, force: true })
  return left
}

function refuseChanged(root: string, { path, before }: Change): void {
  refuseLinks(root, path)
  if (hashOf(join(root, path)) === (before && sha256(before))) return
  throw new NanoguardError(`${path} was changed while it was being fixed`, {
    exit: EXIT.environment,
    where: { file: path },
    hint: "nothing was written; run it again",
  })
}

function notWritten(error: unknown): NanoguardError {
  if (error instanceof NanoguardError) return error
  return new NanoguardError(`the files could not be written (${(error as NodeJS.ErrnoException).code ?? "unknown"})`, {
    exit: EXIT.environment,
    hint: "everything is as it was; check the disk and the permissions, then run it again",
    cause: error,
  })
}

function notRestored(paths: readonly string[]): NanoguardError {
  return new NanoguardError(`an interrupted --fix cannot be taken back: ${paths[0]} was changed since`, {
    exit: EXIT.environment,
    where: { file: paths[0]! },
    hint: `restore ${paths.length === 1 ? "it" : `these ${paths.length} files`} from version control, then run nanoguard vet --fix again`,
  })
}

/** sha256 of a plain file; null where there is none, "" where something else stands there. */
function hashOf(file: string): string | null {
  const stat = lstatSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return null
  return stat.isFile() ? sha256(readFileSync(file)) : ""
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex")
}

function writeWhole(path: string, bytes: Buffer): void {
  const fd = openSync(path, "wx", 0o644)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Has a directory's entries on the disk; Windows has no such call, and keeps renames in its own journal. */
function sync(directory: string): void {
  if (process.platform === "win32") return
  const fd = openSync(directory, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}
