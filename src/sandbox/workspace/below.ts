// Entries of a directory and what lies below it, through no link: Node's own recursive listing goes through links to directories.
import { type BigIntStats, chmodSync, type Dirent, lstatSync, readdirSync, rmSync, type Stats } from "node:fs"
import { EXIT, NanoguardError } from "../../errors.ts"

/** Names in a directory; none where it is not there or cannot be read: only for whoever looks again soon. */
export function listNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/**
 * Names in a directory; none where it is not there. Throws `NanoguardError` (environment) where it cannot be listed: that tells nothing of what is
 * in it (`unlessBarred`: where it stays so).
 */
export const namesIn = (directory: string): string[] => lookAt(directory, () => readdirSync(directory)) ?? []

/** Entries of a directory, a link as itself; none where it is not there. Throws as `namesIn`. */
export const entriesIn = (directory: string): Dirent[] =>
  lookAt(directory, () => readdirSync(directory, { withFileTypes: true })) ?? []

/** What lies at a path, a link as itself; undefined where nothing does. Throws as `namesIn`. */
export const statsAt = (path: string): BigIntStats | undefined => lookAt(path, () => lstatSync(path, { bigint: true }))

/** Undefined where nothing is there. Whatever else keeps us from looking, such as too many open files, is no answer. */
function lookAt<T>(path: string, look: () => T): T | undefined {
  try {
    return look()
  } catch (cause) {
    const code = codeOf(cause)
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    throw new NanoguardError(`the workspace cannot be looked through (${code})`, {
      ...{ exit: EXIT.environment, where: { file: path }, cause },
      hint: "try again once nothing keeps it from being read",
    })
  }
}

/** What `look` answers by way of `namesIn` and the like; undefined, and `onBarred` called, where trying again will not help. */
export function unlessBarred<T>(look: () => T, onBarred?: (code: string) => void): T | undefined {
  try {
    return look()
  } catch (error) {
    const code = error instanceof NanoguardError ? codeOf(error.cause) : ""
    if (!BARRED.has(code)) throw error
    onBarred?.(code)
    return undefined
  }
}

/** Rights, paths that are too long, links that lead round: a box can make such things, and they stay. */
const BARRED: ReadonlySet<string> = new Set(["EACCES", "EPERM", "ENAMETOOLONG", "ELOOP"])

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code ?? "unknown error"

/** What an entry is, by what `lstat` says of it. */
export function kindOf(stats: Stats | BigIntStats): "file" | "directory" | "link" | "other" {
  if (stats.isFile()) return "file"
  if (stats.isDirectory()) return "directory"
  return stats.isSymbolicLink() ? "link" : "other"
}

/** Calls back with every entry below a directory, links themselves among them, with its path. */
export function eachBelow(directory: string, visit: (path: string, entry: Dirent) => void): void {
  const queue = [directory]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = `${at}/${entry.name}`
      visit(path, entry)
      if (entry.isDirectory()) queue.push(path)
    }
  }
}

/** Another process may ask the box something meanwhile, by a file in its directory (`askStill`): it does that once. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 } as const

/**
 * Removes a directory with all that is in it; fine where there is none. A box may leave directories that their owner may not write: only once
 * nothing of it runs.
 */
export function removeTree(directory: string): void {
  try {
    rmSync(directory, REMOVAL)
    return
  } catch (error) {
    if (!["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
  }
  eachBelow(directory, (path, entry) => {
    if (entry.isDirectory()) chmodSync(path, 0o700)
  })
  rmSync(directory, REMOVAL)
}
