// What `run` asks of the workspace and gets: mounts for the box, what a person should know before, what changed after.
import type { CompiledPolicy } from "../../policy/compiled.ts"
import type { WORKSPACE_MODES } from "../../policy/sandbox-names.ts"
import type { MountAction, Verdict } from "../../policy/types.ts"
import type { Look } from "../neighbours/look.ts"
import type { BoxMount } from "../types.ts"
import type { Survey } from "./survey.ts"

/**
 * `direct`: the directory itself. `copy`: a copy, applied after review. `worktree`: a checkout of the commit, offered as a branch.
 * `none`: an empty directory in memory.
 */
export type WorkspaceMode = (typeof WORKSPACE_MODES)[number]

export interface WorkspaceRequest {
  /** The directory that becomes the workspace; absolute. */
  root: string
  /** Where the command starts: `root` or below it. */
  cwd: string
  /** `run-` and 12 hex digits. */
  run: string
  /** The box's own state on the host, made here with mode 0700: never in the workspace, never mounted whole. */
  directory: string
  /** The adopted policy, and no file of the workspace. */
  policy: CompiledPolicy
  /** Before `sandbox.workspace` of the policy. */
  mode?: WorkspaceMode
  /** What `surveyWorkspace` saw a moment ago; looked at now where absent. */
  survey?: Survey
  /** During which `survey` was made; while it is open, what is done at the end is done within it. */
  look?: Look | undefined
}

/** Something that a person should know. Paths in it are not cleaned: rendering does that. */
export interface Note {
  level: "info" | "warning"
  kind: "masked" | "protected" | "mount" | "refused" | "git" | "left-out" | "bound" | "links"
  text: string
  /** Relative to the workspace where they lie in it. */
  paths?: readonly string[]
}

/** A decision on one of `sandbox.mounts`, to be recorded. */
export interface MountDecision {
  action: MountAction
  target: string
  verdict: Verdict
  /** Whether it is in the box. */
  mounted: boolean
}

/** A path that the box changed, relative to the workspace, with forward slashes. */
export interface WorkspaceChange {
  path: string
  change: "added" | "changed" | "removed"
  kind: "file" | "link" | "directory" | "other"
  /** Bytes now; 0 where removed. */
  size: number
  /** Permission bits now. */
  mode: number
  /** List two: what on the host will run it. */
  runs?: string
  /** Which part of it changed: names of scripts. Not cleaned. */
  details?: readonly string[]
  /** Why it never comes over. */
  refused?: string
}

/** What became of the repository. Nothing in here is cleaned. */
export interface GitReport {
  /** Refs that came over, full names; `from` is absent where one is new. None is ever removed. */
  refs: readonly { ref: string; from?: string; to: string }[]
  /** Refs that the host had moved too, or that this box may not move: what the box has lies under `kept`. */
  conflicts: readonly { ref: string; kept: string }[]
  /** Branch or commit that is checked out, where that changed. */
  head?: string
  /** What else of the box's own did not come over: settings, hooks, removals, what could not be moved. */
  refused: readonly string[]
  /** Of a worktree: paths below the box's directory of what came over in no way, and waits there. Not cleaned; at most 1000. */
  left?: readonly string[]
  /** Why nothing came over; the objects then lie in the directory of the box until it is removed. */
  problem?: string
}

export interface WorkspaceReport {
  schema: "nanoguard.workspace/1"
  mode: WorkspaceMode
  root: string
  counts: { added: number; changed: number; removed: number }
  /** At most 5000: what never comes over first, then what will run. */
  changes: readonly WorkspaceChange[]
  /** Why nothing was looked at, taken over or undone; the next `finish` looks again. */
  problem?: string
  /** Whether a bound, or a place that cannot be looked into, kept part of the changes from being found. */
  partial: boolean
  git?: GitReport
  /** `worktree`: the branch with what the box did, in the repository of the workspace. */
  branch?: string
  /** `copy`: whether there is something that waits for `apply` or `discard`. */
  review: boolean
}

export interface ApplyResult {
  applied: readonly string[]
  /** The host's file changed meanwhile, or something stands in the way: left as it is. */
  conflicts: readonly { path: string; why: string }[]
  /** Never applied: devices, pipes, sockets, setuid, links to outside, protected paths. */
  refused: readonly { path: string; why: string }[]
}

export interface Workspace {
  mode: WorkspaceMode
  /** On the host, by its real path. */
  root: string
  /** In order: the workspace at `IN_BOX.workspace`, what lies over parts of it, then what else the policy allows. */
  mounts: readonly BoxMount[]
  decisions: readonly MountDecision[]
  /** In the box. */
  cwd: string
  /** Whose the box is. 0 only where root owns a workspace of `direct`. */
  user: { uid: number; gid: number }
  notes: readonly Note[]
  /** Once nothing runs in the box any more: takes over what may come, removes mount points, says what changed. Calling it again repeats the answer. */
  finish: () => Promise<WorkspaceReport>
  /** A change as a unified diff, for people; a sentence where there is none to show. Not cleaned. */
  diff: (change: WorkspaceChange) => Promise<string>
  /** `copy`: writes reviewed changes into the workspace: all, or those of `paths`. */
  apply: (report: WorkspaceReport, paths?: readonly string[]) => Promise<ApplyResult>
  /** Removes the box's own state; what was not applied is gone. */
  discard: () => Promise<void>
}
