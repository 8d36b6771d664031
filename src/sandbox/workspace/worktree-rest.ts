// What a box did not commit in its checkout, as a commit of its own: made without any program, filter or attribute of the tree's choosing.
import { type BigIntStats, lstatSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Git } from "../../vet/git.ts"
import { type Directories, movedIn } from "./directories.ts"
import { AS_NANOGUARD } from "./git-move.ts"
import { bytesOf, fileOf, QUOTED, quotePath, textOf, unquotePath } from "./git-paths.ts"

interface Uncommitted {
  git: Git
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

/** A commit on top of `tip` with what the working tree has beyond it; `tip` itself where there is nothing. Undefined where git fails. */
export async function commitRest(request: Uncommitted): Promise<string | undefined> {
  const { git, fresh, tip, run } = request
  const bare = `--git-dir=${fresh}`
  const read = await git([bare, "read-tree", tip])
  if (read.exitCode !== 0) return undefined
  const known = await entriesOf(git, bare)
  const { removed, files } = compare(request, known, await untrackedIn(request))
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
  const written = (await git([bare, "write-tree"])).stdout.trim()
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

/** What the tree has beyond the index, without what is to be ignored. */
async function untrackedIn({ git, fresh, tree }: Uncommitted): Promise<string[]> {
  const here = [...QUOTED, `--git-dir=${fresh}`, `--work-tree=${tree}`]
  const { stdout } = await git([...here, "ls-files", "-o", "--exclude-standard"])
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : [unquotePath(line)]))
}

interface Compared {
  removed: string[]
  /** `from` is where the content lies. */
  files: { path: string; mode: string; from: string }[]
}

function compare(
  { fresh, tree, since, directories, hidden }: Uncommitted,
  known: ReadonlyMap<string, string>,
  others: readonly string[],
): Compared {
  const result: Compared = { removed: [], files: [] }
  // What a link says is hashed as a file's content: one git for all of them, however many a box makes.
  const links = join(fresh, "links")
  mkdirSync(links)
  const top = bytesOf(tree)
  const secrets = new Set(hidden)
  const isMoved = movedIn(tree, directories)
  for (const path of [...known.keys(), ...others]) {
    if (secrets.has(textOf(path)) || path.endsWith("/") || known.get(path)?.startsWith("160000")) continue
    const stats = statsOf(top, path)
    if (stats === undefined) {
      result.removed.push(path)
      continue
    }
    if (known.has(path) && stats.ctimeNs < since && !isMoved(textOf(above(path)))) continue
    if (stats.isSymbolicLink()) {
      const from = join(links, `${result.files.length}`)
      writeFileSync(from, readlinkSync(fileOf(`${top}/${path}`), { encoding: "buffer" }))
      result.files.push({ path, mode: "120000", from: bytesOf(from) })
    } else if (stats.isFile())
      result.files.push({ path, mode: (stats.mode & 0o100n) === 0n ? "100644" : "100755", from: `${top}/${path}` })
  }
  return result
}

/** Of a path through no link: a directory that is one now has nothing of the commit in it. */
function statsOf(top: string, path: string): BigIntStats | undefined {
  const parts = path.split("/")
  for (let at = 1; at < parts.length; at++) {
    const directory = fileOf([top, ...parts.slice(0, at)].join("/"))
    if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return undefined
  }
  return lstatSync(fileOf(`${top}/${path}`), { bigint: true, throwIfNoEntry: false })
}

const above = (path: string) => (path.includes("/") ? dirname(path) : "")
