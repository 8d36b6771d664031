// One walk over the workspace before the box starts: secrets in it, what is protected, repositories in it. Links are not followed.
import { type Dirent, readlinkSync } from "node:fs"
import { compileGlob } from "../../policy/glob.ts"
import { entriesIn, statsAt, unlessBarred } from "./below.ts"
import { isHeavy, neverWritten, runsOnHost, secretByName } from "./names.ts"
import { holdsSecret, readBeginning } from "./secrets.ts"

/** Paths relative to the root, with forward slashes. */
export interface Found {
  /** Secrets: nothing of them enters the box. */
  masked: { path: string; directory: boolean }[]
  /** Sockets and pipes: somebody on the host may listen. */
  channels: string[]
  /** List one and what the policy protects, as it is there. */
  protected: { path: string; directory: boolean }[]
  /** Those of them that are links, with what they say: nothing can be mounted over a link. */
  links: { path: string; target: string }[]
  /** `.git` of repositories below the root, the root's own left out, and git directories of any other name. */
  repositories: { path: string; directory: boolean }[]
  /** List two as it is there. */
  working: string[]
  /** package.json files as they are now, to say later which scripts changed. */
  manifests: { path: string; text: string }[]
  /** The first file of an installed package whose content is that of another file too, as a store outside has it. */
  shared: string | undefined
  /** Directories that were not looked into because a bound was reached; a few of them. */
  unseen: string[]
}

interface WalkBounds {
  entries: number
  depth: number
  /** Milliseconds. */
  time: number
}

interface WalkOptions {
  bounds?: WalkBounds
  /** Then what is called .git at the top is no repository of the box's. */
  isMount?: boolean
  /** Whether what lies at a path of the host was masked at another one (`remembered.ts`). */
  wasMasked?: (path: string) => boolean
}

const BOUNDS: WalkBounds = { entries: 400_000, depth: 40, time: 8000 }
/** Paths of list two that are kept. */
export const MAX_WORKING = 5000
const MAX_MANIFESTS = 200
/** Bytes of a package.json that are read: as many at the end, or the two could not be compared. */
export const MAX_MANIFEST = 256 * 1024
const MAX_UNSEEN = 10
/** A branch that is called build is no program. */
const IN_GIT = /(^|\/)\.git\//i
/** By its name no secret, and there may be many. */
const OBJECT = /^[0-9a-f]{38}(?:[0-9a-f]{24})?$/

/**
 * Walks `root` breadth first, so that a bound leaves out what lies deepest. `mask` and `protect` are path patterns below the root.
 * In directories of installed packages only names that are secret by themselves count: their many .pem files are test data.
 */
export function walkWorkspace(
  root: string,
  mask: readonly string[],
  protect: readonly string[],
  { bounds = BOUNDS, isMount = false, wasMasked = () => false }: WalkOptions = {},
): Found {
  const found = nothingFound()
  const masks = testerOf(mask)
  const protects = testerOf(protect)
  const end = performance.now() + bounds.time
  let seen = 0
  let queue = [{ path: "", depth: 0, heavy: false, inGit: false }]
  while (queue.length > 0) {
    const next: typeof queue = []
    for (const directory of queue) {
      if (seen > bounds.entries || directory.depth > bounds.depth || performance.now() > end) {
        if (found.unseen.length < MAX_UNSEEN) found.unseen.push(directory.path === "" ? "." : directory.path)
        continue
      }
      const entries = entriesOf(found, root, directory.path)
      // Anything may be made to look like one, or called .git, with secrets in it: it is looked through as any other directory.
      const isGits = directory.path !== "" && !directory.heavy && isGitsOf(entries)
      if (isGits && !directory.inGit) found.repositories.push({ path: directory.path, directory: true })
      for (const entry of entries) {
        if (directory.inGit && entry.isFile() && OBJECT.test(entry.name)) continue
        seen++
        const path = directory.path === "" ? entry.name : `${directory.path}/${entry.name}`
        const isDirectory = entry.isDirectory()
        const lower = entry.name.toLowerCase()
        if (lower === ".git") {
          if (directory.path === "" && !isMount && isItsOwn(root, entry.name)) continue
          found.repositories.push({ path, directory: isDirectory })
          if (isDirectory) next.push({ path, depth: directory.depth + 1, heavy: directory.heavy, inGit: true })
          continue
        }
        if (entry.isSocket() || entry.isFIFO()) {
          found.channels.push(path)
          continue
        }
        if (isSecret(root, path, entry, directory.heavy) || masks(path) || wasMasked(join(root, path))) {
          // A link shows nothing that the box does not see anyway: what it leads to is outside, or masked itself.
          if (!entry.isSymbolicLink()) found.masked.push({ path, directory: isDirectory })
          continue
        }
        if ((!directory.heavy && neverWritten(entry.name)) || protects(path)) {
          if (entry.isSymbolicLink()) found.links.push({ path, target: readlinkSync(join(root, path)) })
          else found.protected.push({ path, directory: isDirectory })
          if (!isDirectory) continue
        }
        if (isDirectory) {
          const heavy = directory.heavy || isHeavy(entry.name)
          if (heavy && !directory.heavy) found.shared ??= sharedIn(root, path)
          next.push({ path, depth: directory.depth + 1, heavy, inGit: directory.inGit || isGits })
        } else if (!directory.heavy && !IN_GIT.test(path) && runsOnHost(path) !== undefined) {
          if (found.working.length < MAX_WORKING) found.working.push(path)
          if (lower === "package.json") addManifest(found, root, path)
        }
      }
    }
    queue = next
  }
  return found
}

