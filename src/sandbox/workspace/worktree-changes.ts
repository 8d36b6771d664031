// `worktree`: what the box did, as the commits of one branch. Uncommitted work becomes a commit of its own, made without any program,
// filter or attribute of the tree's choosing.
import { lstatSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"
import { runsUnasked } from "./changes.ts"
import { type Directories, movedIn } from "./directories.ts"
import { parseEntries } from "./git-index.ts"
import { AS_NANOGUARD } from "./git-move.ts"
import { runsOnHost } from "./names.ts"
import type { WorkspaceState } from "./state.ts"
import type { WorkspaceChange, WorkspaceReport } from "./types.ts"

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
export async function commitRest({
  git,
  fresh,
  tree,
  tip,
  since,
  directories,
  hidden,
  run,
}: Uncommitted): Promise<string | undefined> {
  const bare = `--git-dir=${fresh}`
  const read = await git([bare, "read-tree", tip])
  if (read.exitCode !== 0) return undefined
  const entries = parseEntries((await git([bare, "ls-files", "-s", "-z"])).stdout)
  const known = new Map([...entries].filter(([, entry]) => entry.endsWith(" 0")))
  const others = (await git([bare, `--work-tree=${tree}`, "ls-files", "-o", "-z", "--exclude-standard"])).stdout.split(
    "\0",
  )
  const untracked = others.filter((path) => path !== "" && !path.endsWith("/"))
  const lines: string[] = []
  const files: { path: string; mode: string; from: string }[] = []
  // What a link says is hashed as a file's content: one git for all of them, however many a box makes.
  const links = join(fresh, "links")
  mkdirSync(links)
  const isMoved = movedIn(tree, directories)
  for (const path of [...known.keys(), ...untracked]) {
    if (
      hidden.includes(path) ||
      path.includes("\ufffd") ||
      path.includes("\n") ||
      known.get(path)?.startsWith("160000")
    )
      continue
    const stats = statsOf(tree, path)
    const isNew =
      !known.has(path) ||
      isMoved(path.slice(0, Math.max(0, path.lastIndexOf("/")))) ||
      (stats !== undefined && stats.ctimeNs >= since)
    if (stats === undefined) {
      lines.push(`0 ${"0".repeat(tip.length)}\t${path}\0`)
    } else if (isNew && stats.isSymbolicLink()) {
      const from = join(links, `${files.length}`)
      writeFileSync(from, readlinkSync(join(tree, path), { encoding: "buffer" }))
      files.push({ path, mode: "120000", from })
    } else if (isNew && stats.isFile())
      files.push({ path, mode: (stats.mode & 0o100n) === 0n ? "100644" : "100755", from: join(tree, path) })
  }
  const hashed = await git(
    [bare, "hash-object", "-w", "--no-filters", "--stdin-paths"],
    files.map(({ from }) => `${from}\n`).join(""),
  )
  const ids = hashed.stdout.trim().split("\n")
  if (hashed.exitCode !== 0) return undefined
  for (const [at, { path, mode }] of files.entries()) {
    const entry = `${mode} ${ids[at]} 0`
    if (known.get(path) !== entry) lines.push(`${entry}\t${path}\0`)
  }
  if (lines.length === 0) return tip
  const updated = await git([bare, "update-index", "-z", "--index-info"], lines.join(""))
  const written = (await git([bare, "write-tree"])).stdout.trim()
  if (updated.exitCode !== 0 || !/^[0-9a-f]{40,64}$/.test(written)) return undefined
  const same = (await git([bare, "rev-parse", `${tip}^{tree}`])).stdout.trim()
  if (same === written) return tip
  const commit = (
    await git([...AS_NANOGUARD, bare, "commit-tree", "-p", tip, "-m", `Not committed in ${run}`, written])
  ).stdout.trim()
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined
}

/** Of a path through no link: a directory that is one now has nothing of the commit in it. */
function statsOf(tree: string, path: string) {
  const parts = path.split("/")
  for (let at = 1; at < parts.length; at++)
    if (!lstatSync(join(tree, ...parts.slice(0, at)), { throwIfNoEntry: false })?.isDirectory()) return undefined
  return lstatSync(join(tree, path), { bigint: true, throwIfNoEntry: false })
}

const CHANGES = { A: "added", D: "removed" } as const

/**
 * What the branch changes against the commit that the box began with, read from objects that were checked. Answers with all of it, in no order:
 * `boundChanges` is for the end.
 */
export async function branchChanges(
  git: Git,
  state: WorkspaceState,
  there: boolean,
): Promise<Pick<WorkspaceReport, "changes" | "counts" | "partial">> {
  const counts = { added: 0, changed: 0, removed: 0 }
  if (!there) return { counts, changes: [], partial: false }
  const { stdout, exitCode } = await git([
    ...repositoryOf(state),
    "diff-tree",
    "-r",
    "-z",
    "--no-renames",
    "--raw",
    state.git!.base!,
    state.git!.branch!,
  ])
  const parts = exitCode === 0 ? stdout.split("\0") : []
  const changes: WorkspaceChange[] = []
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, , now = "", letter = ""] = /^:(\d+) (\d+) \S+ \S+ (\w)/.exec(parts[at]!) ?? []
    const path = parts[at + 1]!
    const change = CHANGES[letter as "A" | "D"] ?? "changed"
    counts[change]++
    const runs = runsUnasked(path) ?? (now === "160000" ? "git: a submodule" : runsOnHost(path))
    changes.push({
      path,
      change,
      kind: now === "120000" ? "link" : now === "160000" ? "other" : "file",
      size: 0,
      mode: Number.parseInt(now, 8) & 0o777,
      ...(runs !== undefined && { runs }),
    })
  }
  return { counts, changes, partial: exitCode !== 0 }
}

/** The diff of one path of the branch. */
export async function diffBranch(git: Git, state: WorkspaceState, { path }: WorkspaceChange): Promise<string> {
  const args = [
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--ignore-submodules=all",
    state.git!.base!,
    state.git!.branch!,
  ]
  return (await git([...repositoryOf(state), "--literal-pathspecs", ...args, "--", path])).stdout
}

const repositoryOf = (state: WorkspaceState) => [`--git-dir=${state.git!.repository!.gitDirectory}`]
