// Small files of the vault: for their owner's eyes alone, whole or not there.
import { randomBytes } from "node:crypto"
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs"
import { dirname } from "node:path"
import { EXIT } from "../errors.ts"
import { makeDirectory, syncDirectory } from "../store/sqlite/files.ts"
import { codeOf, vaultError } from "./errors.ts"

/** Largest file that is read, in bytes. */
export const MAX_PRIVATE = 1024 * 1024

/** Windows has neither flag. */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

/**
 * The text of a file; undefined where there is none. Refused (environment) where it is a link or no file, belongs to somebody else
 * than this user or root, others may read it, or it is larger than 1 MiB. `what` names it in errors ("the key file").
 */
export function readPrivate(file: string, what: string): string | undefined {
  let fd: number
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    const why = codeOf(error) === "ELOOP" ? "is a symbolic link" : `cannot be read (${codeOf(error)})`
    throw vaultError(`${what} ${why}`, "it belongs to you alone: check what is there", EXIT.environment, file)
  }
  try {
    requirePrivate(fstatSync(fd), file, what)
    return readFileSync(fd, "utf8")
  } finally {
    closeSync(fd)
  }
}

function requirePrivate(stats: Stats, file: string, what: string): void {
  const refuse = (why: string, hint: string) => vaultError(`${what} ${why}`, hint, EXIT.environment, file)
  if (!stats.isFile()) throw refuse("is not a file", "move away what is there")
  if (stats.size > MAX_PRIVATE) throw refuse("is too large to be one", "restore it from a copy")
  const uid = process.getuid?.()
  if (uid === undefined) return
  if (stats.uid !== uid && stats.uid !== 0)
    throw refuse("belongs to another user", "it has to be this user's, or root's")
  // What root hands to a service it has to let that service's group read (systemd's LoadCredential does).
  const others = stats.uid === 0 && uid !== 0 ? 0o037 : 0o077
  if ((stats.mode & others) !== 0)
    throw refuse(
      "may be read by others",
      "what it protects may be known to them: chmod 600 it, and rotate the credentials",
    )
}

/**
 * Writes a file whole, 0600, synced. With `replace` in the place of what is there, else only where nothing is: false where something
 * is. Errors: environment.
 */
export function writePrivate(file: string, text: string, what: string, replace = false): boolean {
  const fresh = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`
  try {
    makeDirectory(dirname(file))
    const fd = openSync(fresh, "wx", 0o600)
    try {
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    if (replace) renameSync(fresh, file)
    else linkSync(fresh, file)
    syncDirectory(dirname(file))
    return true
  } catch (error) {
    if (!replace && codeOf(error) === "EEXIST") return false
    throw vaultError(`${what} cannot be written (${codeOf(error)})`, "check its directory", EXIT.environment, file)
  } finally {
    removeFresh(fresh)
  }
}

/** Where its directory bars us there is none, and that is told already. */
function removeFresh(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // Nothing of it is there, or nothing can be done about it.
  }
}
