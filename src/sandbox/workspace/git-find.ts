// Which repository a workspace is the working tree of. What `.git` says may be the word of an agent or of an archive: another directory
// counts only where it names this workspace back, and nothing in it may lead elsewhere.
import { lstatSync, readdirSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { findObjects } from "./git-alternates.ts"
import { type Repository, readHead } from "./git-files.ts"
import { oddIn, sayOdd, UNREADABLE } from "./git-links.ts"
import { isWithin, realPath } from "./places.ts"
import { readBeginning } from "./secrets.ts"

/** Nothing of it is there where there is no repository. */
export interface FoundRepository {
  repository?: Repository
  /** What git on the host works with, whether a box may have it or not: its settings say what there to keep from a box. */
  gitDirectory?: string
  /** Why no box may have it, and what to do. */
  refused?: string
  /** Which path of the host that is about; not cleaned. */
  path?: string
}

/** The repository whose working tree begins at `root`, a real path. Reads files and runs nothing. */
export function findRepository(root: string): FoundRepository {
  try {
    return lookFor(root)
  } catch (error) {
    // Trying again does not help where rights or a path bar us from it; whatever else it was may be over the next time.
    const { code, path = join(root, ".git") } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (["EACCES", "EPERM", "ELOOP", "ENAMETOOLONG"].includes(code)) return { refused: UNREADABLE, path }
    throw new NanoguardError(`the repository cannot be looked at (${code})`, {
      ...{ exit: EXIT.environment, where: { file: path }, cause: error },
      hint: "try again once nothing keeps it from being read",
    })
  }
}

const LINK = "a link in the git directory may lead to another one: put what it leads to in its place"

function lookFor(root: string): FoundRepository {
  const path = join(root, ".git")
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return {}
  const file = stats.isFile()
  if (file && readBeginning(path, 1) === undefined) return { refused: UNREADABLE, path }
  const gitDirectory = file ? pathIn(path, root, "gitdir: ") : realPath(path)
  if (gitDirectory === undefined || !lstatSync(gitDirectory).isDirectory())
    return { refused: ".git names a directory that is not there", path }
  const refuse = (refused: string, about = gitDirectory) => ({ gitDirectory, refused, path: about })
  if (!file && !stats.isDirectory()) return refuse(".git is a link, and no directory")
  if (!file && readdirSync(gitDirectory).length === 0) return {}
  const common = commonOf(root, gitDirectory, file)
  if (typeof common !== "string") return refuse(common.refused)
  const odd = oddIn(gitDirectory) ?? (common === gitDirectory ? undefined : oddIn(common))
  if (odd !== undefined) return refuse(sayOdd(odd, LINK), odd.path)
  if (readHead(gitDirectory) === undefined) return refuse(headRefusal(gitDirectory, common), join(gitDirectory, "HEAD"))
  const found = findObjects(common)
  if ("refused" in found) return refuse(found.refused, found.path)
  const { objects } = found
  const own = [root, gitDirectory, common]
  const borrowed = objects.filter((place) => !own.some((directory) => isWithin(place, directory)))
  return { gitDirectory, repository: { gitDirectory, common, file, objects, borrowed } }
}

/** Why HEAD cannot be read. With reftables it names a branch that cannot be (gitrepository-layout(5)). */
function headRefusal(gitDirectory: string, common: string): string {
  if (lstatSync(join(common, "reftable"), { throwIfNoEntry: false }) !== undefined)
    return "it keeps its refs as reftables, which a box cannot have: git refs migrate --ref-format=files"
  const bytes = readBeginning(join(gitDirectory, "HEAD"), MAX_LINE)
  if (bytes === undefined && lstatSync(join(gitDirectory, "HEAD"), { throwIfNoEntry: false })?.isFile())
    return UNREADABLE
  const head = Buffer.from(bytes ?? "", "latin1").toString()
  return head.startsWith("ref: refs/heads/") && head.includes("\ufffd")
    ? "the branch that is checked out has a name that is no text (UTF-8): give it another, git branch -m <name>"
    : ".git is damaged: its HEAD names no branch and no commit (git fsck says more)"
}

/** Whether `root` still has the repository that a box began with, and that borrows from nowhere else by now. */
export function isStill(root: string, { gitDirectory, common, objects }: Repository): boolean {
  const { repository: now } = findRepository(root)
  return (
    now?.gitDirectory === gitDirectory && now.common === common && now.objects.every((path) => objects.includes(path))
  )
}

/**
 * Where objects and refs are, and what says that the directory is this workspace's: `gitdir` of a linked worktree
 * (gitrepository-layout(5)), or `core.worktree`, which every submodule has (git-config(1)).
 */
function commonOf(root: string, gitDirectory: string, file: boolean): string | { refused: string } {
  const shared = join(gitDirectory, "commondir")
  const isLinked = lstatSync(shared, { throwIfNoEntry: false }) !== undefined
  if (!file)
    return isLinked
      ? { refused: ".git says by a file commondir that it is part of another repository: remove that file" }
      : gitDirectory
  if (isWithin(gitDirectory, root))
    return {
      refused: isBare(gitDirectory)
        ? ".git names a bare repository of the workspace, which a box may only read: start it in one of its working trees (git worktree list)"
        : ".git names a directory of the workspace, which a box could write: move it to .git",
    }
  if (isLinked) {
    const common = dirname(dirname(gitDirectory))
    if (
      basename(dirname(gitDirectory)) === "worktrees" &&
      pathIn(shared, gitDirectory) === common &&
      pathIn(join(gitDirectory, "gitdir"), gitDirectory) === join(root, ".git")
    )
      return common
    return { refused: ".git names another working tree's directory: where it was moved, git worktree repair mends it" }
  }
  const named = workTreeOf(gitDirectory)
  if (named !== undefined && realPath(from(gitDirectory, named)) === root) return gitDirectory
  return {
    refused:
      ".git names a directory that does not name this one back: where it is yours, git config core.worktree <this directory> says so",
  }
}

/** The directory below `root` that a file `.git` names from there, relative; undefined where it names it by any other path, or another one. */
export function namedBelow(root: string): string | undefined {
  const text = readBeginning(join(root, ".git"), MAX_LINE) ?? ""
  const real = /^gitdir: \//.test(text) ? undefined : pathIn(join(root, ".git"), root, "gitdir: ")
  return real !== undefined && real !== root && isWithin(real, root) ? relative(root, real) : undefined
}

const MAX_LINE = 4096

/** The real path that a file names after `prefix`, as git reads it: relative to `base`, to the end of its only line. */
function pathIn(file: string, base: string, prefix = ""): string | undefined {
  if ((lstatSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_LINE) return undefined
  const text = Buffer.from(readBeginning(file, MAX_LINE) ?? "", "latin1").toString()
  const named = text.slice(prefix.length).replace(/[\r\n]+$/, "")
  return text.startsWith(prefix) && named !== "" ? realPath(from(base, named)) : undefined
}

// Never normalized: `link/..` is the directory above what the link leads to.
const from = (base: string, path: string) => (path.startsWith("/") ? path : `${base}/${path}`)

const MAX_CONFIG = 1024 * 1024

/** `core.worktree` as the directory's own settings say it, without what they include; undefined where it is spelled in an unusual way. */
const workTreeOf = (gitDirectory: string) => coreSetting(gitDirectory, "worktree")

const isBare = (gitDirectory: string) => coreSetting(gitDirectory, "bare")?.toLowerCase() === "true"

function coreSetting(gitDirectory: string, name: "worktree" | "bare"): string | undefined {
  const assigned = new RegExp(`^\\s*${name}\\s*=\\s*(.*?)\\s*$`, "i")
  let value: string | undefined
  for (const file of ["config", "config.worktree"]) {
    const text = Buffer.from(readBeginning(join(gitDirectory, file), MAX_CONFIG) ?? "", "latin1").toString()
    let isCore = false
    for (const row of text.split("\n")) {
      if (/^\s*\[/.test(row)) isCore = /^\s*\[core\]\s*$/i.test(row)
      const said = isCore ? assigned.exec(row)?.[1] : undefined
      if (said !== undefined) value = unquote(said)
    }
  }
  return value
}

function unquote(value: string): string | undefined {
  const inner = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)?.[1]
  if (inner !== undefined) return inner.replace(/\\(.)/g, "$1")
  return /["\\#;]/.test(value) ? undefined : value
}
