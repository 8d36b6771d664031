// What a box did in its own git directory, taken over into the repository. The box is over, so nothing in it moves. Its directory is
// read as files; git itself works in a fresh one that borrows its objects, checks each of them, and runs nothing of the box's.
import { copyFileSync, lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"
import type { Directories } from "./directories.ts"
import { compareSettings, type Settings } from "./git-config.ts"
import type { GitStart } from "./git-directory.ts"
import {
  headOf,
  isRefName,
  placeOfRef,
  type Refs,
  type Repository,
  readHead,
  readRefs,
  stashesOf,
} from "./git-files.ts"
import { isStill } from "./git-find.ts"
import { type StagedChanges, takeIndex } from "./git-index.ts"
import { keepDetached, moveHead, moveRefs, moveStashes, type Report, TAKE } from "./git-move.ts"
import { giveBack, keepObjects, makeFresh } from "./git-objects.ts"
import { stampOf } from "./stamp.ts"
import type { GitReport, WorkspaceMode } from "./types.ts"
import { commitRest } from "./worktree-rest.ts"

interface TakeOver {
  git: Git
  /** The workspace, whose repository it still has to be. */
  root: string
  /** Of the box: `git` in it is the directory it had. */
  directory: string
  run: string
  start: GitStart
  /** `direct` moves the repository's own refs; of the others only the branch of the run, and what else was made is kept aside. */
  mode: WorkspaceMode
  tree: string
  since: bigint
  directories: Directories | undefined
  hidden: readonly string[]
}

/** One return: what was asked, the places that it works with, and the report that is being made. */
interface Return extends TakeOver {
  repository: Repository
  /** The git directory that the box had. */
  box: string
  /** A bare one of our own, made for this. */
  fresh: string
  /** Options that name the repository. */
  real: string[]
  /** Where refs of the box are in the repository until they are moved. */
  space: string
  report: Report
}

/** Takes over branches, tags, stashes, what is checked out and staged, and where branches push to. Throws where git or a read of the box's files fails. */
export async function takeOver(request: TakeOver): Promise<GitReport> {
  const { git, root, directory, run, start, mode } = request
  const report: Report = { refs: [], conflicts: [], refused: [] }
  const box = join(directory, "git")
  const { repository } = start
  if (repository === null) {
    if (readHead(box) !== undefined)
      report.problem = "a repository was made in the box where there was none; it stayed there"
    return report
  }
  if (!lstatSync(box, { throwIfNoEntry: false })?.isDirectory() || readHead(box) === undefined)
    return { ...report, problem: "the box destroyed its git directory; that of the host is as it was" }
  // Nothing was written: what git would find is what there was. A worktree's files are a commit that is still to be made.
  if (mode !== "worktree" && start.stamp !== undefined && stampOf(box) === start.stamp) return report
  // A box that works above may have led it elsewhere meanwhile.
  if (!isStill(root, repository))
    return {
      ...report,
      problem:
        "the repository is not what it was when the box began; what the box committed stayed in its own directory",
    }
  const real = [`--git-dir=${repository.gitDirectory}`]
  const fresh = join(directory, "import")
  const space = `refs/nanoguard/${run}`
  const way: Return = { ...request, repository, box, fresh, real, space, report }
  const made = await collect(way)
  await fetchTips(way, made.tips)
  if (report.problem === undefined) await moveAll(way, made)
  await takeSettings(way)
  await dropSpace(git, real, repository.common, space, report)
  rmSync(fresh, { recursive: true, force: true })
  giveBack(repository.common)
  return report
}

/** What the box made. */
interface Made {
  /** Branches, tags and notes that it moved, by their names. */
  wanted: Refs
  /** Everything that is to be fetched, by its name in `space`. */
  tips: Refs
  stashes: { id: string; message: string }[]
  head: string | undefined
  /** Of `direct`. */
  index: StagedChanges | undefined
}

/** Finds what the box made, and makes `fresh` for it to be fetched from; what cannot come is in `report`. */
async function collect(way: Return): Promise<Made> {
  const { git, directory, start, mode, repository, box, fresh, real, space, report } = way
  const after = readRefs(box)
  const wanted = changedRefs(new Map(start.refs), after, report)
  const stashes = stashesOf(box).filter(({ id }) => !start.stashes.includes(id))
  const head = headOf(box)
  rmSync(fresh, { recursive: true, force: true })
  keepObjects(join(box, "objects"))
  makeFresh(fresh, box, repository, start.settings)
  if (start.branch !== undefined) await takeRest({ ...way, branch: start.branch, after, wanted })
  const tips: Refs = new Map([...wanted].map(([ref, id]) => [placeOfRef(space, ref), id]))
  for (const { id } of stashes) tips.set(`${space}/stash/${id}`, id)
  if (head !== undefined && !head.startsWith("ref: ") && head !== start.head) tips.set(`${space}/detached`, head)
  const index =
    mode !== "direct" ? undefined : await takeIndex({ git, box, fresh, initial: join(directory, "index"), real })
  if (index?.commit !== undefined) tips.set(`${space}/index`, index.commit)
  return { wanted, tips, stashes, head, index }
}

/** Brings the tips and all that they need into the repository, under names that nothing else has. Git checks every object. */
async function fetchTips({ git, fresh, real, space, report }: Return, tips: Refs): Promise<void> {
  if (tips.size === 0) return
  writeFileSync(
    join(fresh, "packed-refs"),
    [...tips]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, id]) => `${id} ${name}\n`)
      .join(""),
  )
  const fetched = await git([
    ...TAKE,
    ...real,
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    fresh,
    `+${space}/*:${space}/*`,
  ])
  if (fetched.exitCode !== 0)
    report.problem = `git refused what the box committed: ${fetched.stderr.trim().split("\n").at(-1) ?? ""}`
}

