// Which lockfiles a repository has.
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs"
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path"
import { lockfileError } from "./failure.ts"
import { formatOf } from "./formats.ts"

/** Installed packages and version control: what is in them is not the repository's own. */
const SKIPPED = new Set([
  ...["node_modules", ".pnpm-store", "__pypackages__", "site-packages"],
  ...[".git", ".hg", ".svn", ".jj", "__pycache__"],
])

/** Copies of other people's packages and virtual environments: left out as well, but anything could be called that. */
const COPIES = new Set(["vendor", "bower_components", ".yarn", ".venv", "venv", "virtualenv", ".tox", ".nox"])
/** Files and directories looked at in all copies. */
const MAX_COPIED = 20_000
/** The same for build output, whose rest is not worth a word: a repository that was just cloned has none. */
const MAX_BUILT = 5_000

interface Bounds {
  /** Files and directories looked at in all. */
  entries?: number
  /** Levels of directories below the root. */
  depth?: number
  /** Is told of what is left out: lockfiles in copies (`vendor`), and directories (with a slash) that are too large to search, or linked from outside of the root. */
  leftOut?: (path: string) => void
}

interface Directory {
  path: string
  /** Without links. */
  real: string
}

/**
 * Every lockfile under `root`, as relative paths with forward slashes, in code-unit order. Installed packages, caches and
 * virtual environments are left out. A linked directory is searched where it leads to a place under `root` that is not
 * searched under its own name. A linked lockfile is listed, so that reading
 * it says where it leads, unless it is one of the others in every respect. Throws where a bound is reached: a search that stopped early must not look complete.
 */
export async function findLockfiles(root: string, bounds: Bounds = {}): Promise<string[]> {
  const { entries: maxEntries = 500_000, depth: maxDepth = 48 } = bounds
  const found: string[] = []
  const links: string[] = []
  const realRoot = realPathOf(root) ?? root
  const directories = [{ path: root, real: realRoot, depth: 0 }]
  const copies: Directory[] = []
  const built: Directory[] = []
  const outside: string[] = []
  let seen = 0
  const linked: typeof directories = []
  const walked = new Set<string>()
  const searched = new Set<string>()
  // Linked directories come last: where they lead is mostly searched by then under its own name.
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop() ?? linked.pop()) {
    const place = placeOf(directory)
    if (walked.has(place)) continue
    walked.add(place)
    const entries = await readDirectory(directory.path, root)
    seen += entries.length
    if (seen > maxEntries) throw bound(`more than ${maxEntries} files and directories`)
    const names = fileNames(entries)
    if (names.has("pyvenv.cfg") && directory.path !== root) {
      copies.push(directory)
      continue
    }
    searched.add(place)
    for (const entry of entries) {
      const path = join(directory.path, entry.name)
      const isLink = entry.isSymbolicLink() && !isLockfile(path, names) && isDirectory(path)
      if (entry.isDirectory() || isLink) {
        if (SKIPPED.has(entry.name)) continue
        // Asked of links alone: a call of the system for each directory took most of the time of a search.
        const real = isLink ? (realPathOf(path) ?? path) : join(directory.real, entry.name)
        if (isLink && !isWithin(real, realRoot)) {
          outside.push(`${path}${sep}`)
          continue
        }
        if (COPIES.has(entry.name)) {
          copies.push({ path, real })
          continue
        }
        if (isBuildCache(path, entry.name)) {
          built.push({ path, real })
          continue
        }
        if (directory.depth >= maxDepth) throw bound(`directories more than ${maxDepth} levels deep`)
        ;(isLink ? linked : directories).push({ path, real, depth: directory.depth + 1 })
      } else if (isLockfile(path, names)) (entry.isSymbolicLink() ? links : found).push(path)
    }
  }
  const real = new Set(links.length > 0 ? found.map((path) => realPathOf(path) ?? path) : [])
  for (const link of links) {
    const target = realPathOf(link)
    if (target === undefined || !real.has(target) || !readsAlike(link, target)) found.push(link)
  }
  const shown = (path: string) => relative(root, path).split(sep).join("/") + (path.endsWith(sep) ? "/" : "")
  if (bounds.leftOut) {
    const left = await searchCopies(copies, searched, root, MAX_COPIED)
    const some = (await searchCopies(built, searched, root, MAX_BUILT)).filter((path) => !path.endsWith(sep))
    for (const path of [...left, ...some, ...outside].map(shown).sort()) bounds.leftOut(path)
  }
  return found.map(shown).sort()
}

/** Lockfiles in copies, but not in what was searched, and the copies that there was no time for; never throws for their size. */
async function searchCopies(
  copies: readonly Directory[],
  searched: ReadonlySet<string>,
  root: string,
  max: number,
): Promise<string[]> {
  const found: string[] = []
  const directories = [...copies]
  let seen = 0
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    // A link leads to it, or this is one.
    if (searched.has(placeOf(directory))) continue
    if (seen > max) {
      found.push(`${directory.path}${sep}`)
      continue
    }
    const entries = await readDirectory(directory.path, root)
    seen += entries.length
    const names = fileNames(entries)
    for (const entry of entries) {
      const path = join(directory.path, entry.name)
      if (!entry.isDirectory() && isLockfile(path, names)) found.push(path)
      if (entry.isDirectory() && !SKIPPED.has(entry.name))
        directories.push({ path, real: join(directory.real, entry.name) })
    }
  }
  return found
}

/** A directory that is called npm-shrinkwrap.json makes npm ignore nothing. */
function fileNames(entries: Awaited<ReturnType<typeof readDirectory>>): Set<string> {
  return new Set(entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name))
}

/** A file that a reader knows, or one that it must name a way around for; npm ignores package-lock.json beside a shrinkwrap. */
function isLockfile(path: string, siblings: ReadonlySet<string>): boolean {
  const name = basename(path)
  if (name === "package-lock.json") return !siblings.has("npm-shrinkwrap.json")
  if (name === "bun.lockb") return !siblings.has("bun.lock")
  return formatOf(path.split(sep).join("/")) !== undefined
}

/** Cargo's `target` holds copies of the lockfiles of packages; it is told from a project of that name by its cache tag. */
function isBuildCache(path: string, name: string): boolean {
  return name === "target" && existsSync(join(path, "CACHEDIR.TAG"))
}

/** The name says how a file is read, and its directory what it refers to: only where both are the same is a link the file that it leads to. */
function readsAlike(link: string, target: string): boolean {
  const format = (path: string) => formatOf(path.split(sep).join("/"))
  return format(link) === format(target) && realPathOf(dirname(link)) === dirname(target)
}

/** What tells a directory from those that were searched: where it really is, and whether it has the one name by which files in it are told. */
function placeOf({ path, real }: Directory): string {
  const named = basename(path).toLowerCase() === "requirements"
  return named ? `${real}${sep}requirements` : `${real}${sep}`
}

function isWithin(path: string, root: string): boolean {
  const within = relative(root, path)
  return within !== ".." && !within.startsWith(`..${sep}`) && !isAbsolute(within)
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

async function readDirectory(path: string, root: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    const shown = relative(root, path).split(sep).join("/") || "."
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error"
    throw lockfileError(`the directory cannot be read (${code})`, { file: shown }, "check its name and its permissions")
  }
}

function bound(what: string): Error {
  return lockfileError(
    `the search for lockfiles found ${what}`,
    { file: "." },
    "name the directories or lockfiles to vet",
  )
}
