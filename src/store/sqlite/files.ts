// The state directory and its files: for their owner alone, whatever the umask says.

import { randomBytes } from "node:crypto"
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs"
import { dirname } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"

/**
 * Creates the state directory (0700), or checks the one that is there: it must be a directory itself, not a link to one, and
 * belong to this user, else an environment error. One that others may enter is closed to them: what was readable until
 * now was readable, but the log must go on.
 */
export function prepareDirectory(directory: string): void {
  const before = statOf(directory)
  if (!before) withFileErrors(directory, () => makeDirectory(directory))
  const stats = before ?? lstatSync(directory)
  if (!stats.isDirectory())
    throw refuse(directory, stats.isSymbolicLink() ? "is a symbolic link" : "is not a directory")
  protect(directory, stats)
}

/**
 * Makes it where it is missing, and what is missing above it, 0700, on the disk before anything in it is acknowledged: a power cut
 * takes a directory that nobody synced the name of, with all that was synced in it. Throws what the file system says.
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = []
  for (let path = directory; statSync(path, { throwIfNoEntry: false }) === undefined; path = dirname(path))
    missing.unshift(path)
  // One by one: Node's own way of making all of them tries for ever where none can be made, as below /proc.
  for (const path of missing) makeOne(path)
  if (missing.length > 0) chmodSync(directory, 0o700)
  for (const path of missing.reverse()) syncDirectory(dirname(path))
}

/** Another process may make it at the same time. */
function makeOne(path: string): void {
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
  }
}

/** Puts a directory's entries on the disk. Windows has no such thing. */
export function syncDirectory(directory: string): void {
  if (process.platform === "win32") return
  const fd = openSync(directory, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes sure that `file` is there for SQLite, with mode 0600, which its -wal and -shm inherit. A file that exists is never
 * opened: closing it again would drop the locks that this process holds on it (POSIX fcntl; https://www.sqlite.org/howtocorrupt.html 2.2).
 */
export function prepareFile(file: string): void {
  const stats = statOf(file) ?? createFile(file)
  if (!stats) return
  requirePlain(file, stats)
  protect(file, stats)
}

/** Throws an environment error for anything but a file itself: opening a pipe never ends, and a link leads elsewhere. */
export function requirePlain(file: string, stats: Stats): void {
  if (!stats.isFile()) throw refuse(file, stats.isSymbolicLink() ? "is a symbolic link" : "is not a file")
}

/**
 * Undefined if it was created; what is there if another was faster. Made beside and linked into place, so that no thread of this
 * process can have locked it when its first descriptor is closed.
 */
function createFile(file: string): Stats | undefined {
  const fresh = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`
  try {
    const fd = openSync(fresh, "wx", 0o600)
    fchmodSync(fd, 0o600)
    closeSync(fd)
    linkSync(fresh, file)
    return undefined
  } catch (error) {
    const stats = statOf(file)
    if (stats) return stats
    throw environment(error, file)
  } finally {
    rmSync(fresh, { force: true })
  }
}

function protect(path: string, stats: Stats): void {
  const uid = process.getuid?.()
  if (uid === undefined) return
  if (stats.uid !== uid) throw refuse(path, "belongs to another user")
  // What the owner may not do stays: a place that was made read-only is meant to be.
  if ((stats.mode & 0o077) !== 0) withFileErrors(path, () => chmodSync(path, stats.mode & 0o700))
}

function statOf(path: string): Stats | undefined {
  return withFileErrors(path, () => lstatSync(path, { throwIfNoEntry: false }))
}

/** Runs `work`; what the file system refuses is an environment error about `path`. */
export function withFileErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw environment(error, path)
  }
}

function environment(error: unknown, path: string): NanoguardError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error"
  return new NanoguardError(`the store cannot be prepared (${code})`, {
    exit: EXIT.environment,
    hint: "make it possible for this user to create and write the directory, or set NANOGUARD_HOME to another place",
    where: { file: path },
    cause: error,
  })
}

function refuse(path: string, problem: string): NanoguardError {
  return new NanoguardError(`the store's place ${problem}`, {
    exit: EXIT.environment,
    hint: "the record must be this user's own: move that away, or set NANOGUARD_HOME to another directory",
    where: { file: path },
  })
}
