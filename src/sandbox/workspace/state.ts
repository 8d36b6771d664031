// What the host remembers of a workspace while its box is there, so that another process can finish after this one was killed.
import { lstatSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { GitStart } from "./git-directory.ts"
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
  /** List two and its package.json files at the beginning. */
  working: readonly string[]
  manifests: readonly { path: string; text: string }[]
  /** Links of list one, which are put back. */
  links: readonly { path: string; target: string }[]
  /** `.git` of repositories below the root, with their inodes. */
  repositories: Readonly<Record<string, string>>
  /** Paths that the box could not see, relative. */
  hidden: readonly string[]
  /** Of `copy`: everything that was copied. */
  copied?: Readonly<Record<string, Copied>>
  /** What `finish` found. */
  report?: WorkspaceReport
}

const FILE = "workspace.json"

/** Writes it whole. */
export function saveState(directory: string, state: WorkspaceState): void {
  const file = join(directory, FILE)
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Reads it; undefined where there is none. Throws `NanoguardError` (environment) where it is damaged. */
export function loadState(directory: string): WorkspaceState | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, FILE), "utf8")) as WorkspaceState
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

/** The instant at which the box began, by the clock of the file system, in nanoseconds. Made last of all before it starts. */
export function markStart(directory: string): void {
  writeFileSync(join(directory, "start"), "", { mode: 0o600 })
}

/** That instant; 0 where the box never began. */
export function startOf(directory: string): bigint {
  return lstatSync(join(directory, "start"), { bigint: true, throwIfNoEntry: false })?.ctimeNs ?? 0n
}
