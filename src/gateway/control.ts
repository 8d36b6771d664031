// The gate's control API, on a Unix socket that only the person who runs the gate can open. No agent's box ever sees it.
import { createServer, type Server } from "node:http"
import { dirname } from "node:path"
import type { Sandbox } from "../policy/compiled.ts"
import type { LayerText } from "../policy/load.ts"
import type { Verdict } from "../policy/types.ts"
import { prepareDirectory } from "../store/sqlite/files.ts"
import type { VaultControl } from "../vault/control.ts"
import type { VaultStatus } from "../vault/open.ts"
import type { Boxes } from "./boxes/boxes.ts"
import type { ApprovalControls } from "./control/approvals.ts"
import { handleControl, LIMITS } from "./control/handle.ts"
import { listenAlone } from "./control-socket.ts"
import type { PlaceholderVariable } from "./egress-settings.ts"
import type { NewRun, RunSummary } from "./runs.ts"
import type { UpstreamStats } from "./upstream/types.ts"

/** How a gate stands, for `gateway status`. */
export interface GateStatus {
  schema: "nanoguard.gateway-status/1"
  gateway: string
  pid: number
  version: string
  origin: string
  /** Milliseconds since the epoch. */
  started: number
  policy: { hash: string; project: string; adopted?: { by: string; time: number } }
  /** Why the last reload kept the policy that was in force. */
  kept?: string
  /** `lacking`: ecosystems of which nothing is known, so that a rule about vulnerabilities has no evidence. */
  advisories: { records: number; asOf: string; lacking: string[] }
  runs: number
  /** Runs whose token is still good. */
  visits: number
  upstream: UpstreamStats
  offline: boolean
  /** Of a gate that lets out more than packages. */
  egress?: EgressStatus
  vault?: VaultStatus
}

/** How the proxy for everything else stands. */
export interface EgressStatus {
  /** Rules of the policy in force that are about requests; with none, and where it enforces, only packages are let out. */
  rules: number
  mode: "enforce" | "observe"
  /** Connections of agents that are open now. */
  connections: number
  /** Requests that wait for people, those whose clients left included. */
  held: number
}

/** A run that was opened, and what its processes need to come through the gate. */
export interface OpenedRun {
  visit: string
  run: string
  token: string
  /** Milliseconds since the epoch. */
  expires: number
  origin: string
  /** Of a gate that lets out more than packages. `ruled`: its policy says something about requests. */
  egress?: { certificate: string; placeholders: readonly PlaceholderVariable[]; ruled: boolean }
}

export interface ExceptionRequest {
  who: { agent: string; run?: string; operator?: string }
  verdict: Verdict
  /** The agent's own words. */
  reason: string
}

export interface ExceptionAsked {
  id: string
  state: string
  /** RFC 3339. */
  expires: string
  note?: string
  /** What a registry that refuses by itself says to a request for a waiver. */
  registry?: string
}

/** The policy in force, for who builds a box by it. */
export interface PolicyInForce {
  project: string
  hash: string
  sandbox: Sandbox
  /** What it was compiled from, outermost layer first: whoever compiles it gets this hash. */
  texts: readonly LayerText[]
}

/** What the control API does; each may reject with a `NanoguardError` for the caller. */
export interface Controls {
  status: () => Promise<GateStatus>
  reload: () => Promise<{ hash: string; changed: boolean }>
  policy: () => PolicyInForce
  stop: () => void
  openRun: (run: NewRun) => Promise<OpenedRun>
  /** What a visit was refused or got instead; `ends` makes its token worth nothing. */
  summarise: (visit: string, ends: boolean) => Promise<RunSummary | undefined>
  /** What would be decided now about a package version, with the way out. */
  why: (purl: string) => Promise<Verdict | undefined>
  /** Asks people to lift one code for one version; undefined where too much waits already. */
  requestException: (asked: ExceptionRequest) => Promise<ExceptionAsked | undefined>
  /** The keys of the gate. */
  vault?: VaultControl
  /** The queue of approvals. */
  approvals?: ApprovalControls
  /** Told that somebody looks at it. */
  onApprover?: () => void
  /** Of a gate that lets out more than packages. */
  boxes?: Pick<Boxes, "open" | "list" | "has" | "follow" | "end">
}

/** Callers at a time: one person's commands, and for each box the one that watches it. */
const MAX_CALLERS = 512

/** `leave` takes its name away, where that is still its own; to be called before it is closed. */
export type ControlServer = Server & { leave: () => void }

/**
 * Listens at `path`, in a directory of mode 0700 that is no link; a socket that a dead gate left is replaced. Throws `NanoguardError`
 * (environment) where another gate answers there, or something else than a socket is in its place.
 */
export async function listenControl(path: string, controls: Controls): Promise<ControlServer> {
  prepareDirectory(dirname(path))
  const server = createServer(LIMITS, (request, response) => void handleControl(controls, request, response))
  server.maxConnections = MAX_CALLERS
  return Object.assign(server, { leave: await listenAlone(server, path) })
}
