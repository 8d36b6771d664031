// Links in a git directory. Git on the host follows them: it would read another repository's objects through one, and append to
// whatever file a log is a link to.
import { join } from "node:path"
import { entriesIn, unlessBarred } from "./below.ts"

/** What neither nanoguard nor the git that it runs opens; people do make links of these. */
const UNUSED = new Set(["hooks", "modules", "lfs", "annex", "rr-cache", "svn", "description"])
const MAX_ENTRIES = 200_000

/** Why a git directory, or its objects, may not be in a box: `what` is there. */
export interface Odd {
  what: "link" | "unreadable" | "many"
  path: string
}

/**
 * The first link in a git directory that git on the host could follow, or what keeps us from telling: a directory that cannot be listed, or more
 * than can be looked through. Of its objects their directories and packs are looked at, and no single object: one has to be what its name says.
 */
export function oddIn(gitDirectory: string, most = MAX_ENTRIES): Odd | undefined {
  const top = entriesOf(gitDirectory)
  if (top === undefined) return { what: "unreadable", path: gitDirectory }
  const first = top.find((entry) => entry.isSymbolicLink() && !UNUSED.has(entry.name))
  if (first !== undefined) return { what: "link", path: join(gitDirectory, first.name) }
  let seen = 0
  const queue = ["refs", "logs"].map((name) => join(gitDirectory, name))
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const entries = entriesOf(at)
    if (entries === undefined) return { what: "unreadable", path: at }
    for (const entry of entries) {
      if (++seen > most) return { what: "many", path: at }
      if (entry.isSymbolicLink()) return { what: "link", path: join(at, entry.name) }
      if (entry.isDirectory()) queue.push(join(at, entry.name))
    }
  }
  return undefined
}

/** The same of a directory of objects. */
export function oddInObjects(objects: string): Odd | undefined {
  for (const directory of [objects, join(objects, "info"), join(objects, "pack")]) {
    const entries = entriesOf(directory)
    if (entries === undefined) return { what: "unreadable", path: directory }
    const link = entries.find((entry) => entry.isSymbolicLink())
    if (link !== undefined) return { what: "link", path: join(directory, link.name) }
  }
  return undefined
}

/** Why that keeps a repository from a box, and what to do; `link` is what is said of a link. */
export function sayOdd({ what }: Odd, link: string): string {
  if (what === "link") return link
  return what === "unreadable"
    ? UNREADABLE
    : `more than ${MAX_ENTRIES} refs and logs are more than is looked through: git pack-refs --all, and remove logs of branches that are gone`
}

/** What is said of a path of the git directory that cannot be looked at. */
export const UNREADABLE = "part of the git directory cannot be read: give yourself the right to read it"

const entriesOf = (directory: string) => unlessBarred(() => entriesIn(directory))