/**
 * Whether a directory with these names in it is one of git's, whatever it is called (gitrepository-layout(5)): working trees elsewhere may
 * name it, as beside a bare clone, and git takes it for a repository wherever somebody stands in it.
 */
export function isGitDirectory(names: readonly string[], isDirectory: (name: string) => boolean): boolean {
  // The host's file system may fold case.
  const all = (name: string) => names.filter((one) => one.length === name.length && one.toLowerCase() === name)
  const has = (name: string) => all(name).length > 0
  // Many a project has directories called Head, Objects and Refs: git's HEAD is none.
  return (has("commondir") || (has("objects") && has("refs"))) && all("head").some((name) => !isDirectory(name))
}

/** Says of names in a directory whether they are directories; what cannot be looked at is none. */
export const directoriesIn = (directory: string) => (name: string) =>
  unlessBarred(() => statsAt(join(directory, name)))?.isDirectory() === true

const isGitsOf = (entries: readonly Dirent[]) =>
  isGitDirectory(
    entries.map(({ name }) => name),
    (name) => entries.some((entry) => entry.name === name && entry.isDirectory()),
  )

/** Whether what lies at the top by this name is what git takes for the repository. By another spelling it is a directory like any other. */
function isItsOwn(root: string, name: string): boolean {
  if (name === ".git") return true
  const [one, own] = [name, ".git"].map((name) => statsAt(join(root, name)))
  return one !== undefined && own !== undefined && one.dev === own.dev && one.ino === own.ino
}

/** Of a workspace that the box sees nothing of. */
export const nothingFound = (): Found => ({
  masked: [],
  channels: [],
  protected: [],
  links: [],
  repositories: [],
  working: [],
  manifests: [],
  shared: undefined,
  unseen: [],
})

/** What cannot be looked into counts as a secret: the box may have, or give itself, the right to it. */
function entriesOf({ masked, unseen }: Found, root: string, path: string): Dirent[] {
  const list = () => entriesIn(join(root, path))
  const bar = (code: string) => {
    // Nothing can be mounted at the end of such a path.
    if (code !== "ENAMETOOLONG") masked.push({ path, directory: true })
    else if (unseen.length < MAX_UNSEEN) unseen.push(path)
  }
  return path === "" ? list() : (unlessBarred(list, bar) ?? [])
}

const join = (root: string, path: string) => (path === "" ? root : `${root}/${path}`)

function isSecret(root: string, path: string, entry: Dirent, heavy: boolean): boolean {
  const kind = secretByName(path, entry.isDirectory())
  if (kind === undefined) return false
  if (kind === true) return true
  if (heavy || !entry.isFile()) return false
  return holdsSecret(join(root, path), kind)
}

function addManifest(found: Found, root: string, path: string): void {
  if (found.manifests.length >= MAX_MANIFESTS) return
  const text = readBeginning(join(root, path), MAX_MANIFEST)
  if (text !== undefined) found.manifests.push({ path, text })
}

/** The first file below a directory of packages that has another name elsewhere, as pnpm and uv make them. A few are looked at. */
function sharedIn(root: string, path: string): string | undefined {
  let directories = [path]
  for (let depth = 0, looked = 0; depth < 8 && directories.length > 0; depth++) {
    const next: string[] = []
    for (const directory of directories.slice(0, 8)) {
      for (const entry of (unlessBarred(() => entriesIn(join(root, directory))) ?? []).slice(0, 40)) {
        if (entry.isDirectory()) next.push(`${directory}/${entry.name}`)
        else if (entry.isFile() && looked++ < 60) {
          const stats = unlessBarred(() => statsAt(join(root, `${directory}/${entry.name}`)))
          if (stats !== undefined && stats.nlink > 1n) return `${directory}/${entry.name}`
        }
      }
    }
    directories = next
  }
  return undefined
}

/** Tests paths against patterns; one without a slash means the name anywhere, one that begins with / the path from the root. */
function testerOf(patterns: readonly string[]): (path: string) => boolean {
  const globs = patterns.flatMap((text) => {
    const plain = text
      .replace(/^\.?\//, "")
      .replace(/\/(\*\*)?$/, "")
      .toLowerCase()
    const anywhere = !plain.includes("/") && !text.startsWith("/") && !text.startsWith("./")
    return compileGlob(anywhere ? `**/${plain}` : plain) ?? []
  })
  return globs.length === 0 ? () => false : (path) => globs.some(({ test }) => test(path.toLowerCase()))
}
