// Links in a git directory. Git on the host follows them: it would read another repository's objects through one, and append to
// whatever file a log is a link to.
import { join } from "node:path"
import { entriesIn, unlessBarred } from "./below.ts"

/** What neither nanoguard nor the git that it runs opens; people do make links of these. */
const UNUSED = new Set(["hooks", "modules", "lfs", "annex", "rr-cache", "svn", "description"])
const MAX_ENTRIES = 200_000

/**
 * The first link in a git directory that git on the host could follow, absolute; a directory itself where it cannot be listed or holds
 * more than can be looked through. Of its objects their directories and packs are looked at, and no single object: one has to be what
 * its name says.
 */
export function linkIn(gitDirectory: string): string | undefined {
  const top = entriesOf(gitDirectory)
  const first = top?.find((entry) => entry.isSymbolicLink() && !UNUSED.has(entry.name))
  if (top === undefined || first !== undefined) return join(gitDirectory, first?.name ?? "")
  let seen = 0
  const queue = ["refs", "logs"].map((name) => join(gitDirectory, name))
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const entries = entriesOf(at)
    if (entries === undefined) return at
    for (const entry of entries) {
      if (++seen > MAX_ENTRIES) return gitDirectory
      if (entry.isSymbolicLink()) return join(at, entry.name)
      if (entry.isDirectory()) queue.push(join(at, entry.name))
    }
  }
  return undefined
}

/** The same of a directory of objects. */
export function linkInObjects(objects: string): string | undefined {
  for (const directory of [objects, join(objects, "info"), join(objects, "pack")]) {
    const entries = entriesOf(directory)
    const link = entries?.find((entry) => entry.isSymbolicLink())
    if (entries === undefined || link !== undefined) return join(directory, link?.name ?? "")
  }
  return undefined
}

const entriesOf = (directory: string) => unlessBarred(() => entriesIn(directory))
