// From a path to text: everything about a file that is decided before a reader sees it.
import { isUtf8 } from "node:buffer"
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs"
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import type { ReadSibling } from "../types.ts"
import { lockfileError } from "./failure.ts"

/** The largest lockfiles of public projects have some 5 MB; what is larger than this is refused before it is read. */
export const MAX_LOCKFILE_BYTES = 64 * 1024 * 1024
const MAX_SIBLING_FILES = 1000

/** Reads a text file that really lies inside `root`: regular, at most 64 MiB, UTF-8; a byte order mark is dropped. */
export function readInside(root: string, path: string): string {
  const real = realPathInside(root, path)
  if (real === undefined) {
    throw lockfileError(
      "the file leads outside the repository",
      { file: path },
      "vet it where it lies, or copy it into the repository",
    )
  }
  return decodeUtf8(readBounded(real, path), path)
}

/**
 * A reader of files that the lockfile at `path` refers to, relative to its directory. What does not exist or leads outside
 * `root` is undefined; what exists and cannot be read throws.
 */
export function siblingReader(root: string, path: string): ReadSibling {
  const cache = new Map<string, string | undefined>()
  return (relativePath, how) => {
    const joined = join(dirname(path), relativePath)
    const wanted = how === "as-opened" ? opened(root, `${dirname(path)}/${relativePath}`, joined) : joined
    if (wanted === undefined) return undefined
    if (cache.has(wanted)) return cache.get(wanted)
    if (cache.size >= MAX_SIBLING_FILES) {
      throw lockfileError(`it refers to more than ${MAX_SIBLING_FILES} other files`, { file: path }, "split it up")
    }
    const inside = !isAbsolute(relativePath) && realPathInside(root, wanted, true) !== undefined
    const text = inside ? readInside(root, wanted.split(sep).join("/")) : undefined
    cache.set(wanted, text)
    return text
  }
}

/**
 * The path that leads straight to what a system opens by `path`, whose `..` count from where the links before them lead; undefined where that
 * is nothing. `joined` where no `..` follows a name.
 */
function opened(root: string, path: string, joined: string): string | undefined {
  const steps = path.split("/").filter((step) => step !== "" && step !== ".")
  if (!steps.some((step, index) => step === ".." && index > 0 && steps[index - 1] !== "..")) return joined
  try {
    const top = realpathSync(root)
    return relative(
      top,
      steps.reduce((at, step) => realpathSync(join(at, step)), top),
    )
  } catch {
    return undefined
  }
}

/** The path behind all links, undefined where it is outside `root`; a file that does not exist is an error unless `optional`. */
function realPathInside(root: string, path: string, optional = false): string | undefined {
  let real: string
  try {
    real = realpathSync(resolve(root, path))
  } catch (error) {
    if (optional) return undefined
    throw unreadable(path, error)
  }
  const fromRoot = relative(realpathSync(root), real)
  return fromRoot === ".." || fromRoot.startsWith(`..${sep}`) || isAbsolute(fromRoot) ? undefined : real
}

function readBounded(real: string, path: string): Buffer {
  let descriptor: number | undefined
  try {
    // Non-blocking, so that opening a named pipe does not wait for a writer; Windows has neither the flag nor the pipe.
    descriptor = openSync(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) throw lockfileError("not a regular file", { file: path }, "a lockfile has to be a file")
    if (stat.size > MAX_LOCKFILE_BYTES) throw tooLarge(stat.size, path)
    const buffer = Buffer.allocUnsafe(stat.size)
    let length = 0
    while (length < buffer.length) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, length)
      if (read === 0) break
      length += read
    }
    return buffer.subarray(0, length)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === undefined ? error : unreadable(path, error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function decodeUtf8(bytes: Buffer, path: string): string {
  if (!isUtf8(bytes)) {
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
      throw lockfileError("the file is UTF-16, not UTF-8", { file: path, line: 1 }, "save it as UTF-8")
    }
    // A decoder puts U+FFFD for what is no UTF-8, so encoding again differs first at the first such byte.
    const again = Buffer.from(bytes.toString("utf8"))
    let at = 0
    while (bytes[at] === again[at]) at++
    const line = bytes.toString("latin1", 0, at).split("\n").length
    throw lockfileError("the file is not valid UTF-8", { file: path, line }, "let the package manager write it again")
  }
  const text = bytes.toString("utf8")
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function tooLarge(size: number, path: string): Error {
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1024 / 1024)
  const message = `the file has ${mebibytes(size)} MiB; lockfiles are read up to ${mebibytes(MAX_LOCKFILE_BYTES)} MiB`
  return lockfileError(message, { file: path }, "no package manager writes one so large: check what is in it")
}

function unreadable(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error"
  const message = code === "ENOENT" ? "there is no such file" : `the file cannot be read (${code})`
  return lockfileError(message, { file: path }, "check the path and its permissions")
}
