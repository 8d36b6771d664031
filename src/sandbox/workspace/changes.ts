// What a box changed in files, by what the file system says of them: contents are read for package.json alone.
import { type BigIntStats, chmodSync } from "node:fs"
import { EXIT, NanoguardError } from "../../errors.ts"
import { parseForeignJson } from "../../foreign-json.ts"
import { kindOf, namesIn, statsAt, unlessBarred } from "./below.ts"
import { movedIn } from "./directories.ts"
import { COMMITS, gitDirectoriesOf, gitsOwn, isRepository, liesIn, REPOSITORY, refusedRepository } from "./git-own.ts"
import { isHeavy, neverWritten, runsOnHost } from "./names.ts"
import { readBeginning } from "./secrets.ts"
import type { WorkspaceState } from "./state.ts"
import type { WorkspaceChange, WorkspaceReport } from "./types.ts"
import { directoriesIn, isGitDirectory, MAX_MANIFEST } from "./walk.ts"

type Changes = Pick<WorkspaceReport, "changes" | "counts" | "partial">

const MAX_SHOWN = 5000
const MAX_ENTRIES = 500_000

/**
 * Compares the tree that the box had with its beginning: `since` in nanoseconds, by the inode's time of change, which a box cannot set. `before`
 * has every path of the beginning where that is known, so that what is gone is seen; of a direct workspace it is list two alone.
 * Answers with all of them, in no order: `boundChanges` is for the end. Where rights or a path's length bar us from a part of the tree the answer is
 * partial, and nothing counts as gone; whatever else keeps it from being looked at throws `NanoguardError` (environment).
 */
export function findChanges(tree: string, state: WorkspaceState, since: bigint): Changes {
  const before = state.copied
  const seen = new Set<string>()
  const known = state.known === undefined ? undefined : new Set(state.known)
  const hidden = new Set(state.hidden)
  const isMoved = movedIn(tree, state.directories)
  const found: WorkspaceChange[] = []
  const counts = { added: 0, changed: 0, removed: 0 }
  const add = (change: WorkspaceChange) => {
    counts[change.change]++
    found.push(withDetails(change, tree, state))
  }
  /** Those of any other name than `.git`, with all that is below them; of a copy also those that the host has. */
  const gitDirectories = new Set(gitDirectoriesOf(before))
  let entries = 0
  let isWhole = true
  let isReadable = true
  // What the box could not see either, it cannot have changed.
  const bar = (path: string) => {
    isWhole &&= hidden.has(path)
  }
  if (statsAt(tree)?.isDirectory() !== true)
    throw new NanoguardError("what the box had is not there any more", {
      ...{ exit: EXIT.environment, where: { file: tree } },
    })
  const queue = [""]
  for (let at = queue.pop(); at !== undefined && entries <= MAX_ENTRIES; at = queue.pop()) {
    const directory = at === "" ? tree : `${tree}/${at}`
    const path = at
    const names =
      unlessBarred(
        () => namesIn(directory),
        () => bar(path),
      ) ?? []
    // Where the workspace has no repository, git on the host takes one for it whose HEAD lies at its top.
    const isOne = (at !== "" || state.git?.repository === null) && isGitDirectory(names, directoriesIn(directory))
    if (isOne) gitDirectories.add(at)
    const isGits = gitDirectories.has(at)
    for (const entry of names) {
      const path = at === "" ? entry : `${at}/${entry}`
      entries++
      const stats = unlessBarred(
        () => statsAt(`${tree}/${path}`),
        () => bar(path),
      )
      // Such a name is no text, so the path leads nowhere: a copy of it could not be made either.
      if (stats === undefined && entry.includes("\ufffd")) isReadable = false
      if (stats === undefined || path === ".git") continue
      seen.add(path)
      const isNew = before === undefined ? stats.birthtimeNs >= since : before[path] === undefined
      if (entry.toLowerCase() === ".git") {
        if (before !== undefined)
          add({ ...describe(path, stats, true), refused: refusedRepository(`${tree}/${path}`, stats.isFile()) })
        // The file system may fold case; a repository that was there is known by its inode, so that none takes its place.
        else if (stats.ctimeNs >= since && state.repositories[path] !== `${stats.ino}`)
          add({ ...describe(path, stats, true), runs: REPOSITORY })
      } else if (stats.isDirectory()) {
        if (isHeavy(entry)) {
          if (before === undefined && isTouched(`${tree}/${path}`, since))
            add({ ...describe(path, stats, isNew), runs: "installed packages" })
          continue
        }
        if (stats.ctimeNs >= since) makeReadable(`${tree}/${path}`, stats)
        if (before !== undefined && before[path]?.[3] !== "directory") {
          const isOwn = isGits || isRepository(`${tree}/${path}`)
          add({ ...describe(path, stats, isNew), ...(isOwn && { refused: COMMITS }) })
          // It waits whole.
          if (isOwn) continue
        }
        // A directory above it was given another name, and this one is what working trees name now.
        const own = state.repositories[path]
        if (before === undefined && own !== undefined && own !== `${stats.ino}`)
          add({ ...describe(path, stats, true), runs: REPOSITORY })
        if (isGits) gitDirectories.add(path)
        queue.push(path)
      } else if (before === undefined && stats.ctimeNs < since) {
        // Its directory may have been given another name, which tells nothing of what is in it.
        if (known !== undefined && runs(path).runs !== undefined && !isKnown(path, known))
          add(describe(path, stats, true))
      } else if (
        (stats.ctimeNs >= since || (before !== undefined && (isNew || isMoved(at)))) &&
        !(hidden.has(path) && !isNew)
      )
        add({
          ...describe(path, stats, isNew),
          ...((isGits || gitDirectories.has(path)) && gitsOwn(path, before !== undefined)),
        })
    }
  }
  for (const path of before === undefined ? state.working : Object.keys(before))
    if (isWhole && !seen.has(path) && entries <= MAX_ENTRIES)
      add({
        ...{ path, change: "removed", kind: "other", size: 0, mode: 0, ...runs(path) },
        ...(before !== undefined && liesIn(gitDirectories, path) && { refused: COMMITS }),
      })
  return { counts, changes: found, partial: !isWhole || !isReadable || entries > MAX_ENTRIES }
}

