// What a policy becomes once it is loaded: rules behind indexes, ready for `decide`.
import type { AddressRange } from "./address-ranges.ts"
import type { VersionRange } from "./ranges.ts"
import type { Risk, RiskLevels } from "./risk.ts"
import type { ENGINES, WORKSPACE_MODES } from "./sandbox-names.ts"
import type {
  Action,
  AppliedException,
  CredentialAction,
  Effect,
  Evidence,
  McpAction,
  MissingReason,
  Mode,
  MountAction,
  NetworkAction,
  PackageAction,
  PackageFactName,
  PackageFacts,
  SkillAction,
} from "./types.ts"
import type { Path } from "./yaml.ts"

/** What every rule has, whether a line of a list, a key under packages.deny, a default or a floor. */
export interface Rule {
  id: string
  /** `file:line:column` relative to the policy, or "built-in". */
  place: string
  /** id and place, as verdicts show it. */
  label: string
  effect: Effect
  code: string
  /** Deciding priority of the code; smaller is stronger. */
  priority: number
  mode: Mode
  floor: boolean
  /** 0 is the outermost layer (organisation); built-in rules have -1. */
  layer: number
  /** Where it is written, to find and edit it: path in the file of its layer. */
  path: Path
  /** Prebuilt reason where it does not depend on evidence. */
  reason?: string
  note?: string
  instead?: string
  approvers?: string
  /** Of rules that ask; absent where it is the default. */
  risk?: Risk
}

/** One test of a rule: a field, what it wants, and what an action has there. */
export interface Clause<A> {
  field: string
  wanted: string
  // Methods, so that rules of every kind of action fit into one list.
  holds(action: A): boolean
  actual(action: A): string
}

/** A rule of a list: it matches where every clause holds. The first clause is the subject, which the index answers. */
export interface ListRule<A extends Action = Action> extends Rule {
  kind: Action["kind"]
  subject: string
  clauses: readonly Clause<A>[]
  /** Of request rules; the clauses have what of a rule chooses requests. */
  credential?: string
  budget?: readonly Budget[]
  /** Private addresses that the host may resolve to. */
  addresses?: readonly AddressRange[]
  /** The service that the host is. */
  service?: string
  /** Headers, lower case, that are part of what a person approves. */
  bind?: readonly string[]
  placeholders?: "inert" | "redact" | "refuse"
  inspect?: false
  /** Not even TLS is expected; goes with `inspect: false`. */
  raw?: true
  http2?: true
  /** Plain data of the rule as written, for proofs and explanations. */
  source: Readonly<Record<string, unknown>>
}

export interface Budget {
  unit: "requests" | "tokens" | "bytes" | "usd"
  limit: number
  window: "minute" | "hour" | "day" | "run"
  /** Key in `Counters`. */
  counter: string
  /** What speaks once it is used up, and where nobody says how much of it is. */
  rule: Rule
  unknown: Rule
}

/** A key under packages.deny or packages.ask, or a pinned scope: a test of facts. */
export interface Condition extends Rule {
  key: string
  /** The value as written. */
  value: unknown
  needs: readonly PackageFactName[]
  /** Undefined: no match. Otherwise what it matched on; `code` where it differs from the rule's own. */
  test: (facts: PackageFacts, action: PackageAction, now: number) => ConditionMatch | undefined
}

export interface ConditionMatch {
  evidence: Evidence[]
  rule?: Rule
}

export interface Exception {
  id: string
  place: string
  layer: number
  path: Path
  subject: string
  range?: VersionRange
  of: string
  advisories?: ReadonlySet<string>
  /** Milliseconds since the epoch: the first instant at which it no longer holds. */
  ends: number
  applied: AppliedException
  reason: string
}

/** Rules by subject: exact names, and beginnings by length for patterns that end in *. */
export interface NameIndex<T> {
  exact: Map<string, T[]>
  prefixes: Map<string, T[]>
  /** Lengths that occur in `prefixes`, ascending. */
  lengths: number[]
}

export interface HostIndex {
  exact: Map<string, ListRule<NetworkAction>[]>
  /** `*.suffix` by suffix. */
  oneLabel: Map<string, ListRule<NetworkAction>[]>
  /** `**.suffix` by suffix. */
  anyDepth: Map<string, ListRule<NetworkAction>[]>
  any: ListRule<NetworkAction>[]
}

export type MissingEffects = Readonly<Record<PackageFactName, Readonly<Record<MissingReason, Effect>>>>

/** Per layer that states one: what happens where no rule of it or of a layer above matches. */
export interface Defaults {
  rules: readonly Rule[]
  fallback: Rule
  /** Where the fallback denies: what speaks once a person's approval took out every rule that asked. */
  lifted?: Rule
}

/** Hours in which nobody is asked: `HH:MM` in a time zone. Past midnight where `from` is not before `to`. */
export interface QuietHours {
  /** First minute of them. */
  from: string
  /** First minute after them. */
  to: string
  /** IANA name; it was found to exist where the policy was compiled. */
  zone: string
}

export interface Approvers {
  people: readonly string[]
  quorum: number
  /** Milliseconds. */
  expire: number
  quiet?: QuietHours
  /** The operator of an agent may not decide what it asks. */
  operator?: false
  layer: number
}

export interface CompiledPolicy {
  /** "sha256:" and hex, over the canonical form; comments, order and layout do not change it. */
  hash: string
  mode: Mode
  /** Names of the layers' files, outermost first. */
  files: readonly string[]
  packages: {
    conditions: readonly Condition[]
    rules: ReadonlyMap<string, NameIndex<ListRule<PackageAction>>>
    exceptions: ReadonlyMap<string, NameIndex<Exception>>
    allExceptions: readonly Exception[]
    /** As written: registries that packages may come from, with the scope that each is the only home of, if any. */
    registries: readonly { scope?: string | undefined; upstream: string }[]
    missing: MissingEffects
    missingRules: Readonly<Record<Effect, Rule>>
    /** Facts that some condition reads. */
    needs: readonly PackageFactName[]
    defaults: Defaults
  }
  network: { hosts: HostIndex; defaults: Defaults }
  credentials: {
    rules: readonly ListRule<CredentialAction>[]
    byName: ReadonlyMap<string, readonly ListRule<CredentialAction>[]>
    defaults: Defaults
  }
  mounts: { rules: readonly ListRule<MountAction>[]; defaults: Defaults }
  mcp: {
    rules: readonly ListRule<McpAction>[]
    byServer: ReadonlyMap<string, readonly ListRule<McpAction>[]>
    defaults: Defaults
  }
  skills: { rules: NameIndex<ListRule<SkillAction>>; defaults: Defaults }
  /** Every rule of every list, in the order of the files. */
  listRules: readonly ListRule[]
  approvers: ReadonlyMap<string, Approvers>
  /** What is demanded of people's answers at each level. */
  risks: RiskLevels
  sandbox: Sandbox
}

/** How a box is built, as written; what is absent is left to `run`. */
export interface Sandbox {
  engine?: "auto" | (typeof ENGINES)[number]
  runtime?: string
  image?: string
  /** Amounts such as `512m` and `4g`. */
  memory?: string
  disk?: string
  "file-size"?: string
  cpus?: number
  pids?: number
  timeout?: string
  workspace?: (typeof WORKSPACE_MODES)[number]
  mask?: readonly string[]
  protect?: readonly string[]
  mounts?: readonly { path: string; target?: string; write?: boolean }[]
  messages?: readonly { from: string; to: string }[]
  env?: readonly string[]
  "pause-when"?: readonly ("gate-gone" | "log-failing" | "approvers-gone")[]
}
