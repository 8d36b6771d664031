// Reading and writing inside one repository. A repository may be hostile: `nanoguard.yaml -> /etc/passwd`,
// `.claude -> ../../home`, a FIFO where a file should be. Nothing here follows a link out of the root.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync } from "node:fs"
import { join, relative, sep } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"

/** Largest file that init reads to merge into, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024

const INSTRUCTIONS = /^[\w.-]+\.md$/

/**
 * Reads a file to plan a change to it; null where there is none. Throws EXIT.configuration where the path or a directory
 * above it is a symbolic link, where it is no regular file, not UTF-8, or larger than 4 MB.
 */
export function readInside(root: string, path: string): string | null {
  refuseLinks(root, path)
  let fd: number
  try {
    fd = openSync(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw unsafe(path, `cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw unsafe(path, "is not a regular file")
    if (stat.size > MAX_BYTES) throw unsafe(path, "is larger than 4 MB")
    return decode(path, readAll(fd, stat.size))
  } finally {
    closeSync(fd)
  }
}

/** Throws where `path`, or a directory on the way to it from `root`, is a symbolic link or no directory. */
export function refuseLinks(root: string, path: string): void {
  const parts = path.split("/")
  for (let i = 1; i <= parts.length; i++) {
    const part = parts.slice(0, i).join("/")
    const stat = lstatSync(join(root, part), { throwIfNoEntry: false })
    if (stat === undefined) return
    if (stat.isSymbolicLink()) throw unsafe(part, "is a symbolic link")
    if (i < parts.length && !stat.isDirectory()) throw unsafe(part, "is not a directory")
  }
}

/**
 * The file behind an instructions file: `CLAUDE.md -> AGENTS.md` is common and harmless. Follows one link to a Markdown file
 * at the top of the same repository, and nothing else.
 */
export function instructionsFile(root: string, path: string): string {
  const stat = lstatSync(join(root, path), { throwIfNoEntry: false })
  if (!stat?.isSymbolicLink()) return path
  let target: string
  try {
    target = relative(realpathSync(root), realpathSync(join(root, path)))
      .split(sep)
      .join("/")
  } catch {
    throw unsafe(path, "is a symbolic link to nothing")
  }
  if (!INSTRUCTIONS.test(target)) throw unsafe(path, "is a symbolic link")
  return target
}

function readAll(fd: number, size: number): Buffer {
  const buffer = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const read = readSync(fd, buffer, length, size - length, null)
    if (read === 0) break
    length += read
  }
  return buffer.subarray(0, length)
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw unsafe(path, "is not UTF-8 text")
  }
}

function unsafe(path: string, what: string): NanoguardError {
  return new NanoguardError(`${path} ${what}; init reads and writes only plain files inside the repository`, {
    exit: EXIT.configuration,
    where: { file: path },
    hint: "Nothing was written. Move it away or make it a plain file, then run init again.",
  })
}
