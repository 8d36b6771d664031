// Reviewed changes of a copy, written into the workspace: inside of it, through no link, whole files, and nothing that the host changed.
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs"
import { basename, dirname, isAbsolute, join, normalize } from "node:path"
import { isHeavy, neverWritten } from "./names.ts"
import { isWithin, realPath } from "./places.ts"
import type { Copied, WorkspaceState } from "./state.ts"
import type { ApplyResult, WorkspaceChange } from "./types.ts"

/** Applies `changes`, or those whose path is in `only`. Each stands alone: what cannot be applied is said, and the rest goes on. */
export function applyChanges(
  state: WorkspaceState,
  tree: string,
  changes: readonly WorkspaceChange[],
  only?: readonly string[],
): ApplyResult {
  const result = {
    applied: [] as string[],
    conflicts: [] as { path: string; why: string }[],
    refused: [] as { path: string; why: string }[],
  }
  const chosen = only === undefined ? changes : changes.filter(({ path }) => only.includes(path))
  for (const change of inOrder(chosen)) {
    const { path } = change
    const why = refusal(change, tree)
    if (why !== undefined) {
      result.refused.push({ path, why })
      continue
    }
    try {
      const conflict = applyOne(state, tree, change)
      if (conflict === undefined) result.applied.push(path)
      else result.conflicts.push({ path, why: conflict })
    } catch (error) {
      result.conflicts.push({
        path,
        why: `it could not be written (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
      })
    }
  }
  return result
}

/** What is removed first, deepest first; then what is written, directories before what is in them. */
function inOrder(changes: readonly WorkspaceChange[]): WorkspaceChange[] {
  const removed = changes.filter(({ change }) => change === "removed").sort((a, b) => b.path.length - a.path.length)
  const written = changes.filter(({ change }) => change !== "removed").sort((a, b) => (a.path < b.path ? -1 : 1))
  return [...removed, ...written]
}

function refusal({ path, refused, kind, change }: WorkspaceChange, tree: string): string | undefined {
  if (refused !== undefined) return refused
  const parts = path.split("/")
  if (parts.some((part) => part === "" || part === "." || part === ".." || /[\0\\]/.test(part)))
    return "its path leads elsewhere"
  if (parts.some((part) => part.toLowerCase() === ".git")) return "what lies in a git directory never comes over"
  if (parts.some((part) => neverWritten(part)))
    return "editors, shells or agents on the host would run it unasked: change it yourself"
  if (parts.some((part) => isHeavy(part))) return "tools make it anew"
  if (change === "removed") return undefined
  if (kind === "other") return "a device, pipe or socket"
  return kind === "link" ? linkRefusal(path, readlinkSync(join(tree, path))) : undefined
}

/** A link may lead upwards first and then down, and ends within the workspace and in nothing protected. */
function linkRefusal(path: string, target: string): string | undefined {
  const end = normalize(join(dirname(path), target))
  const plain = /^(\.\.\/)*(?!.*(^|\/)\.\.(\/|$))/.test(target) && !isAbsolute(target)
  if (!plain || end === ".." || end.startsWith("../")) return "a link that leads out of the workspace"
  if (end.split("/").some((part) => part.toLowerCase() === ".git" || neverWritten(part)))
    return "a link to what is protected"
  return undefined
}

const CHANGED = "the host has changed it since it was copied"

/** Why it cannot be applied; undefined once it was. */
function applyOne(
  state: WorkspaceState,
  tree: string,
  { path, change, kind, mode }: WorkspaceChange,
): string | undefined {
  const file = join(state.root, path)
  const parent = openParent(state.root, dirname(file))
  if (parent === undefined) return "a directory on its way is not there, or is a link"
  try {
    const target = `${parent.path}/${basename(file)}`
    const stats = lstatSync(target, { bigint: true, throwIfNoEntry: false })
    const before = state.copied?.[path]
    if (stats === undefined && change === "removed") return undefined
    if (stats !== undefined && (before === undefined || !isSame(stats, before))) {
      if (kind === "directory" && change !== "removed" && stats.isDirectory()) return undefined
      return before === undefined ? "the host has something there" : CHANGED
    }
    if (stats === undefined && before !== undefined) return CHANGED
    if (change === "removed") {
      if (stats!.isDirectory()) rmdirSync(target)
      else unlinkSync(target)
    } else if (kind === "directory") mkdirSync(target, { mode: (mode & 0o777) | 0o700 })
    else write(join(tree, path), target, kind === "link", mode, state.root, stats === undefined)
    return undefined
  } finally {
    parent.close()
  }
}

function isSame(stats: ReturnType<typeof lstatSync> & { ctimeNs?: bigint }, [size, changed, , kind]: Copied): boolean {
  // A directory's times change with what is in it.
  if (kind === "directory") return stats.isDirectory()
  return Number(stats.size) === size && `${stats.ctimeNs}` === changed
}

/** Whole or not at all; something that appeared in the meantime is not replaced by what is new. */
function write(from: string, target: string, link: boolean, mode: number, root: string, isNew: boolean): void {
  const fresh = join(dirname(target), `.nanoguard-${randomBytes(6).toString("hex")}`)
  try {
    if (link) symlinkSync(readlinkSync(from), fresh)
    else {
      if (!lstatSync(from).isFile()) throw new Error("not a file")
      copyFileSync(from, fresh, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      chmodSync(fresh, mode & 0o777)
      const { uid, gid } = lstatSync(root)
      if (process.getuid?.() === 0 && uid !== 0) chownSync(fresh, uid, gid)
    }
    if (!isNew || link) renameSync(fresh, target)
    else linkSync(fresh, target)
  } finally {
    rmSync(fresh, { force: true })
  }
}

/** A directory held open, so that nobody can put a link in its place; where the system has no /proc, its checked path. */
function openParent(root: string, path: string): { path: string; close: () => void } | undefined {
  if (!isWithin(path, root)) return undefined
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0))
  } catch {
    return undefined
  }
  const held = `/proc/self/fd/${fd}`
  const real = realPath(held)
  const isHeld = real === path && fstatSync(fd).isDirectory()
  if (isHeld || realPath(path) === path) return { path: isHeld ? held : path, close: () => closeSync(fd) }
  closeSync(fd)
  return undefined
}
