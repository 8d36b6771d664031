// Refs, stashes and HEAD of the repository, moved to what the box made of them; never over what the host did meanwhile.
import { lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"
import type { GitStart } from "./git-directory.ts"
import { headOf, mayBeNamed, placeOfRef, type Refs, readRefs } from "./git-files.ts"
import type { GitReport } from "./types.ts"

/** Options that make nanoguard the author of what git writes. */
export const AS_NANOGUARD = ["-c", "user.name=nanoguard", "-c", "user.email=nanoguard@localhost"]

/** No hooks, no upkeep, every object checked; the file protocol is between two directories that are ours. */
export const TAKE = [
  ...AS_NANOGUARD,
  ...[
    "protocol.file.allow=always",
    // A shell's command that a repository with alternates could name (git-config(1)).
    "core.alternateRefsCommand=true",
    "transfer.fsckObjects=true",
    "fetch.fsckObjects=true",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "fetch.prune=false",
    "fetch.pruneTags=false",
    "fetch.output=compact",
  ].flatMap((setting) => ["-c", setting]),
]

/** A report that is being made. */
export type Report = { -readonly [K in keyof GitReport]: GitReport[K] } & {
  refs: { ref: string; from?: string; to: string }[]
  conflicts: { ref: string; kept: string }[]
  refused: string[]
}

interface Moves {
  before: Refs
  wanted: Refs
  space: string
  /** The one ref that may move; every one where absent. */
  only: string | undefined
}

/** In one transaction. A ref that the host has moved too, or that another working tree of the host has checked out, or a new one by a name that a script may stumble over, is kept aside. */
export async function moveRefs(
  git: Git,
  real: string[],
  common: string,
  { before, wanted, space, only }: Moves,
  report: Report,
): Promise<void> {
  const now = readRefs(common)
  const elsewhere = checkedOutElsewhere(common, real[0]!)
  const lines: string[] = []
  const moved: Report["refs"] = []
  for (const [ref, id] of wanted) {
    const from = before.get(ref)
    const place = placeOfRef(space, ref)
    const arrived = now.get(place) === id
    const isOdd = from === undefined && !mayBeNamed(ref)
    if (now.get(ref) === id) continue
    const settled = ref.startsWith("refs/tags/") && from !== undefined
    if (!arrived) report.refused.push(`${ref}: what it names is not there`)
    else if (now.get(ref) !== from || elsewhere.has(ref) || settled || isOdd || (only !== undefined && ref !== only))
      report.conflicts.push({ ref, kept: place })
    else {
      lines.push(`update ${ref} ${id} ${from ?? "0".repeat(id.length)}\n`)
      moved.push({ ref, ...(from !== undefined && { from }), to: id })
    }
  }
  if (lines.length === 0) return
  const { exitCode } = await git(
    [...TAKE, ...real, "update-ref", "-m", "nanoguard: from the box", "--stdin"],
    lines.join(""),
  )
  if (exitCode === 0) report.refs.push(...moved)
  else report.conflicts.push(...moved.map(({ ref }) => ({ ref, kept: placeOfRef(space, ref) })))
}

function checkedOutElsewhere(common: string, own: string): Set<string> {
  const directories = [common]
  const worktrees = join(common, "worktrees")
  if (lstatSync(worktrees, { throwIfNoEntry: false })?.isDirectory())
    directories.push(...readdirSync(worktrees).map((name) => join(worktrees, name)))
  const heads = directories.filter((path) => own !== `--git-dir=${path}`).map(headOf)
  return new Set(heads.flatMap((head) => (head?.startsWith("ref: ") ? [head.slice(5)] : [])))
}

interface HeadMove {
  start: GitStart
  head: string | undefined
  space: string
  gitDirectory: string
}

/**
 * Moves HEAD to what the box has checked out, unless the host has switched meanwhile; what was not moved is in `report.refused`, but for a branch that
 * is in `report.conflicts` already.
 */
export async function moveHead(
  git: Git,
  real: string[],
  { start, head, space, gitDirectory }: HeadMove,
  report: Report,
): Promise<void> {
  if (head === undefined || head === start.head) return
  if (headOf(gitDirectory) !== start.head) {
    report.refused.push("what the box has checked out: the host has switched meanwhile")
    return
  }
  const ref = head.startsWith("ref: ") ? head.slice(5) : undefined
  if (ref !== undefined && report.conflicts.some((conflict) => conflict.ref === ref)) return
  // A branch without a commit is no ref, but prompts show its name.
  if (ref !== undefined && !mayBeNamed(ref) && !start.refs.some(([name]) => name === ref)) {
    report.refused.push("what the box has checked out: a new branch whose name a script may stumble over")
    return
  }
  const args =
    ref !== undefined
      ? ["symbolic-ref", "-m", "nanoguard: from the box", "HEAD", ref]
      : ["update-ref", "--no-deref", "-m", "nanoguard: from the box", "HEAD", `${space}/detached`]
  const { exitCode } = await git([...TAKE, ...real, ...args])
  if (exitCode === 0) report.head = ref ?? head
  else report.refused.push("what the box has checked out")
}

/** Commits that a box made on no branch are kept where they arrived, unless HEAD or another ref has them by now. */
export async function keepDetached(
  git: Git,
  real: string[],
  { start, head, space }: Omit<HeadMove, "gitDirectory">,
  report: Report,
): Promise<void> {
  if (head === undefined || head.startsWith("ref: ") || head === start.head) return
  const kept = `${space}/detached`
  const others = ["--not", `--exclude=${kept}`, "--all"]
  const { stdout } = await git([...TAKE, ...real, "rev-list", "--max-count=1", kept, ...others])
  if (stdout !== "") report.conflicts.push({ ref: "HEAD", kept })
}

interface StashMoves {
  /** Oldest first. */
  stashes: readonly { id: string; message: string }[]
  space: string
  /** None is stored among the person's own. */
  aside: boolean
}

/** Most that are stored, a git each. */
const MAX_STORED = 100

/**
 * Stores the newest where `git stash` has them. Older ones, and one that git does not take, where the host holds their lock, are kept where they
 * arrived, and said to be there.
 */
export async function moveStashes(
  git: Git,
  real: string[],
  common: string,
  { stashes, space, aside }: StashMoves,
  report: Report,
): Promise<void> {
  if (stashes.length === 0) return
  const arrived = readRefs(common)
  let stored: string | undefined
  let missing = 0
  for (const [at, { id, message }] of stashes.entries()) {
    const kept = `${space}/stash/${id}`
    if (arrived.get(kept) !== id) {
      missing++
      continue
    }
    const store = ["stash", "store", "-q", "-m", message.slice(0, 500), id]
    const isOver = at < stashes.length - MAX_STORED
    if (!aside && !isOver && (await git([...TAKE, ...real, ...store])).exitCode === 0) stored = id
    else report.conflicts.push({ ref: "refs/stash", kept })
  }
  if (missing === 1) report.refused.push("a stash: what it names is not there")
  else if (missing > 1) report.refused.push(`${missing} stashes: what they name is not there`)
  if (stored !== undefined) report.refs.push({ ref: "refs/stash", to: stored })
}
