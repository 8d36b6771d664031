// What a box changed in git directories of whatever name: it never comes over from a copy, and on the host it may be run.
import { namesIn, unlessBarred } from "./below.ts"
import type { Copied } from "./state.ts"
import type { WorkspaceChange } from "./types.ts"
import { directoriesIn, isGitDirectory } from "./walk.ts"

/** What runs where git on the host works in such a repository. */
export const REPOSITORY = "git: settings and hooks of a repository that the box made or changed"
/** Of a repository that the box made or changed in its copy. */
export const COMMITS =
  "a repository that the box made or changed: it never comes over, and its commits wait in the copy"
const NEVER_GITS = "what lies in a git directory never comes over"

/** Commits are nowhere else, also where a file names their directory: without them the rest would not be all of it. */
export const refusedRepository = (path: string, isFile: boolean): string =>
  isFile || isRepository(path) ? COMMITS : NEVER_GITS

/** Whether a directory of the tree is one of git's; not known of one that bars us. */
export const isRepository = (path: string): boolean =>
  isGitDirectory(unlessBarred(() => namesIn(path)) ?? [], directoriesIn(path))

/** Git directories among what was copied. Such a one stays one, whatever the box takes away that says so: the host has the rest of it. */
export function gitDirectoriesOf(copied: Readonly<Record<string, Copied>> = {}): string[] {
  const names = ["HEAD", "commondir", "objects", "refs"]
  return Object.keys(copied).flatMap((path) => {
    const at = path.endsWith("/HEAD") ? path.slice(0, -"/HEAD".length) : undefined
    if (at === undefined) return []
    const there = names.filter((name) => copied[`${at}/${name}`] !== undefined)
    return isGitDirectory(there, (name) => copied[`${at}/${name}`]?.[3] === "directory") ? [at] : []
  })
}

/** Whether a path is one of these directories, or lies below one; "" is the top. */
export function liesIn(directories: ReadonlySet<string>, path: string): boolean {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/"))))
    if (directories.has(at)) return true
  return directories.has("")
}

/** What is said of a file in a git directory. */
export function gitsOwn(path: string, isCopy: boolean): Partial<WorkspaceChange> {
  if (isCopy) return { refused: COMMITS }
  return /(^|\/)(config(\.worktree)?|commondir|hooks\/[^/]+)$/.test(path) ? { runs: REPOSITORY } : {}
}
