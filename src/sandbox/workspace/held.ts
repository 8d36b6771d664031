// Directories and files held open: whoever can write where they lie may put a link in their place meanwhile, and it leads nowhere.
import {
  type BigIntStats,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs"
import { realPath } from "./places.ts"

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
/** Holds a link itself, as no other flag does (open(2), Linux; Node has no name for it). */
const O_PATH = 0o10000000

/**
 * Linux shows there what a descriptor holds, whatever became of its name, and opens it again. Elsewhere a directory's path is used once more after
 * it was checked: whoever can write there has that moment.
 */
const DESCRIPTORS = "/proc/self/fd"
const canReopen = existsSync(DESCRIPTORS)

export interface Held {
  fd: number
  /** By which what it holds is reached. */
  path: string
  close: () => void
}

/** Whoever a new thing belongs to. */
export interface Owner {
  uid: number
  gid: number
}

/** Opens a path, the last part of it through no link; undefined where nothing is there, or something that `flags` does not take. */
function hold(path: string, flags: number): Held | undefined {
  try {
    const fd = openSync(path, flags | O_NOFOLLOW)
    return { fd, path: canReopen ? `${DESCRIPTORS}/${fd}` : path, close: () => closeSync(fd) }
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "EMLINK", "ENXIO"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined
    throw error
  }
}

/**
 * Holds the directory at a path without any link in it; undefined where there is none, or where a link leads there by now. Errors: of the system.
 */
export function holdDirectory(path: string): Held | undefined {
  const held = hold(path, O_RDONLY | O_DIRECTORY)
  if (held === undefined) return undefined
  try {
    if (isAt(held, path)) return held
  } catch (error) {
    held.close()
    throw error
  }
  held.close()
  return undefined
}

function isAt({ fd, path: own }: Held, path: string): boolean {
  if (canReopen) return readlinkSync(own) === path
  const [opened, named] = [fstatSync(fd), lstatSync(path)]
  return realPath(path) === path && opened.ino === named.ino && opened.dev === named.dev
}

/** Holds a plain file to be read, and says what it is; undefined where something else is there, or nothing. Never waits for a pipe. */
export function holdFile(path: string): (Held & { stats: BigIntStats }) | undefined {
  const held = hold(path, O_RDONLY | O_NONBLOCK)
  if (held === undefined) return undefined
  try {
    const stats = fstatSync(held.fd, { bigint: true })
    if (stats.isFile()) return { ...held, stats }
  } catch (error) {
    held.close()
    throw error
  }
  held.close()
  return undefined
}

/**
 * Copies what a descriptor holds, by a reflink where the file system has them, and its mode: to a new file at a path that is ours alone, or to a
 * descriptor of an empty file.
 */
export function copyContents(from: number, to: string | number): void {
  if (canReopen) {
    const target = typeof to === "string" ? to : `${DESCRIPTORS}/${to}`
    copyFileSync(`${DESCRIPTORS}/${from}`, target, constants.COPYFILE_FICLONE)
    return
  }
  const target = typeof to === "string" ? openSync(to, O_CREAT | O_EXCL | O_WRONLY, 0o600) : to
  try {
    const buffer = Buffer.allocUnsafe(1024 * 1024)
    for (let got = readSync(from, buffer); got > 0; got = readSync(from, buffer))
      for (let done = 0; done < got; ) done += writeSync(target, buffer, done, got - done)
    fchmodSync(target, fstatSync(from).mode & 0o777)
  } finally {
    if (typeof to === "string") closeSync(target)
  }
}

/** Whether two paths are plain files of the same bytes. */
export function haveSameContents(one: string, other: string): boolean {
  const held: ReturnType<typeof holdFile>[] = []
  try {
    for (const path of [one, other]) held.push(holdFile(path))
    const [first, second] = held
    if (first === undefined || second === undefined || first.stats.size !== second.stats.size) return false
    const [ours, theirs] = [Buffer.allocUnsafe(1024 * 1024), Buffer.allocUnsafe(1024 * 1024)]
    for (;;) {
      const got = readSync(first.fd, ours)
      if (readSync(second.fd, theirs) !== got || !ours.subarray(0, got).equals(theirs.subarray(0, got))) return false
      if (got === 0) return true
    }
  } finally {
    for (const file of held) file?.close()
  }
}

/**
 * Makes a directory, and gives it to `owner` where root makes it. Throws where something is there, or where what was made is not there any more:
 * nothing that somebody put in its place is given away but an empty directory of root's.
 */
export function makeDirectory(path: string, mode: number, owner: Owner): void {
  mkdirSync(path, { mode })
  if (process.getuid?.() !== 0) return
  const held = hold(path, O_RDONLY | O_DIRECTORY)
  try {
    if (held === undefined || fstatSync(held.fd).uid !== 0 || readdirSync(held.path).length > 0)
      throw new Error("something else is there now")
    fchownSync(held.fd, owner.uid, owner.gid)
  } finally {
    held?.close()
  }
}

/** Gives a link that root made to `owner`; nothing else that is there now, and nothing that it leads to. Where no descriptor holds links it stays root's. */
export function giveLink(path: string, owner: Owner): void {
  if (process.getuid?.() !== 0 || !canReopen) return
  const held = hold(path, O_PATH)
  try {
    // Such a descriptor is followed to the link, and no further.
    if (held !== undefined && fstatSync(held.fd).isSymbolicLink()) chownSync(held.path, owner.uid, owner.gid)
  } finally {
    held?.close()
  }
}

/**
 * Gives the file or directory `name` in a held directory to `owner` where it is root's; no link, no pipe, and no file that has another name too:
 * that one may lie anywhere.
 */
export function giveOwn(directory: Held, name: string, owner: Owner): void {
  const path = `${directory.path}/${name}`
  if (process.getuid?.() !== 0 || lstatSync(path, { throwIfNoEntry: false })?.uid !== 0) return
  const held = hold(path, O_RDONLY | O_NONBLOCK)
  if (held === undefined) return
  try {
    const stats = fstatSync(held.fd)
    const isOne = stats.isDirectory() || (stats.isFile() && stats.nlink === 1)
    if (isOne && stats.uid === 0) fchownSync(held.fd, owner.uid, owner.gid)
  } finally {
    held.close()
  }
}
