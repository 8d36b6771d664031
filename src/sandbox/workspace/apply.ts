// Reviewed changes of a copy, written into the workspace: inside of it, through no link, whole files, and nothing that the host changed.
import { randomBytes } from "node:crypto"
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { refusalOf } from "./apply-refused.ts"
import { kindOf } from "./below.ts"
import { COMMITS } from "./git-own.ts"
import {
  copyContents,
  giveLink,
  type Held,
  haveSameContents,
  holdDirectory,
  holdFile,
  makeDirectory,
  type Owner,
} from "./held.ts"
import { isWithin } from "./places.ts"
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
    const why = refusalOf(change, tree, state)
    if (why !== undefined) {
      const list = why === COMMITS ? result.conflicts : result.refused
      list.push({ path, why })
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

const FULL = "a directory of yours is in its place, with more in it than the box saw: empty it, and apply again"
const CHANGED = "the host has changed it since it was copied"

/** Why it cannot be applied; undefined once it was. */
function applyOne(
  state: WorkspaceState,
  tree: string,
  { path, change, kind, mode }: WorkspaceChange,
): string | undefined {
  const file = join(state.root, path)
  const parent = openParent(state.root, dirname(file))
  if (parent === undefined && change === "removed" && isGone(state.root, tree, dirname(path))) return undefined
  if (parent === undefined) return "a directory on its way is not there, or is a link"
  try {
    const target = `${parent.path}/${basename(file)}`
    const stats = lstatSync(target, { bigint: true, throwIfNoEntry: false })
    const before = state.copied?.[path]
    if (stats === undefined && change === "removed") return undefined
    if (stats !== undefined && (before === undefined || !isSame(stats, before))) {
      if (change !== "removed" && isAlready(join(tree, path), target, kind, mode)) return undefined
      return before === undefined ? "the host has something there" : CHANGED
    }
    if (stats === undefined && before !== undefined) return CHANGED
    if (change === "removed") {
      if (stats!.isDirectory()) rmdirSync(target)
      else unlinkSync(target)
    } else if (kind === "directory") {
      exchangeForDirectory(target, (mode & 0o777) | 0o700, lstatSync(state.root))
    } else {
      if (stats?.isDirectory() && readdirSync(target).length > 0) return FULL
      write(join(tree, path), target, kind === "link", mode, lstatSync(state.root), stats)
    }
    return undefined
  } finally {
    parent.close()
  }
}

/**
 * Whether nothing is at the path of a directory because it, or one above it, is not there: it was removed before, also for what is in its place in the
 * copy, and no link of the host's hides it.
 */
function isGone(root: string, tree: string, path: string): boolean {
  if (path === ".") return false
  const parent = openParent(root, join(root, dirname(path)))
  if (parent === undefined) return isGone(root, tree, dirname(path))
  try {
    const target = `${parent.path}/${basename(path)}`
    const [now, made] = [target, join(tree, path)].map((file) => lstatSync(file, { throwIfNoEntry: false }))
    if (now === undefined || made === undefined || made.isDirectory()) return now === undefined
    return isAlready(join(tree, path), target, kindOf(made), made.mode)
  } finally {
    parent.close()
  }
}

/** What is there is what would be written: it was applied before, or the host came to the same. */
function isAlready(from: string, target: string, kind: WorkspaceChange["kind"], mode: number): boolean {
  const stats = lstatSync(target)
  if (kind === "directory") return stats.isDirectory()
  if (kind === "link") return stats.isSymbolicLink() && readlinkSync(target) === readlinkSync(from)
  return (stats.mode & 0o777) === (mode & 0o777) && haveSameContents(from, target)
}

function isSame(stats: ReturnType<typeof lstatSync> & { ctimeNs?: bigint }, [size, changed, , kind]: Copied): boolean {
  // A directory's times change with what is in it.
  if (kind === "directory") return stats.isDirectory()
  return Number(stats.size) === size && `${stats.ctimeNs}` === changed
}

/**
 * Whole or not at all; something that appeared in the meantime is not replaced by what is new. What root brings over belongs to the workspace's owner,
 * also where that is root: a copy keeps the box's user, whom the host may have, too.
 */
function write(
  from: string,
  target: string,
  link: boolean,
  mode: number,
  owner: Owner,
  there: BigIntStats | undefined,
): void {
  const fresh = freshBeside(target)
  try {
    if (link) {
      symlinkSync(readlinkSync(from), fresh)
      giveLink(fresh, owner)
    } else writeFile(from, fresh, mode, owner)
    // Only an empty one goes.
    if (there?.isDirectory()) rmdirSync(target)
    if (link || (there !== undefined && !there.isDirectory())) renameSync(fresh, target)
    else linkSync(fresh, target)
  } finally {
    rmSync(fresh, { force: true })
  }
}

const freshBeside = (target: string) => join(dirname(target), `.nanoguard-${randomBytes(6).toString("hex")}`)

/** Makes a directory, where a file or link may be: that is aside until the directory is there, and back where it cannot be made. */
function exchangeForDirectory(target: string, mode: number, owner: Owner): void {
  if (lstatSync(target, { throwIfNoEntry: false }) === undefined) {
    makeDirectory(target, mode, owner)
    return
  }
  const aside = freshBeside(target)
  renameSync(target, aside)
  try {
    makeDirectory(target, mode, owner)
  } catch (error) {
    // Never over what somebody put there meanwhile.
    linkSync(aside, target)
    unlinkSync(aside)
    throw error
  }
  unlinkSync(aside)
}

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW = 0 } = constants

/** By descriptors alone: whoever owns the directory may put something else in the place of what is written, and nothing happens to that. */
function writeFile(from: string, fresh: string, mode: number, owner: Owner): void {
  const source = holdFile(from)
  if (source === undefined || (source.stats.mode & 0o6000n) !== 0n) {
    source?.close()
    throw new Error("not a plain file")
  }
  let fd: number | undefined
  try {
    fd = openSync(fresh, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
    copyContents(source.fd, fd)
    fchmodSync(fd, mode & 0o777)
    if (process.getuid?.() === 0) fchownSync(fd, owner.uid, owner.gid)
  } finally {
    if (fd !== undefined) closeSync(fd)
    source.close()
  }
}

/** A directory of the workspace, held; undefined where there is none, or where a link leads there. */
const openParent = (root: string, path: string): Held | undefined =>
  isWithin(path, root) ? holdDirectory(path) : undefined
