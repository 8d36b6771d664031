// What no mount can keep a box from in a direct workspace, undone at its end: links of list one, and repositories of its own making.
import { randomBytes } from "node:crypto"
import { lstatSync, readlinkSync, renameSync, symlinkSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { REPOSITORY } from "./git-own.ts"
import { isPlainWay, isWithin } from "./places.ts"
import type { WorkspaceChange } from "./types.ts"

/** Puts back every link that says something else now; what stands in its place is moved aside. Answers with the paths. */
export function restoreLinks(root: string, run: string, links: readonly { path: string; target: string }[]): string[] {
  return links.flatMap(({ path, target }) => {
    const file = join(root, path)
    if (!isBelow(root, file)) return [path]
    try {
      const stats = lstatSync(file, { throwIfNoEntry: false })
      if (stats?.isSymbolicLink() && readlinkSync(file) === target) return []
      if (stats !== undefined) renameSync(file, freeName(`${file}.${run}`))
      symlinkSync(target, file)
    } catch {
      // The path is said all the same.
    }
    return [path]
  })
}

/** The box knows its run, and may have made something of that name to be in the way. */
function freeName(path: string): string {
  const isFree = lstatSync(path, { throwIfNoEntry: false }) === undefined
  return isFree ? path : `${path}.${randomBytes(6).toString("hex")}`
}

/**
 * Takes its name from every `.git` that the box made below the workspace, for editors look for them and ask git about each, which runs what its
 * configuration names; and from a git directory that stands where another was, which working trees name. Nothing is lost: it lies beside, under a
 * name that no program looks for.
 */
export function disarmRepositories(root: string, run: string, changes: readonly WorkspaceChange[]): WorkspaceChange[] {
  return changes.map((change) => {
    const name = change.path.slice(change.path.lastIndexOf("/") + 1)
    const isExchanged = change.kind === "directory" && change.runs === REPOSITORY
    if ((name.toLowerCase() !== ".git" && !isExchanged) || change.change === "removed") return change
    const file = join(root, change.path)
    if (!isBelow(root, file)) return change
    let aside: string
    try {
      aside = freeName(join(dirname(file), `git.${run}`))
      renameSync(file, aside)
    } catch {
      return { ...change, refused: "a repository that the box made, which could not be renamed: remove it" }
    }
    return {
      ...change,
      refused: `a repository that the box made: it is ${basename(aside)} now; look at its config and hooks before you rename it back`,
    }
  })
}

/** Whether no directory on the way is a link, which leads who knows where. */
const isBelow = (root: string, file: string) => isPlainWay(file) && isWithin(dirname(file), root)