/** Moves refs, stashes, HEAD and what is staged, in this order: an index is of the commit that is checked out. */
async function moveAll(way: Return, { wanted, stashes, head, index }: Made): Promise<void> {
  const { git, start, mode, repository, real, space, report } = way
  await moveRefs(
    git,
    real,
    repository.common,
    { before: new Map(start.refs), wanted, space, only: mode === "direct" ? undefined : (start.branch ?? "") },
    report,
  )
  await moveStashes(git, real, repository.common, { stashes, space, aside: mode !== "direct" }, report)
  if (index !== undefined) {
    await moveHead(git, real, { start, head, space, gitDirectory: repository.gitDirectory }, report)
    if (!(await index.apply())) report.refused.push("what is staged: git reset takes it up")
  }
  await keepDetached(git, real, { start, head, space }, report)
}

/** Takes over settings that may come, and says which settings and hooks do not. */
async function takeSettings({ git, directory, start, mode, box, real, report }: Return): Promise<void> {
  const { comes, refused } = compareSettings(start.settings, await settingsOf(git, box, directory))
  for (const [key, value] of mode === "direct" ? comes : []) {
    const { exitCode } = await git([...real, "config", "--local", key, value])
    if (exitCode !== 0) report.refused.push(`setting ${key}`)
  }
  report.refused.push(...refused.map((key) => `setting ${key}`), ...newHooks(box, start.hooks))
}

// Remote-tracking refs say what a server has: a box has no word in that, git fetch tells. Replacements would change what commits hold.
function changedRefs(before: Refs, after: Refs, report: Report): Refs {
  const wanted: Refs = new Map()
  for (const [ref, id] of after) {
    if (before.get(ref) === id || id.startsWith("ref: ")) continue
    if (/^refs\/(heads|tags|notes)\//.test(ref)) wanted.set(ref, id)
    else if (!/^refs\/(stash$|remotes\/)/.test(ref)) report.refused.push(ref)
  }
  if ([...after].some(([ref, id]) => ref.startsWith("refs/remotes/") && before.get(ref) !== id))
    report.refused.push("what the box learned of remote branches: git fetch tells")
  for (const ref of before.keys())
    if (/^refs\/(heads|tags)\//.test(ref) && !after.has(ref)) report.refused.push(`removal of ${ref}`)
  return wanted
}

interface Rest extends Return {
  /** The branch of the run. */
  branch: string
  after: Refs
  wanted: Refs
}

/** The branch of a worktree, with a commit of what was not committed. */
async function takeRest({ branch, start, after, wanted, report, ...rest }: Rest): Promise<void> {
  const tip = after.get(branch)
  if (tip === undefined) {
    report.problem = "the box removed its branch"
    return
  }
  const { commit, left } = await commitRest({ ...rest, tip })
  if (commit === undefined) report.refused.push("what was not committed: git could not read it")
  if (left.length > 0) report.left = left.slice(0, 1000)
  // A branch for nothing would only be in the way.
  if ((commit ?? tip) === start.base) wanted.delete(branch)
  else wanted.set(branch, commit ?? tip)
}

const MAX_CONFIG = 1024 * 1024

async function settingsOf(git: Git, box: string, directory: string): Promise<Settings> {
  const stats = lstatSync(join(box, "config"), { throwIfNoEntry: false })
  if (!stats?.isFile() || stats.size > MAX_CONFIG) return []
  copyFileSync(join(box, "config"), join(directory, "config"))
  const { stdout, exitCode } = await git([
    "config",
    `--file=${join(directory, "config")}`,
    "--no-includes",
    "--list",
    "-z",
  ])
  if (exitCode !== 0) return []
  return stdout.split("\0").flatMap((entry): Settings => {
    const at = entry.indexOf("\n")
    return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)]]
  })
}

function newHooks(box: string, before: readonly string[]): string[] {
  const hooks = join(box, "hooks")
  if (!lstatSync(hooks, { throwIfNoEntry: false })?.isDirectory()) return []
  const names = readdirSync(hooks).filter((name) => !name.endsWith(".sample") && !before.includes(name))
  return names.slice(0, 20).map((name) => `hook ${name}`)
}

/** Removes what was only on its way, and keeps what is in conflict. */
async function dropSpace(git: Git, real: string[], common: string, space: string, report: Report): Promise<void> {
  const kept = new Set(report.conflicts.map((conflict) => conflict.kept))
  const lines = [...readRefs(common).keys()].filter(
    (ref) => ref.startsWith(`${space}/`) && !kept.has(ref) && isRefName(ref),
  )
  if (lines.length > 0)
    await git([...TAKE, ...real, "update-ref", "--stdin"], lines.map((ref) => `delete ${ref}\n`).join(""))
}
