// Which lockfiles a repository has.
import { existsSync } from "node:fs"
import { readdir, realpath } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { lockfileError } from "./failure.ts"
import { FORMATS } from "./formats.ts"

/** Directories of installed packages, caches and version control: what is in them is not the repository's own. */
const SKIPPED = new Set([
  ...["node_modules", "bower_components", "vendor", ".pnpm-store", ".yarn", "__pypackages__", "site-packages"],
  ...[".git", ".hg", ".svn", ".jj", ".venv", "venv", "virtualenv", ".tox", ".nox", "__pycache__"],
])

interface Bounds {
  /** Files and directories looked at in all. */
  entries?: number
  /** Levels of directories below the root. */
  depth?: number
}

/**
 * Every lockfile under `root`, as relative paths with forward slashes, in code-unit order. Installed packages, caches and
 * virtual environments are skipped and linked directories are not followed. A linked lockfile is listed, so that reading
 * it says where it leads. Throws where a bound is reached: a search that stopped early must not look complete.
 */
export async function findLockfiles(root: string, bounds: Bounds = {}): Promise<string[]> {
  const { entries: maxEntries = 500_000, depth: maxDepth = 48 } = bounds
  const found: string[] = []
  const links: string[] = []
  const directories = [{ path: root, depth: 0 }]
  let seen = 0
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const entries = await readDirectory(directory.path, root)
    seen += entries.length
    if (seen > maxEntries) throw bound(`more than ${maxEntries} files and directories`)
    const names = new Set(entries.map((entry) => entry.name))
    if (names.has("pyvenv.cfg") && directory.path !== root) continue
    for (const entry of entries) {
      const path = join(directory.path, entry.name)
      if (entry.isDirectory()) {
        if (SKIPPED.has(entry.name) || isBuildCache(path, entry.name)) continue
        if (directory.depth >= maxDepth) throw bound(`directories more than ${maxDepth} levels deep`)
        directories.push({ path, depth: directory.depth + 1 })
      } else if (isLockfile(entry.name, names)) (entry.isSymbolicLink() ? links : found).push(path)
    }
  }
  const real = new Set(await Promise.all(found.map((path) => realpath(path).catch(() => path))))
  for (const link of links) {
    const target = await realpath(link).catch(() => undefined)
    if (target === undefined || !real.has(target)) found.push(link)
  }
  return found.map((path) => relative(root, path).split(sep).join("/")).sort()
}

/** A file that a reader knows, or one that it must name a way around for; npm ignores package-lock.json beside a shrinkwrap. */
function isLockfile(name: string, siblings: ReadonlySet<string>): boolean {
  if (name === "package-lock.json") return !siblings.has("npm-shrinkwrap.json")
  if (name === "bun.lockb") return !siblings.has("bun.lock")
  return FORMATS.some((format) => format.name.test(name))
}

/** Cargo's `target` holds copies of the lockfiles of packages; it is told from a project of that name by its cache tag. */
function isBuildCache(path: string, name: string): boolean {
  return name === "target" && existsSync(join(path, "CACHEDIR.TAG"))
}

async function readDirectory(path: string, root: string) {
  try {
    return await readdir(path, { withFileTypes: true })
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
