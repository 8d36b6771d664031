// The contract of the law: what goes into `decide` and what comes out. Every other room imports from here;
// nothing here imports from another room.

import type { Grant } from "./grant-types.ts"
import type { Scope } from "./scope-types.ts"

export type Effect = "allow" | "ask" | "deny"
export type Mode = "enforce" | "observe"

/** The purl types that nanoguard collects evidence for. Other types parse, and their evidence is missing. */
export type Ecosystem = "npm" | "pypi" | "cargo" | "golang"

/** One fact behind a verdict: a kind and scalars, never free text that upstream or an agent wrote. */
export interface Evidence {
  kind: string
  [field: string]: string | number | boolean | readonly string[]
}

export interface Correction {
  action: "upgrade" | "downgrade" | "override" | "replace" | "remove" | "request-approval"
  /** What to move to: a purl or `name@version`. */
  target?: string
  /** The exact command that gets there, in the project's own package manager. */
  command?: string
}

/** Another rule that also matched with `ask` or `deny`: mending only the deciding one would not be enough. */
export interface AlsoMatched {
  code: string
  effect: Effect
  rule: string
  /** Name of those who may agree, where the rule names any. */
  approvers?: string
  /** How much harm a wrong yes would do; `medium` where absent. */
  risk?: Severity
}

/** An exception, or a person's approval, that let something through: without it the verdict would have been stricter. */
export interface AppliedException {
  /** Id of the exception with its place, or `approval ap-...`. */
  rule: string
  /** The code that it lifted. */
  code: string
  /** Who answers for it; for an approval the name of the approvers, whose people the event names. */
  owner: string
  /** Last day on which it holds, as an ISO date. */
  expires: string
}

/** The one currency: vet rows, refusals, log events and approval cards all carry it. */
export interface Verdict {
  effect: Effect
  /** Stable and dotted: `vulnerability.severity`. Every code has a page under docs/rules/. */
  code: string
  /** Id of the deciding rule with its place relative to the policy: `packages.deny.severity (nanoguard.yaml:4:12)`. */
  rule: string
  /** purl, "POST https://api.example.com/v1/charges", "mcp:github/create_issue", "skill:pdf@1.2.0". */
  subject: string
  /** One sentence from a fixed template. */
  reason: string
  evidence: Evidence[]
  correction?: Correction
  /** `observe`: the effect is what would have happened; nothing is stopped. */
  mode: Mode
  policyHash: string
  /** Name of those who may agree, where the rule asks and names any. */
  approvers?: string
  /** The gravest risk that rules which ask the same people name; `medium` where absent. */
  risk?: Severity
  also?: AlsoMatched[]
  /** Exceptions and approvals that took something out of this verdict. */
  excepted?: AppliedException[]
}

// ---- actions: what somebody wants to do -------------------------------------------------------------------------

/** Where a package's bytes come from. `origin` is "default" for the ecosystem's own registry, else its base URL. */
export type PackageSource =
  | { kind: "registry"; origin: string }
  | { kind: "git"; url: string }
  | { kind: "url"; url: string }
  | { kind: "file"; path: string }
  | { kind: "workspace"; path: string }

export interface PackageAction {
  kind: "package"
  /** Canonical purl with version. */
  purl: string
  ecosystem: Ecosystem
  /** Canonical in its ecosystem: "@scope/name", PEP 503, module path. */
  name: string
  version: string
  source: PackageSource
}

export interface NetworkAction {
  kind: "network"
  method: string
  /** "https", "http", "wss", "tcp". */
  scheme: string
  /** Canonical: lower case, IDNA, no trailing dot; an address in its canonical text form. */
  host: string
  port: number
  /** Normalised path, without query. */
  path: string
  /** What a known service calls it: `github:pulls.merge`, `git:push`, `aws:s3.PutObject`, `graphql:mutation`. */
  operation?: string
  /** Whether it changes anything, by what is known of the service; by the method where nothing is. */
  access?: "read" | "write"
  /** What the policy's rules look at, by selector (`query.page`, `header.x-a`, `json:/amount`): only what the request has of it. */
  fields?: Readonly<Record<string, FieldValue>>
  /** Why selectors of the body have no answer: every rule that restricts by them is met, and none that permits. */
  unread?: Unread
}

