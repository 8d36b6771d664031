// A copy of the workspace for a box. New files throughout: no hard link of the host's is among them.
import {
  type Dirent,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from "node:fs"
import { EXIT, NanoguardError } from "../../errors.ts"
import { kindOf } from "./below.ts"
import { copyContents, holdDirectory, holdFile } from "./held.ts"
import { isHeavy } from "./names.ts"
import type { Copied } from "./state.ts"

interface Copy {
  copied: Record<string, Copied>
  /** Directories that were left out, devices and the like; what was exchanged for something else while it was copied. */
  leftOut: string[]
}

const MAX_ENTRIES = 500_000

/**
 * Copies `root` into the empty directory `tree`, by reflinks where the file system has them. Left out: `hidden`, `.git` at every depth, what
 * tools make anew, and what is no file, directory or link. Others may write in the workspace meanwhile: each directory and file is held while it is
 * copied, so that no link that takes its place is followed. Throws `NanoguardError` (environment) where there is more than half a million entries,
 * or one that cannot be read. `root` is a real path.
 */
export function copyTree(root: string, tree: string, hidden: ReadonlySet<string>): Copy {
  const copied: Record<string, Copied> = Object.create(null) as Record<string, Copied>
  const leftOut: string[] = []
  let count = 0
  const queue = [""]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const directory = orSay(root, at, (path) => holdDirectory(path))
    if (directory === undefined) {
      leftOut.push(at === "" ? "." : at)
      continue
    }
    try {
      for (const entry of orSay(root, at, () => readdirSync(directory.path, { withFileTypes: true }))) {
        const { name } = entry
        const path = at === "" ? name : `${at}/${name}`
        if (hidden.has(path) || name.toLowerCase() === ".git") continue
        if (++count > MAX_ENTRIES)
          throw new NanoguardError("the workspace is too large for a copy", {
            exit: EXIT.environment,
            where: { file: root },
            hint: "use --workspace worktree or direct",
          })
        const one = orSay(root, path, () => copyEntry(`${directory.path}/${name}`, `${tree}/${path}`, entry))
        if (one === undefined) leftOut.push(path)
        else copied[path] = one
        if (one?.[3] === "directory") queue.push(path)
      }
    } finally {
      directory.close()
    }
  }
  return { copied, leftOut }
}

/** Copies an entry of a directory that is held, a directory without what is in it; undefined where it is left out. */
function copyEntry(from: string, to: string, entry: Dirent): Copied | undefined {
  if (entry.isFile()) return copyFile(from, to)
  if (entry.isDirectory() ? isHeavy(entry.name) : !entry.isSymbolicLink()) return undefined
  const stats = lstatSync(from, { bigint: true, throwIfNoEntry: false })
  const kind = stats === undefined ? "other" : kindOf(stats)
  if (stats === undefined || kind === "other" || kind === "file") return undefined
  const mode = Number(stats.mode & 0o777n)
  if (kind === "directory") mkdirSync(to, { mode: mode | 0o700 })
  else {
    symlinkSync(readlinkSync(from), to)
    lutimesSync(to, Number(stats.atimeMs) / 1000, Number(stats.mtimeMs) / 1000)
  }
  return [Number(stats.size), `${stats.ctimeNs}`, mode, kind]
}

function copyFile(from: string, to: string): Copied | undefined {
  const held = holdFile(from)
  if (held === undefined) return undefined
  const { fd, stats } = held
  try {
    copyContents(fd, to)
  } finally {
    held.close()
  }
  utimesSync(to, Number(stats.atimeMs) / 1000, Number(stats.mtimeMs) / 1000)
  return [Number(stats.size), `${stats.ctimeNs}`, Number(stats.mode & 0o777n), "file"]
}

/** What `work` does with a path of the workspace; what goes wrong is said of that path, whatever it was reached by. */
function orSay<T>(root: string, path: string, work: (path: string) => T): T {
  const file = path === "" ? root : `${root}/${path}`
  try {
    return work(file)
  } catch (cause) {
    throw new NanoguardError(`the workspace cannot be copied (${(cause as NodeJS.ErrnoException).code ?? "unknown"})`, {
      ...{ exit: EXIT.environment, where: { file }, cause },
      hint: "make it readable, name it under sandbox.mask of the policy, or use --workspace worktree or direct",
    })
  }
}