/** How many there are, also where a report has no room for them. */
export const countChanges = ({ counts }: Pick<Changes, "counts">): number =>
  counts.added + counts.changed + counts.removed

/** The changes that a report has room for: what never comes over and repositories first, then what will run. */
export function boundChanges(changes: readonly WorkspaceChange[]): WorkspaceChange[] {
  const rank = ({ path, refused, runs }: WorkspaceChange) => {
    if (/(^|\/)\.git$/i.test(path)) return 0
    return refused !== undefined ? 1 : runs !== undefined ? 2 : 3
  }
  return changes.toSorted((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1)).slice(0, MAX_SHOWN)
}

/** Whether the path was there at the beginning, or what it lies in was, whole. */
function isKnown(path: string, known: ReadonlySet<string>): boolean {
  const parts = path.split("/")
  return parts.some((_, at) => known.has(parts.slice(0, at + 1).join("/")))
}

/** A directory that its owner cannot list hides what is in it from us, and not from who stands in it. */
function makeReadable(directory: string, { mode }: BigIntStats): void {
  if ((mode & 0o700n) === 0o700n) return
  try {
    chmodSync(directory, Number(mode & 0o777n) | 0o700)
  } catch {
    // Somebody else's.
  }
}

/** What runs a path of list one, wherever it lies; undefined for any other path. */
export function runsUnasked(path: string): string | undefined {
  return path.split("/").some((name) => neverWritten(name)) ? "editors, shells or agents, unasked" : undefined
}

function runs(path: string): { runs?: string } {
  const what = runsUnasked(path) ?? runsOnHost(path)
  return what === undefined ? {} : { runs: what }
}

/** What is neither file, directory nor plain link never comes over; nor does what would run as somebody else. */
function describe(path: string, stats: BigIntStats, isNew: boolean): WorkspaceChange {
  const kind = kindOf(stats)
  const mode = Number(stats.mode & 0o7777n)
  const refused =
    kind === "other"
      ? "a device, pipe or socket"
      : kind !== "link" && (mode & 0o6000) !== 0
        ? "it would run as its owner or group (setuid)"
        : undefined
  return {
    path,
    change: isNew ? "added" : "changed",
    kind,
    size: Number(stats.size),
    mode,
    ...runs(path),
    ...(refused !== undefined && { refused }),
  }
}

/** Whether anything below was changed; the search ends at the first. A box that bars us from a place there has touched what leads to it. */
function isTouched(directory: string, since: bigint): boolean {
  const queue = [directory]
  let entries = 0
  for (let at = queue.pop(); at !== undefined && entries < MAX_ENTRIES; at = queue.pop()) {
    const directory = at
    for (const entry of unlessBarred(() => namesIn(directory)) ?? []) {
      const stats = unlessBarred(() => statsAt(`${directory}/${entry}`))
      entries++
      if (stats === undefined) continue
      if (stats.ctimeNs >= since) return true
      if (stats.isDirectory()) queue.push(`${directory}/${entry}`)
    }
  }
  return false
}

// Which scripts of a package.json are others now.
function withDetails(change: WorkspaceChange, tree: string, { manifests }: WorkspaceState): WorkspaceChange {
  if (change.runs !== "npm scripts" || change.kind !== "file") return change
  const was = scriptsOf(manifests.find(({ path }) => path === change.path)?.text)
  const now = scriptsOf(readBeginning(`${tree}/${change.path}`, MAX_MANIFEST))
  if (was === undefined || now === undefined) return change
  const details = [...new Set([...was.keys(), ...now.keys()])].filter((name) => was.get(name) !== now.get(name))
  const { runs: _, ...other } = change
  return details.length > 0 ? { ...change, details: details.slice(0, 50) } : other
}

function scriptsOf(text: string | undefined): Map<string, string> | undefined {
  if (text === undefined) return new Map()
  try {
    const scripts: unknown =
      (parseForeignJson(Buffer.from(text, "latin1").toString()) as { scripts?: unknown }).scripts ?? {}
    return new Map(Object.entries(scripts as object).map(([name, value]) => [name, JSON.stringify(value)]))
  } catch {
    return undefined
  }
}
