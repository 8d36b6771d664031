// What a box changed in files, by what the file system says of them: contents are read for package.json alone.
import { type BigIntStats, chmodSync, lstatSync, readdirSync } from "node:fs"
import { isHeavy, neverWritten, runsOnHost } from "./names.ts"
import { readBeginning } from "./secrets.ts"
import type { WorkspaceState } from "./state.ts"
import type { WorkspaceChange, WorkspaceReport } from "./types.ts"

type Changes = Pick<WorkspaceReport, "changes" | "counts" | "partial">

const REPOSITORY = "git: settings and hooks of a repository that the box made"
const MAX_SHOWN = 5000
const MAX_ENTRIES = 500_000
const MAX_MANIFEST = 256 * 1024

/**
 * Compares the tree that the box had with its beginning: `since` in nanoseconds, by the inode's time of change, which a box cannot set. `before`
 * has every path of the beginning where that is known, so that what is gone is seen; of a direct workspace it is list two alone.
 * Answers with all of them, in no order: `boundChanges` is for the end.
 */
export function findChanges(tree: string, state: WorkspaceState, since: bigint): Changes {
  const before = state.copied
  const seen = new Set<string>()
  const known = state.known === undefined ? undefined : new Set(state.known)
  const hidden = new Set(state.hidden)
  const found: WorkspaceChange[] = []
  const counts = { added: 0, changed: 0, removed: 0 }
  const add = (change: WorkspaceChange) => {
    counts[change.change]++
    found.push(withDetails(change, tree, state))
  }
  let entries = 0
  const queue = [""]
  for (let at = queue.pop(); at !== undefined && entries <= MAX_ENTRIES; at = queue.pop()) {
    const names = listNames(at === "" ? tree : `${tree}/${at}`)
    // Git takes such a directory for a repository without a name for it, wherever somebody stands in it.
    const bare = names.includes("HEAD") && names.includes("objects") && names.includes("refs")
    for (const entry of names) {
      const path = at === "" ? entry : `${at}/${entry}`
      entries++
      const stats = lstatSync(`${tree}/${path}`, { bigint: true, throwIfNoEntry: false })
      if (stats === undefined || path === ".git") continue
      seen.add(path)
      const isNew = before === undefined ? stats.birthtimeNs >= since : before[path] === undefined
      if (entry.toLowerCase() === ".git") {
        // The file system may fold case; a repository that was there is known by its inode, so that none takes its place.
        if (before === undefined && stats.ctimeNs >= since && state.repositories[path] !== `${stats.ino}`)
          add({ ...describe(path, stats, true), runs: REPOSITORY })
      } else if (stats.isDirectory()) {
        if (isHeavy(entry)) {
          if (before === undefined && isTouched(`${tree}/${path}`, since))
            add({ ...describe(path, stats, isNew), runs: "installed packages" })
          continue
        }
        if (isNew && before !== undefined) add(describe(path, stats, true))
        if (stats.ctimeNs >= since) makeReadable(`${tree}/${path}`, stats)
        queue.push(path)
      } else if (before === undefined && stats.ctimeNs < since) {
        // Its directory may have been given another name, which tells nothing of what is in it.
        if (known !== undefined && runs(path).runs !== undefined && !isKnown(path, known))
          add(describe(path, stats, true))
      } else if ((stats.ctimeNs >= since || (before !== undefined && isNew)) && !(hidden.has(path) && !isNew))
        add({
          ...describe(path, stats, isNew),
          ...(bare && /^(config|commondir)$/.test(entry) && { runs: REPOSITORY }),
        })
    }
  }
  for (const path of before === undefined ? state.working : Object.keys(before))
    if (!seen.has(path) && entries <= MAX_ENTRIES)
      add({ path, change: "removed", kind: "other", size: 0, mode: 0, ...runs(path) })
  return { counts, changes: found, partial: entries > MAX_ENTRIES }
}

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

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function runs(path: string): { runs?: string } {
  const what = path.split("/").some((name) => neverWritten(name))
    ? "editors, shells or agents, unasked"
    : runsOnHost(path)
  return what === undefined ? {} : { runs: what }
}

/** What is neither file, directory nor plain link never comes over; nor does what would run as somebody else. */
function describe(path: string, stats: BigIntStats, isNew: boolean): WorkspaceChange {
  const kind = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "link" : "other"
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

/** Whether anything below was changed; the search ends at the first. */
function isTouched(directory: string, since: bigint): boolean {
  const queue = [directory]
  let entries = 0
  for (let at = queue.pop(); at !== undefined && entries < MAX_ENTRIES; at = queue.pop()) {
    for (const entry of listNames(at)) {
      const stats = lstatSync(`${at}/${entry}`, { bigint: true, throwIfNoEntry: false })
      entries++
      if (stats === undefined) continue
      if (stats.ctimeNs >= since) return true
      if (stats.isDirectory()) queue.push(`${at}/${entry}`)
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
    const scripts: unknown = (JSON.parse(Buffer.from(text, "latin1").toString()) as { scripts?: unknown }).scripts ?? {}
    return new Map(Object.entries(scripts as object).map(([name, value]) => [name, JSON.stringify(value)]))
  } catch {
    return undefined
  }
}
