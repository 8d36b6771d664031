// What the host remembers of a workspace while its box is there, so that another process can finish after this one was killed.
import { lstatSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Directories } from "./directories.ts"
import type { GitStart } from "./git-directory.ts"
import { realPath } from "./places.ts"
import type { WorkspaceMode, WorkspaceReport } from "./types.ts"

/** A file of a copy as the host had it: what `apply` compares with. */
export type Copied = readonly [size: number, changed: string, mode: number, kind: "file" | "link" | "directory"]

/** Plain data; `<directory>/workspace.json`, mode 0600. */
export interface WorkspaceState {
  schema: "nanoguard.workspace-state/1"
  mode: WorkspaceMode
  root: string
  run: string
  git?: GitStart
  /** Device and inode of `root` and of what its repository is kept in: what is there at the end has to be the same. */
  places?: Readonly<Record<string, string>>
  /** List two and its package.json files at the beginning. */
  working: readonly string[]
  manifests: readonly { path: string; text: string }[]
  /** Both lists and secrets, as they were there; absent where not all of them were found. */
  known?: readonly string[]
  /** Links of list one, which are put back. */
  links: readonly { path: string; target: string }[]
  /** `.git` of repositories below the root, with their inodes. */
  repositories: Readonly<Record<string, string>>
  /** Paths that the box could not see, relative. */
  hidden: readonly string[]
  /** Of `copy`: everything that was copied. */
  copied?: Readonly<Record<string, Copied>>
  /** Of `copy`: what git's settings include of the workspace, there or not. */
  included?: readonly string[]
  /** Of `copy` and `worktree`: those of the box's tree. Absent where an older nanoguard made it. */
  directories?: Directories
  /** What `finish` found. */
  report?: WorkspaceReport
}

const FILE = "workspace.json"
/** Tables by paths, and a path may be `constructor`: nothing is in them that was not written there. */
const BY_PATH = ["places", "repositories", "copied", "directories"] as const

/** Writes it whole. */
export function saveState(directory: string, state: WorkspaceState): void {
  const file = join(directory, FILE)
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Reads it; undefined where there is none. Throws `NanoguardError` (environment) where it is damaged. */
export function loadState(directory: string): WorkspaceState | undefined {
  try {
    const state = JSON.parse(readFileSync(join(directory, FILE), "utf8")) as WorkspaceState
    for (const name of BY_PATH) if (state[name] !== undefined) Object.setPrototypeOf(state[name], null)
    return state
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw new NanoguardError("what is kept of a workspace is damaged", {
      exit: EXIT.environment,
      where: { file: join(directory, FILE) },
      hint: "look at what is left of the box beside it, then remove it",
      cause,
    })
  }
}

/**
 * Notes the instant from which on changes are the box's: by the clock of the file system, which moves in steps of milliseconds. What was written
 * just before must not look like what comes after, so it waits for the next step.
 */
export function markStart(directory: string): void {
  const file = join(directory, "start")
  const mark = () => {
    writeFileSync(file, "", { mode: 0o600 })
    return lstatSync(file, { bigint: true }).ctimeNs
  }
  const first = mark()
  const late = performance.now() + LONGEST_STEP
  const pause = new Int32Array(new SharedArrayBuffer(4))
  while (mark() === first && performance.now() < late) Atomics.wait(pause, 0, 0, 1)
}

/** Milliseconds. */
const LONGEST_STEP = 100

/** That instant; 0 where the box never began. */
export function startOf(directory: string): bigint {
  return lstatSync(join(directory, "start"), { bigint: true, throwIfNoEntry: false })?.ctimeNs ?? 0n
}

/** Device and inode of what a path leads to without any link; undefined where there is none, or a link is on the way. */
export function identityOf(path: string): string | undefined {
  if (realPath(path) !== path) return undefined
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && `${stats.dev}:${stats.ino}`
}

/** A place of the workspace that is another one now: a box that works above it may have put something else there. */
export function movedPlace({ places = {} }: WorkspaceState): string | undefined {
  return Object.keys(places).find((path) => identityOf(path) !== places[path])
}