/** A value in a request; a list where a name comes several times, or is a list there. */
export type FieldValue = string | number | boolean | null | readonly FieldValue[]

/** Why a body was not looked into. `ambiguous`: readers would differ about it (a key twice, two encodings). */
export type Unread = "too-large" | "encoded" | "malformed" | "ambiguous" | "stream"

export interface CredentialAction {
  kind: "credential"
  /** Name of the credential in the policy. */
  credential: string
  method: string
  host: string
  /** Canonical; 443 where absent. */
  port?: number
  path: string
  /** The request that it would go onto, for rules that look at more of it than where it goes. */
  request?: NetworkAction
}

export interface MountAction {
  kind: "mount"
  /** Real, absolute path on the host. */
  path: string
  write: boolean
}

export interface McpAction {
  kind: "mcp"
  server: string
  /** Absent for the start of the server itself. */
  tool?: string
  arguments?: Readonly<Record<string, unknown>>
}

export interface SkillAction {
  kind: "skill"
  name: string
  version?: string
  /** Where it came from: a purl, a registry URL or a path. */
  source?: string
}

export type Action = PackageAction | NetworkAction | CredentialAction | MountAction | McpAction | SkillAction

// ---- evidence: what is known about it ---------------------------------------------------------------------------

export type Severity = "low" | "medium" | "high" | "critical"

/** An advisory that applies to exactly the version in question. */
export interface Advisory {
  id: string
  aliases: readonly string[]
  kind: "vulnerability" | "malware"
  /** Absent where nobody stated one; then the policy's `unknown-severity` counts. */
  severity?: Severity
  /** Base score, 0-10. */
  cvss?: number
  /** First fixed versions, one per affected branch. */
  fixed: readonly string[]
}

export type Provenance = "none" | "signed" | "attested" | "verified"

/** Why a fact is not there. `offline`: not asked for, by the user's choice. */
export type MissingReason = "offline" | "unreachable" | "unsupported" | "unstated" | "invalid" | "not-collected"

/**
 * What is known about one version of one package. A field that is undefined is missing, never fine: its reason is
 * `missing[field]`, else `absent`, else "not-collected". Advisories may be known in part: with `missing.advisories` beside
 * them those listed apply, and what is not listed is no answer.
 */
export interface PackageFacts {
  absent?: MissingReason
  missing?: Partial<Record<PackageFactName, MissingReason>>
  /** The name and the version are on the registry. */
  exists?: boolean
  /** Milliseconds since the epoch. */
  published?: number
  /** Newest release of the package, milliseconds since the epoch. */
  lastRelease?: number
  /** SPDX expression as declared; "" where the package states none. */
  license?: string
  /** Names of the scripts that an install would run; empty where there are none. */
  installScripts?: readonly string[]
  deprecated?: boolean
  yanked?: boolean
  provenance?: Provenance
  /** The best provenance among earlier versions. */
  provenanceBefore?: Provenance
  /** Nobody who published an earlier version published this one. */
  publisherChanged?: boolean
  /** The lockfile's hash against the registry's: "present" where it could not be compared, "none" where there is no hash. */
  integrity?: "match" | "mismatch" | "present" | "none"
  /** Those that apply to this version; empty where a source was searched and had none. */
  advisories?: readonly Advisory[]
  /** A well-known name that this one may be mistaken for; null where there is none. */
  lookalike?: { of: string; how: string } | null
  /** Trust score, 0-100. */
  score?: number
}

export type PackageFactName = Exclude<keyof PackageFacts, "absent" | "missing">

/** Counters that a gateway keeps: what a rule's budget has used, in-flight included. Keys are `ruleId/unit`. */
export type Counters = Readonly<Record<string, number>>

/** What is known at the moment of a decision. `now` is part of it, so that `decide` reads no clock. */
export interface DecisionEvidence {
  /** Milliseconds since the epoch. */
  now: number
  facts?: PackageFacts
  counters?: Counters
  /** Vetted addresses of a network action's host; absent before resolution. */
  addresses?: readonly string[]
  /** Approvals of this very action, verified by whoever collected the evidence. */
  grants?: readonly Grant[]
  /** The subject is under a kill. */
  killed?: boolean
  /** Rights of the subject that are narrower than the policy. */
  scope?: Scope
  /** A placeholder was found in a request to a host that its credential is not bound to. */
  unboundPlaceholder?: string
}
