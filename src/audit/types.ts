// The contract of the record: what goes into the log, and how it lies there.
import type { NanoguardError } from "../errors.ts"
import type { Action, DecisionEvidence, Verdict } from "../policy/types.ts"

export type EventKind =
  | "package"
  | "network"
  | "credential"
  | "mcp"
  | "skill"
  | "approval"
  | "policy"
  | "sandbox"
  | "kill"
  | "configuration"
  /** The log about itself: recovered, archived, erased, a clock that ran back, an anchor out of reach. */
  | "log"

/** What became of it. `held`: waiting for a person; `unknown`: a crash came between the record and the release. */
export type Outcome = "released" | "refused" | "held" | "failed" | "unknown"

/** A thing that agents consume. */
export interface Item {
  kind: "package" | "cli" | "mcp" | "skill" | "host" | "credential"
  /** A purl without version, the name of an MCP server, skill or credential, a host. */
  name: string
  version?: string
  /** `sha256:...` or an integrity value. */
  digest?: string
}

/** What a decision was made of, whole: `policy replay` decides it again. */
export interface Decision {
  action: Action
  evidence: DecisionEvidence
  verdict: Verdict
}

/** Values that an event may carry besides: short, structured, never a secret. */
export type Detail = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** An event as the rooms hand it over. The log seals it: personal fields and secrets are replaced before anything is hashed. */
export interface NewEvent {
  /** Dotted below its kind: `package.decided`, `approval.granted`, `sandbox.started`, `sandbox.ended`, `kill.ordered`, `policy.adopted`. */
  type: string
  /** What it is about, as verdicts show it. */
  subject: string
  /** Id of the gateway or command that writes it. */
  gateway: string
  /** Milliseconds since the epoch; the committer's clock where absent. */
  time?: number
  agent?: string
  run?: string
  /** False for a run that is not in a box: for it the gate is no boundary. */
  boxed?: boolean
  /** Personal: who operates the agent. */
  operator?: string
  /** Personal: who decided or ordered it: approvers, the person behind a kill. */
  by?: readonly string[]
  /** Personal: free text of a person. */
  note?: string
  item?: Item
  outcome?: Outcome
  /** Id of the approval that it rests on. */
  approval?: string
  decision?: Decision
  /** Hash of the policy in force; the verdict's where there is a decision. */
  policy?: string
  /** Secret values, by name: only keyed commitments of them enter the log. */
  secrets?: Readonly<Record<string, string>>
  detail?: Detail
}

/** A commitment to a personal value: "person:" and base64url of sha256(salt || value); see `people` in the store. */
export type PersonCommitment = `person:${string}`

/** A commitment to a secret: "secret:" and base64url of HMAC-SHA256 with the log's own key: equal secrets stay provably equal. */
export type SecretCommitment = `secret:${string}`

/** A record as it lies in the log: RFC 8785 canonical JSON. Members that do not apply are absent. */
export interface LogRecord {
  v: 1
  /** RFC 3339, UTC, milliseconds. */
  time: string
  kind: EventKind
  type: string
  subject: string
  gateway: string
  agent?: string
  run?: string
  boxed?: boolean
  operator?: PersonCommitment
  by?: readonly PersonCommitment[]
  note?: PersonCommitment
  item?: Item
  outcome?: Outcome
  approval?: string
  action?: Action
  evidence?: DecisionEvidence
  verdict?: Verdict
  policy?: string
  secrets?: Readonly<Record<string, SecretCommitment>>
  detail?: Detail
}

/** A signed tree head (C2SP tlog-checkpoint): its three lines, and the note as it was signed. */
export interface Checkpoint {
  origin: string
  /** Records under it. */
  size: number
  /** 32 bytes. */
  root: Uint8Array
  /** The whole signed note. */
  note: string
}

/** An outside place for checkpoints that the host cannot rewrite: a directory, a git ref, an HTTPS endpoint. */
export interface Anchor {
  /** As the user wrote it: `dir:/mnt/witness`, `git:/srv/anchors.git`, `https://...`. */
  readonly name: string
  /**
   * Every checkpoint it holds of this log, by size; the last alone where `newest`. Their signatures are not checked. `onBad` is told
   * what lies among them and is none, for whoever may add may add that; where it is absent, the first such is thrown.
   */
  read(origin: string, newest?: boolean, onBad?: (error: NanoguardError) => void): Promise<Checkpoint[]>
  /** Adds one; resolves once the place confirms it. Never replaces one that is there. */
  publish(checkpoint: Checkpoint): Promise<void>
}
