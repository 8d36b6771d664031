// What a run is asked with, what it tells while it lasts, and what it came to.
import type { AskedScope, BoxEvent, BoxSummary, PublishedPort } from "../gateway/boxes/types.ts"
import type { PolicyInForce } from "../gateway/control.ts"
import type { Interrupted } from "./terminal/interrupts.ts"
import type { BoxMount, BoxSpec, EngineName } from "./types.ts"
import type { Workspace, WorkspaceMode, WorkspaceReport } from "./workspace/types.ts"

export interface RunRequest {
  agent: string
  operator: string
  command: readonly string[]
  /** The directory that becomes the workspace, absolute; `ctx.cwd` is in it. */
  root: string
  engine?: "auto" | EngineName | undefined
  runtime?: string | undefined
  image?: string | undefined
  workspace?: WorkspaceMode | undefined
  /** Ports of the host's loopback that lead into the box. */
  publish?: readonly PublishedPort[]
  /** `5432:db.example:5432`: ports of the box that lead out by raw TCP, where a rule says so. */
  forward?: readonly string[]
  /** Such as `30m`. */
  timeout?: string | undefined
  parent?: string | undefined
  /** Further mounts for the box's user: an agent's memory, messages of others. */
  mounts?: (user: BoxSpec["user"]) => readonly BoxMount[]
  /** Rights narrower than the policy. */
  scope?: AskedScope
  /** In the place of the policy's: whoever asks makes them no wider. */
  limits?: Pick<PolicyInForce["sandbox"], "memory" | "pids">
  tty: boolean
  /** Where its standard input comes from; the person's where absent. */
  input?: "inherit" | "ignore"
  /** What it prints is kept on the host: `transcriptPath`. */
  keepOutput?: boolean
}

export interface RunHooks {
  /** Everything is ready, and the box starts next. */
  onStart: (started: Started) => void
  onEvent: (event: BoxEvent) => void
  /** It stands still, or goes on. `why` is one of the policy's `pause-when`. */
  onPause: (why: string, paused: boolean) => void
  /** Something is not as it should be: one sentence. */
  onNote: (note: string) => void
}

export interface Started {
  run: string
  law: PolicyInForce
  spec: BoxSpec
  engine: EngineName
  workspace: Workspace
  notes: readonly string[]
}

export interface RunOutcome {
  run: string
  /** Of the command; 124 where its time was over, 137 where it was killed. */
  exit: number
  ended: "itself" | "timeout" | "killed"
  /** Why it was ended, where that was no person's kill. */
  reason?: string
  summary: BoxSummary | undefined
  report: WorkspaceReport
  workspace: Workspace
  /** Why its changes are not to be decided about now: a signal came after the command had ended. */
  interrupted: () => Interrupted | undefined
  /** Removes what is left of the run on the host. With `keep` what was not applied stays, for `reviewKept`. */
  close: (keep?: boolean) => Promise<void>
}
