// The contract of approvals: what is asked of a person, what the person signs, and what follows from it.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Grant } from "../policy/grant-types.ts"
import type { Risk } from "../policy/risk.ts"

/** Plain data, as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Who may decide: from the policy, and part of what is signed. */
export interface Panel {
  /** Name under `approvers` in the policy; "" for what a rule that names nobody asks. */
  group: string
  /** Names of approvers; "anyone" who is enrolled where the policy names nobody. */
  people: readonly string[] | "anyone"
  /** How many different people must agree. */
  quorum: number
  /** False where the policy says that whoever operates the agent is not among them. */
  operator?: false
  /** How much harm a wrong yes would do, as the rules that ask say; `medium` where absent. */
  risk?: Risk
  /** False where a yes is for the one request in front of them: once, in its run. */
  alike?: false
}

/** What exactly is asked. Its digest is what a person sees, repeats and signs; nothing in it can change afterwards. */
export interface Binding {
  v: 1
  /** `package`, `exception`, `network`; other rooms add theirs. */
  kind: string
  agent: string
  operator?: string
  run?: string
  /** As the verdict shows it. */
  subject: string
  /** By kind: `PackageArguments` for packages and exceptions, `NetworkArguments` for requests. */
  arguments: Json
  approvers: Panel
  policyHash: string
  /** Of the rules that ask, for kind `network`: what is granted outlives other changes of the policy. */
  ruleHash?: string
  /** The agent's own words: one clean line of bounded length, to be shown as a quotation. */
  reason?: string
  /** 16 random bytes, base64url: the same request made twice has two digests. */
  nonce: string
  /** Milliseconds since the epoch. */
  requested: number
  /** The first instant at which it can no longer be decided. */
  expires: number
}

/** What is asked about a package: kinds `package` (lifts what asks) and `exception` (lifts one code that denies or asks). */
export interface PackageArguments {
  purl: string
  /** What the registry's metadata promises of the bytes. */
  integrity?: string
  codes: readonly string[]
  /** Ids of the advisories that were shown; a finding with another one is not covered. */
  advisories?: readonly string[]
  /** Facts that were missing: where others are, too, that is not covered. */
  missing?: readonly string[]
}

/** What is asked about a request: kind `network`. The same request of the same run has the same one, and is the same question. */
export interface NetworkArguments {
  method: string
  /** `https`, `http`, `wss`, `ws`. */
  scheme: string
  host: string
  port: number
  /** Normalised. */
  path: string
  /** As it was sent; "" where there is none. */
  query: string
  /** Those that the rule names under `bind`, lower case: what else is in the head does not count. */
  headers: Readonly<Record<string, string>>
  /** Of the bytes as they were sent: `sha256` in hex. Absent where there are none. */
  body?: { sha256: string; size: number; type: string }
  /** Id of the rule that asks, without its place: what `covers: "alike"` goes by. */
  rule: string
  /** Ids of the other rules that ask about it (`askingRules`). Where this is absent, nothing that was granted alike covers it. */
  also?: readonly string[]
  codes: readonly string[]
  reason: string
  operation?: string
  access?: "read" | "write"
  /** Name of the credential that goes onto it. */
  credential?: string
  /** Only the opening is decided: what is said on the connection afterwards is not seen. */
  opening?: "websocket" | "grpc"
  /** The request decoded, for people: verb, resource, amount and parts; 32 KiB at most. */
  shown: Json
  /** Where the host comes up for the first time in this agent's record, and such. */
  provenance?: readonly string[]
}

/** What a room hands over to have it asked. */
export interface Asked extends Pick<Binding, "kind" | "agent" | "subject" | "arguments" | "approvers" | "policyHash"> {
  ruleHash?: string
  operator?: string | undefined
  run?: string | undefined
  /** What the agent says, as it said it. */
  reason?: string | undefined
  /** Milliseconds until a request that nobody answers is refused. */
  wait: number
  boxed?: boolean
}

/**
 * `granted`: enough people agreed, and the grant may still be used; `consumed`: it was used as often as it may be. What it is
 * worth is decided by its signatures (`activeGrants`), never by this word.
 */
export type ApprovalState = "pending" | "granted" | "denied" | "expired" | "consumed"

/** A request as it stands. */
export interface Approval {
  id: string
  /** `sha256:<hex>` of the binding. */
  digest: string
  state: ApprovalState
  binding: Binding
  /** Times that the grant was used. */
  uses: number
  decisions: readonly Decision[]
}

/** What the gate tells an agent. */
export interface Requested {
  id: string
  state: ApprovalState
  /** RFC 3339. */
  expires: string
  /** The person's reason for a no: one clean line of bounded length. */
  note?: string
}

/** Too much is waiting for a person already, of this agent or of all: nothing was added. */
export interface Flooded {
  state: "flooded"
  /** RFC 3339: when something of it will have expired. */
  retry: string
}

/** What a person agrees to, or why not. Signed as canonical JSON. Of several people's terms the narrowest count. */
export interface Terms {
  /** Whether it holds for the run that asked, or for whatever the agent does. */
  scope?: "run" | "agent"
  /** Milliseconds since the epoch: the first instant at which it no longer holds. */
  expires?: number
  /** How often it may be used. Where absent: a request of its own (`covers: "this"`) once, anything else without end. */
  uses?: number
  /** Of a request: this very one, or whatever the same rule asks about the same host. The former where absent. */
  covers?: "this" | "alike"
  /** The person's words. */
  note?: string
}

/** One person's signed answer. */
export interface Decision {
  approval: string
  by: string
  answer: "approve" | "deny"
  terms: Terms
  /** Milliseconds since the epoch. */
  time: number
  signature: string
}

/** A grant whose signatures were verified: `grant` goes into a decision's evidence, the rest into its event. */
export interface ActiveGrant {
  grant: Grant
  /** Canonical purl with version: what it is for. "" for requests. */
  purl: string
  /** Where it was known when it was asked: the bytes must be those. */
  integrity?: string
  /** Who agreed: personal, for `NewEvent.by`. */
  by: readonly string[]
  /** Times used so far; what `consumeGrant` compares with. */
  uses: number
  /** How often it may be used. */
  limit?: number
}

/** Someone who may decide. */
export interface Approver {
  name: string
  /** `ssh-ed25519 <base64>` (RFC 8709). */
  key: string
  /** Milliseconds since the epoch. */
  added: number
  /** Who enrolled them; themselves for the first one, the root of trust. */
  by: string
}

/** Signs a text as its owner; the result is what `verifySignature` takes. */
export interface Signer {
  name: string
  sign(message: string): Promise<string>
}

/** One layer of a policy: its text, and the name that verdicts show. */
export interface PolicyText {
  file: string
  text: string
}

/** The policy in force for a project, as a person adopted it. */
export interface AdoptedPolicy {
  project: string
  /** Of the compiled layers. */
  hash: string
  /** Outermost first. */
  texts: readonly PolicyText[]
  policy: CompiledPolicy
  by: string
  /** Milliseconds since the epoch. */
  time: number
}
