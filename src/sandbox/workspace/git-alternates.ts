// Directories of objects: a repository's own, and those that it borrows from others (gitrepository-layout(5), objects/info/alternates).
import { existsSync, lstatSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { oddInObjects, sayOdd } from "./git-links.ts"
import { realPath } from "./places.ts"
import { readBeginning } from "./secrets.ts"

const MAX_OBJECTS = 8
const MAX_LIST = 65_536

interface Refused {
  refused: string
  path: string
}

/**
 * The repository's objects, its own first, then all that git on the host would find through them, by real paths. Refused where that cannot be
 * told for certain, or one is not made like a directory of objects. What is not there is left out, as git does.
 */
export function findObjects(common: string): { objects: string[] } | Refused {
  const own = join(common, "objects")
  if (realPath(own) !== own) return { refused: "the git directory has no objects of its own", path: own }
  const objects = [own]
  for (let at = 0; at < objects.length; at++) {
    const odd = oddInObjects(objects[at]!)
    if (odd !== undefined) return { refused: sayOdd(odd, LINK), path: odd.path }
    const list = join(objects[at]!, "info/alternates")
    const lines = linesOf(list)
    if (lines === undefined) return { refused: UNREADABLE, path: list }
    for (const line of lines) {
      const path = realPath(line.startsWith("/") ? line : `${objects[at]}/${line}`)
      // Some versions of git take `..` before links, some after.
      if (path !== realPath(resolve(objects[at]!, line))) return { refused: UNREADABLE, path: list }
      if (path === undefined || objects.includes(path) || !statSync(path).isDirectory()) continue
      if (!existsSync(join(path, "pack"))) return { refused: "what it borrows from is no directory of objects", path }
      objects.push(path)
      if (objects.length > MAX_OBJECTS) return { refused: "it borrows objects from too many places", path: list }
    }
  }
  return { objects }
}

const LINK = "a link among objects may lead to another repository's: put what it leads to there"
const UNREADABLE = "its list of borrowed objects is not what git writes: git repack -a -d, then remove that file"

/** Undefined where git may read something else than this: a link, quoted paths, names that are no UTF-8. */
function linesOf(list: string): string[] | undefined {
  const stats = lstatSync(list, { throwIfNoEntry: false })
  if (stats === undefined) return []
  const bytes = stats.size > MAX_LIST ? undefined : readBeginning(list, MAX_LIST)
  if (bytes === undefined) return undefined
  const text = Buffer.from(bytes, "latin1").toString()
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return lines.some((line) => line.startsWith('"') || /[\0\ufffd]/.test(line)) ? undefined : lines
}
