// Links of list one: the one thing in a direct workspace that no mount protects, so they are put back.
import { lstatSync, readlinkSync, renameSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { isWithin, realPath } from "./places.ts"

/** Puts back every link that says something else now; what stands in its place is moved aside. Answers with the paths. */
export function restoreLinks(root: string, run: string, links: readonly { path: string; target: string }[]): string[] {
  return links.flatMap(({ path, target }) => {
    const file = join(root, path)
    const parent = realPath(dirname(file))
    // A directory on the way that is a link now leads who knows where.
    if (parent === undefined || parent !== dirname(file) || !isWithin(parent, root)) return [path]
    const stats = lstatSync(file, { throwIfNoEntry: false })
    if (stats?.isSymbolicLink() && readlinkSync(file) === target) return []
    if (stats !== undefined) renameSync(file, `${file}.${run}`)
    symlinkSync(target, file)
    return [path]
  })
}
