// What a box did not commit in its checkout, as a commit of its own: made without any program, filter or attribute of the tree's choosing.
import { type BigIntStats, lstatSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"
import { type Directories, movedIn } from "./directories.ts"
import { copyIndex } from "./git-directory.ts"
import { entriesAt } from "./git-index.ts"
import { AS_NANOGUARD } from "./git-move.ts"
import { bytesOf, fileOf, QUOTED, quotePath, textOf, unquotePath } from "./git-paths.ts"

interface Uncommitted {
  git: Git
  /** Of the box; the index that it began with is in it. */
  directory: string
  /** The git directory that the box had. */
  box: string
  /** A bare directory of ours that sees the box's objects. */
  fresh: string
  tree: string
  /** Tip of the box's branch. */
  tip: string
  since: bigint
  directories: Directories | undefined
  hidden: readonly string[]
  run: string
}

interface Rest {
  /** On top of `tip`; `tip` itself where there is nothing. Absent where git fails. */
  commit?: string
  /** What no commit can hold, or none does: paths as `GitReport` has them. */
  left: string[]
}

/** Commits what the working tree has beyond the tip of its branch. */
export async function commitRest(request: Uncommitted): Promise<Rest> {
  const { git, box, fresh, tip } = request
  const bare = `--git-dir=${fresh}`
  const absent = await absentIn(request)
  // What was staged by force may be ignored; without an index that can be read it is what was changed since.
  const staged = [...((await entriesAt(git, fresh, box)) ?? new Map<string, string>()).keys()].filter(isOfTree)
  const read = await git([bare, "read-tree", tip])
  const known = await entriesOf(git, bare)
  const untracked = await untrackedIn(request)
  const others = new Set([...untracked.paths, ...staged.map(bytesOf)].filter((path) => !known.has(path)))
  const compared = compare(request, known, [...others], absent)
  const commit =
    read.exitCode === 0 && untracked.isWhole ? await commitThese(request, bare, known, compared) : undefined
  return commit === undefined ? { left: [IN_BOX_DIRECTORY] } : { commit, left: compared.left }
}

/** Whether git takes such a path of an index, which is the box's own: one with `..` is a file of the host's. */
const isOfTree = (path: string) => path.split("/").every((part) => !/^(\.{0,2}|\.git)$/i.test(part))

/** Undefined where git fails. */
async function commitThese(
  { git, tip, run }: Uncommitted,
  bare: string,
  known: ReadonlyMap<string, string>,
  { removed, files }: Compared,
): Promise<string | undefined> {
  const hashed = await git(
    [bare, "hash-object", "-w", "--no-filters", "--stdin-paths"],
    files.map(({ from }) => `${quotePath(from)}\n`).join(""),
  )
  const ids = hashed.stdout.trim().split("\n")
  if (hashed.exitCode !== 0) return undefined
  const lines = removed.map((path) => `0 ${"0".repeat(tip.length)}\t${quotePath(path)}\n`)
  for (const [at, { path, mode }] of files.entries()) {
    const entry = `${mode} ${ids[at]} 0`
    if (known.get(path) !== entry) lines.push(`${entry}\t${quotePath(path)}\n`)
  }
  if (lines.length === 0) return tip
  const updated = await git([bare, "update-index", "--index-info"], lines.join(""))
  const written = (await git([bare, "write-tree", "--missing-ok"])).stdout.trim()
  if (updated.exitCode !== 0 || !/^[0-9a-f]{40,64}$/.test(written)) return undefined
  const same = (await git([bare, "rev-parse", `${tip}^{tree}`])).stdout.trim()
  if (same === written) return tip
  const commit = (
    await git([...AS_NANOGUARD, bare, "commit-tree", "-p", tip, "-m", `Not committed in ${run}`, written])
  ).stdout.trim()
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined
}

/** Entries of the index by path: `<mode> <id> <stage>`. */
async function entriesOf(git: Git, bare: string): Promise<Map<string, string>> {
  const { stdout } = await git([...QUOTED, bare, "ls-files", "-s"])
  return new Map(
    stdout.split("\n").flatMap((line): [string, string][] => {
      const at = line.indexOf("\t")
      return at < 0 ? [] : [[unquotePath(line.slice(at + 1)), line.slice(0, at)]]
    }),
  )
}

/** What was not checked out at the beginning: secrets, what a sparse checkout leaves out, contents that were never fetched. */
async function absentIn({ git, fresh, directory }: Uncommitted): Promise<Set<string>> {
  copyIndex(join(directory, "index"), fresh)
  const { stdout } = await git([...QUOTED, `--git-dir=${fresh}`, "ls-files", "-t"])
  return new Set(stdout.split("\n").flatMap((line) => (line.startsWith("S ") ? [unquotePath(line.slice(2))] : [])))
}

/** What the tree has beyond the index, without what is to be ignored. Git leaves out what it cannot open, and says so. */
async function untrackedIn({ git, fresh, tree }: Uncommitted): Promise<{ paths: string[]; isWhole: boolean }> {
  const here = [...QUOTED, `--git-dir=${fresh}`, `--work-tree=${tree}`]
  const { stdout, stderr, exitCode } = await git([...here, "ls-files", "-o", "--exclude-standard"])
  const paths = stdout.split("\n").flatMap((line) => (line === "" ? [] : [unquotePath(line)]))
  return { paths, isWhole: exitCode === 0 && !stderr.includes("could not open") }
}

/** The checkout, in the box's directory. */
const IN_BOX_DIRECTORY = "tree/"

interface Compared {
  removed: string[]
  left: string[]
  /** `from` is where the content lies. */
  files: { path: string; mode: string; from: string }[]
}

function compare(
  { fresh, tree, since, directories, hidden }: Uncommitted,
  known: ReadonlyMap<string, string>,
  others: readonly string[],
  absent: ReadonlySet<string>,
): Compared {
  const result: Compared = { removed: [], left: [], files: [] }
  // What a link says is hashed as a file's content: one git for all of them, however many a box makes.
  const links = join(fresh, "links")
  mkdirSync(links)
  const top = bytesOf(tree)
  const secrets = new Set(hidden)
  const isMoved = movedIn(tree, directories)
  const leave = (path: string) => void result.left.push(`${IN_BOX_DIRECTORY}${textOf(path)}`)
  const isUntouched = (path: string, { ctimeNs }: BigIntStats) =>
    known.has(path) && ctimeNs < since && !isMoved(textOf(above(path)))
  for (const path of [...repositoriesAt(top, known.keys()), ...known.keys(), ...others]) {
    const stats = statsOf(top, path)
    const isLink = known.get(path)?.startsWith("160000")
    if (stats === undefined) {
      if (known.has(path) && !isLink && !absent.has(path) && !secrets.has(textOf(path))) result.removed.push(path)
    } else if (isLink ? !isEmpty(`${top}/${path}`, stats) : /\/(\.git)?$/.test(path)) leave(path)
    // The host has something else there, of which a box has nothing.
    else if (secrets.has(textOf(path))) {
      if (!isUntouched(path, stats)) leave(path)
    } else if (stats.isDirectory()) {
      if (known.has(path) && !isLink) result.removed.push(path)
    } else if (isUntouched(path, stats)) continue
    else if (stats.isSymbolicLink()) {
      const from = join(links, `${result.files.length}`)
      writeFileSync(from, readlinkSync(fileOf(`${top}/${path}`), { encoding: "buffer" }))
      result.files.push({ path, mode: "120000", from: bytesOf(from) })
    } else if (stats.isFile())
      result.files.push({ path, mode: (stats.mode & 0o100n) === 0n ? "100644" : "100755", from: `${top}/${path}` })
  }
  return result
}

/** `.git` in directories of the commit: git lists what is new in them, and is silent about that. */
function repositoriesAt(top: string, known: Iterable<string>): string[] {
  const directories = new Set([...known].map(above))
  return [...directories].flatMap((directory) => {
    const path = `${directory}/.git`
    return directory !== "" && statsOf(top, path) !== undefined ? [path] : []
  })
}

const isEmpty = (path: string, stats: BigIntStats) => stats.isDirectory() && readdirSync(fileOf(path)).length === 0

/** Of a path through no link: a directory that is one now has nothing of the commit in it. */
function statsOf(top: string, path: string): BigIntStats | undefined {
  const parts = path.split("/")
  // Of a tree or an index that no git wrote.
  if (parts.includes("..")) return undefined
  for (let at = 1; at < parts.length; at++) {
    const directory = fileOf([top, ...parts.slice(0, at)].join("/"))
    if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return undefined
  }
  return lstatSync(fileOf(`${top}/${path}`), { bigint: true, throwIfNoEntry: false })
}

const above = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")))
