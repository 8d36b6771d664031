// A copy of the project to work in: package managers change files there, and only what was vetted comes back.
import {
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { FORMATS } from "../../packages/lockfiles/formats.ts"
import { cleanSettings, isLeftOut } from "./settings.ts"

export interface WorkingCopy {
  /** Where the copy is. */
  dir: string
  /** The real directory that it is a copy of. */
  root: string
  /** Manifests and lockfiles as they were in `root`, by path relative to it: the only files that may change. */
  originals: ReadonlyMap<string, Buffer>
}

const MAX_FILES = 200_000
const MAX_BYTES = 1024 * 1024 * 1024
/** Larger files are neither sources nor manifests; lockfiles are copied whatever their size. */
const MAX_FILE_BYTES = 8 * 1024 * 1024

const MANIFEST = /^(package\.json|pnpm-workspace\.yaml|pyproject\.toml|Pipfile|Cargo\.toml|go\.(mod|sum))$/

/** A file that a package manager, or an edit of ours, may change. */
function isChangeable(path: string): boolean {
  const name = basename(path)
  return MANIFEST.test(name) || FORMATS.some((format) => format.name.test(name)) || /\.(txt|in)$/.test(name)
}

/** What a manager takes by its name, and gets here only as it was looked at or written anew: a link would lead it to something else by that name. */
function isTakenByName(path: string): boolean {
  const taken = /^(?:\.cargo|pyproject\.toml|Pipfile|pnpm-workspace\.yaml)$/.test(basename(path))
  return taken || isLeftOut(`${path}/`) || cleanSettings(path, () => "") !== undefined
}

export function isLockfileName(path: string): boolean {
  return basename(path) === "go.sum" || FORMATS.some((format) => format.name.test(basename(path)))
}

/**
 * Copies `files`, paths relative to `root`, to `dir`. Links that leave the root are left out, as are settings by which a
 * repository would have a package manager run programs of its own. Throws `NanoguardError` where it is too much.
 */
export function copyTree(root: string, files: readonly string[], dir: string): WorkingCopy {
  if (files.length > MAX_FILES) throw tooLarge(`${files.length} files`)
  const originals = new Map<string, Buffer>()
  const real = createRealDirectories(root)
  let bytes = 0
  for (const path of files) {
    if (isLeftOut(path) || !real.has(dirname(path))) continue
    const from = join(root, path)
    const to = join(dir, path)
    const stat = lstatSync(from, { throwIfNoEntry: false })
    if (stat === undefined) continue
    if (stat.isSymbolicLink()) {
      if (!isTakenByName(path)) copyLink(root, from, to)
      else copySettings(root, path, to)
      continue
    }
    const changeable = isChangeable(path)
    if (!stat.isFile() || (stat.size > MAX_FILE_BYTES && !isLockfileName(path))) continue
    bytes += stat.size
    if (bytes > MAX_BYTES) throw tooLarge("1 GiB")
    mkdirSync(dirname(to), { recursive: true })
    if (changeable) {
      const content = readFileSync(from)
      originals.set(path, content)
      writeFileSync(to, content)
      continue
    }
    const cleaned = cleanSettings(path, () => readFileSync(from, "utf8"))
    if (cleaned === undefined) copyFileSync(from, to, constants.COPYFILE_FICLONE)
    else writeFileSync(to, cleaned)
  }
  return { dir, root, originals }
}

/** Remembers which directories are directories all the way from the root: a tracked path may lead through a link today. */
function createRealDirectories(root: string): { has: (directory: string) => boolean } {
  const known = new Map<string, boolean>([[".", true]])
  const has = (directory: string): boolean => {
    const before = known.get(directory)
    if (before !== undefined) return before
    const stat = lstatSync(join(root, directory), { throwIfNoEntry: false })
    const is = directory !== ".." && has(dirname(directory)) && stat?.isDirectory() === true
    known.set(directory, is)
    return is
  }
  return { has }
}

/** A link by the name of settings becomes what its file has of them, as one of that name would: projects of one repository share theirs so. */
function copySettings(root: string, path: string, to: string): void {
  if (cleanSettings(path, () => "") === undefined) return
  try {
    const real = realpathSync(join(root, path))
    const stat = lstatSync(real)
    if (!isInside(realpathSync(root), real) || !stat.isFile() || stat.size > MAX_FILE_BYTES) return
    const cleaned = cleanSettings(path, () => readFileSync(real, "utf8"))
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, cleaned ?? "")
  } catch (error) {
    // It leads nowhere.
    if (!["ENOENT", "ELOOP", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
  }
}

function copyLink(root: string, from: string, to: string): void {
  const text = readlinkSync(from)
  if (isAbsolute(text) || !isInside(root, resolve(dirname(from), text))) return
  try {
    if (!isInside(realpathSync(root), realpathSync(from))) return
  } catch {
    return
  }
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(text, to)
}

export function isInside(root: string, path: string): boolean {
  const rest = relative(root, path)
  return rest !== ".." && !rest.startsWith(`..${sep}`) && !isAbsolute(rest)
}

function tooLarge(what: string): NanoguardError {
  return new NanoguardError(`the project has more than can be copied to be fixed (${what})`, {
    exit: EXIT.usage,
    hint: "run nanoguard vet --fix in the directory of one lockfile, or make the commands' changes yourself",
  })
}

/** The changeable files as they are in the copy now, by path; null for one that is gone. */
export function takeSnapshot({ dir, originals }: WorkingCopy): Map<string, Buffer | null> {
  const now = new Map<string, Buffer | null>()
  for (const path of new Set([...originals.keys(), ...newcomers(originals.keys())])) {
    const stat = lstatSync(join(dir, path), { throwIfNoEntry: false })
    if (stat?.isFile()) now.set(path, readFileSync(join(dir, path)))
    else if (originals.has(path)) now.set(path, null)
  }
  return now
}

/** Files that a manager creates beside those that are there. */
function newcomers(paths: Iterable<string>): string[] {
  const names = new Map([
    ["go.mod", "go.sum"],
    ["pnpm-lock.yaml", "pnpm-workspace.yaml"],
  ])
  const found: string[] = []
  for (const path of paths) {
    const name = names.get(basename(path))
    if (name !== undefined) found.push(join(dirname(path), name))
  }
  return found
}

/** Puts the changeable files back as a snapshot has them. */
export function restoreSnapshot(copy: WorkingCopy, snapshot: ReadonlyMap<string, Buffer | null>): void {
  for (const path of takeSnapshot(copy).keys()) if (!snapshot.has(path)) rmSync(join(copy.dir, path), { force: true })
  for (const [path, content] of snapshot) {
    const file = join(copy.dir, path)
    if (content === null) rmSync(file, { force: true, recursive: true })
    else writeFileSync(file, content)
  }
}

export interface Change {
  /** Relative to the root, forward slashes. */
  path: string
  /** Null: a new file. */
  before: Buffer | null
  after: Buffer
}

/** What differs from the originals. A file that a manager took away is not a change: nothing of the project is deleted. */
export function changesIn(copy: WorkingCopy): Change[] {
  const changes: Change[] = []
  for (const [path, after] of takeSnapshot(copy)) {
    const before = copy.originals.get(path) ?? null
    if (after !== null && (before === null || !before.equals(after))) changes.push({ path, before, after })
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1))
}
