// The contracts of the gate's side of a box: what `nanoguard run` asks of it by the control API, and what it is told.

import type { WORKSPACE_MODES } from "../../policy/sandbox-names.ts"
import type { Scope, ScopeBudget } from "../../policy/scope-types.ts"
import type { EngineName } from "../../sandbox/types.ts"
import type { PlaceholderVariable } from "../egress-settings.ts"
import type { Project, RunSummary } from "../runs.ts"

/** `POST /v1/boxes`: a box that is about to start, or whose gate was started anew meanwhile. */
export interface BoxRequest {
  agent: string
  operator: string
  /** Of a box that is open already: it is given a socket again. A new one where absent. */
  run?: string
  /** The run that this one was started by; it ends with that, and has no more rights. */
  parent?: string
  engine: EngineName
  image?: string
  workspace: (typeof WORKSPACE_MODES)[number]
  project?: Project
  /** Only its first word is recorded. */
  command: readonly string[]
  /** Ports of this machine's loopback that lead to ports of the box; the relay is to be started with `--publish <box port>` for each. */
  publish?: readonly PublishedPort[]
  /** Rights narrower than the policy; its parent's narrow them further. */
  scope?: AskedScope
}

/** As `Scope`; the gate names the counters of its budgets. */
export type AskedScope = Omit<Scope, "budgets"> & {
  budgets?: readonly Pick<ScopeBudget, "unit" | "limit" | "window">[]
}

export interface PublishedPort {
  host: number
  box: number
}

/** What a box is made with. */
export interface OpenedBox {
  /** `run-` and 12 hex digits. */
  run: string
  /** For `GET /v1/runs/{visit}`. */
  visit: string
  /** Absolute, on the host: to be mounted read-only at `IN_BOX.nanoguard`. It has the relay, settings, certificates, shims, and `gate/gate.sock`. */
  directory: string
  /** The gate's address as the box sees it: `http://127.0.0.1:8471`. */
  origin: string
  /** Variables that lead everything in the box through the gate: all of them but those of the person's terminal (`terminalEnv`). */
  env: Readonly<Record<string, string>>
  /** What no variable can do, as sentences for a person. */
  notes: readonly string[]
  /** Of a gate that lets out more than packages. `ruled`: its policy says something about requests. */
  egress?: { certificate: string; placeholders: readonly PlaceholderVariable[]; ruled: boolean }
}

/** A box that is open, as `GET /v1/boxes` has it: `{ boxes: BoxRow[] }`. */
export interface BoxRow {
  run: string
  agent: string
  operator: string
  parent?: string
  engine: EngineName
  /** Milliseconds since the epoch. */
  started: number
  /** Answered or under way; those for packages included. */
  requests: number
  refusals: number
  /** That wait for people now. */
  held: number
  /** Through its socket, both ways. */
  bytes: number
  /** US dollars, of what budgets of the policy count. */
  spend: number
  /** Whether a process listens to its events. */
  attended: boolean
  /** Why it is to stand still, where it is. */
  paused?: PauseReason
}

/** What has a box stand still. The gate tells of it where the policy in force says so (`sandbox.pause-when`), and then only. */
export type PauseReason = "log-failing" | "approvers-gone"

/** One line of `GET /v1/boxes/{run}/events`. `alive` comes at least every 5 s; whoever misses it for 15 s has lost the gate. */
export type BoxEvent =
  /** The first line. `paused`: every reason for which the box is to stand still now; what was so before, and is not in it, is over. */
  | { event: "open"; paused: readonly PauseReason[] }
  /** A sign of life. */
  | { event: "alive" }
  /** The first connection from inside of the box: all of its mounts are made, and nothing of the agent ran before. Told again where it was missed. */
  | { event: "heard" }
  /** By a person, for good. No further line follows. */
  | { event: "killed"; reason?: string }
  /** The policy wants the box to stand still, or that is over. What is so already when somebody begins to listen is told first. */
  | { event: "pause" | "resume"; why: PauseReason }
  | { event: "refused"; requestId: string; subject: string; code: string; text: string; approval?: string }
  /** `state` of `released`: what became of the question (`granted`, `denied`, `expired`, `cancelled`, ...). */
  | { event: "held"; approval: string; subject: string }
  | { event: "released"; approval: string; state: string }

/** Body of `DELETE /v1/boxes/{run}`; the answer is a `BoxSummary`, or 404 where no such box is open. */
export interface BoxEnd {
  /** Exit code of the command; absent where it is not known. */
  exit?: number
}

/** What a box came to. Each list is bounded; names are as the record has them. */
export interface BoxSummary extends RunSummary {
  /** Packages whose bytes it took, `name@version`. */
  installed: readonly string[]
  /** Hosts that it was let through to, most often asked first: `api.example.com (12)`. */
  reached: readonly string[]
  /** What people said yes to: subjects. */
  approved: readonly string[]
  /** Whether anything came through its socket; nothing of the agent runs before that. Absent from an older gate. */
  heard?: boolean
}
