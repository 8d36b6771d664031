// What a box did in its own git directory, taken over into the repository. The box is over, so nothing in it moves. Its directory is
// read as files; git itself works in a fresh one that borrows its objects, checks each of them, and runs nothing of the box's.
import { copyFileSync, lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"
import { compareSettings, type Settings } from "./git-config.ts"
import { type GitStart, stashesOf } from "./git-directory.ts"
import { headOf, isRefName, type Refs, readHead, readRefs } from "./git-files.ts"
import { takeIndex } from "./git-index.ts"
import { moveHead, moveRefs, type Report, TAKE } from "./git-move.ts"
import { giveBack, keepObjects, makeFresh } from "./git-objects.ts"
import { stampOf } from "./stamp.ts"
import type { GitReport, WorkspaceMode } from "./types.ts"
import { commitRest } from "./worktree-changes.ts"

export interface TakeOver {
  git: Git
  /** Of the box: `git` in it is the directory it had. */
  directory: string
  run: string
  start: GitStart
  /** `direct` moves the repository's own refs; of the others only the branch of the run, and what else was moved is kept aside. */
  mode: WorkspaceMode
  tree: string
  since: bigint
  hidden: readonly string[]
}

/** Takes over branches, tags, stashes, what is checked out and staged, and where branches push to. Never throws for what the box left. */
export async function takeOver({
  git,
  directory,
  run,
  start,
  mode,
  tree,
  since,
  hidden,
}: TakeOver): Promise<GitReport> {
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
  const real = [`--git-dir=${repository.gitDirectory}`]
  const before = new Map(start.refs)
  const after = readRefs(box)
  const wanted = changedRefs(before, after, report)
  const stashes = mode !== "direct" ? [] : stashesOf(box).filter(({ id }) => !start.stashes.includes(id))
  const head = headOf(box)
  const fresh = join(directory, "import")
  rmSync(fresh, { recursive: true, force: true })
  const space = `refs/nanoguard/${run}`
  keepObjects(join(box, "objects"))
  makeFresh(fresh, box, repository.common, start.settings)
  if (start.branch !== undefined) await takeRest({ git, fresh, tree, since, hidden, run, start, after, wanted, report })
  const tips = new Map([...wanted].map(([ref, id]) => [`${space}/${ref.slice(5)}`, id]))
  for (const { id } of stashes) tips.set(`${space}/stash/${id}`, id)
  if (head !== undefined && !head.startsWith("ref: ") && head !== start.head) tips.set(`${space}/detached`, head)
  const index =
    mode !== "direct" ? undefined : await takeIndex({ git, box, fresh, initial: join(directory, "index"), real })
  if (index?.commit !== undefined) tips.set(`${space}/index`, index.commit)
  if (tips.size > 0) {
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
  if (report.problem === undefined) {
    await moveRefs(
      git,
      real,
      repository.common,
      { before, wanted, space, only: mode === "direct" ? undefined : (start.branch ?? "") },
      report,
    )
    for (const { id, message } of stashes)
      await git([...TAKE, ...real, "stash", "store", "-q", "-m", message.slice(0, 500), id])
    if (stashes.length > 0) report.refs.push({ ref: "refs/stash", to: stashes.at(-1)!.id })
    if (index !== undefined) {
      await moveHead(git, real, { start, head, space, gitDirectory: repository.gitDirectory }, report)
      if (!(await index.apply())) report.refused.push("what is staged: git reset takes it up")
    }
  }
  const settings = await settingsOf(git, box, directory)
  const { comes, refused } = compareSettings(start.settings, settings)
  if (mode === "direct") for (const [key, value] of comes) await git([...real, "config", "--local", key, value])
  report.refused.push(...refused.map((key) => `setting ${key}`), ...newHooks(box, start.hooks))
  await dropSpace(git, real, repository.common, space, report)
  rmSync(fresh, { recursive: true, force: true })
  giveBack(repository.common)
  return report
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

interface Rest extends Pick<TakeOver, "git" | "tree" | "since" | "hidden" | "run" | "start"> {
  fresh: string
  after: Refs
  wanted: Refs
  report: Report
}

/** The branch of a worktree, with a commit of what was not committed. */
async function takeRest({ start, after, wanted, report, ...rest }: Rest): Promise<void> {
  const branch = start.branch!
  const tip = after.get(branch)
  if (tip === undefined) {
    report.problem = "the box removed its branch"
    return
  }
  const commit = await commitRest({ ...rest, tip })
  if (commit === undefined) report.refused.push("what was not committed: git could not read it")
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
