// The tables, as Kysely's types. Two groups: what must never be lost (in SQLite the file `record.db`, synced fully), and what
// is derived from it and can be rebuilt at any time (`index.db`; schema-derived.ts). In PostgreSQL both live in the schema `nanoguard`.
import type {
  AgentsTable,
  DerivedTable,
  EntriesTable,
  ItemsTable,
  TilesTable,
  TouchedTable,
  UsesTable,
} from "./schema-derived.ts"

export type * from "./schema-derived.ts"

/** The log. `body` is the RFC 8785 canonical JSON of a `LogRecord`; its leaf is sha256(0x00 || body). INSERT and SELECT only. */
export interface EventsTable {
  /** Sequence number: from 1, without gaps, in commit order. */
  seq: number
  body: string
}

/** What personal commitments in the log open to. A row that is gone can never be opened again, and every proof still holds. */
export interface PeopleTable {
  /** "person:" and the base64url of sha256(salt || value). */
  commitment: string
  /** base64url of 32 random bytes. */
  salt: string
  value: string
}

/** Signed tree heads. */
export interface CheckpointsTable {
  /** Number of records under it. */
  size: number
  /** base64 of the root hash. */
  root: string
  /** C2SP signed note, with its signature lines. */
  note: string
  /** Milliseconds since the epoch. */
  time: number
}

/** Which checkpoint an outside place has confirmed. */
export interface PublicationsTable {
  anchor: string
  size: number
  time: number
}

/** Small facts about this store: `origin` (name of the log), `archived` (last sequence number whose body is archived). */
export interface SettingsTable {
  name: string
  value: string
}

/** Who may decide, as a chain: each row but the first is signed by somebody enrolled before it. INSERT and SELECT only. */
export interface ApproversTable {
  /** From 1, without gaps. */
  position: number
  action: "add" | "remove"
  name: string
  /** `ssh-ed25519 <base64>`. */
  key: string
  time: number
  by: string
  signature: string
}

/** What was asked of people. Only `state`, `uses` and `ends` change, and never back. What a row is worth its signatures say. */
export interface ApprovalsTable {
  id: string
  /** `sha256:<hex>` of `binding`, which is RFC 8785 canonical JSON. */
  digest: string
  /** Digest of what makes two requests the same one. */
  topic: string
  binding: string
  kind: string
  agent: string
  subject: string
  /** Milliseconds since the epoch. */
  requested: number
  expires: number
  state: "pending" | "granted" | "denied" | "expired" | "consumed"
  /** How often the grant was used. */
  uses: number
  /** When the grant ends; 0 where there is none. */
  ends: number
}

/** Signed answers, one a person. INSERT and SELECT only. */
export interface DecisionsTable {
  approval: string
  by: string
  answer: "approve" | "deny"
  /** Canonical JSON of `Terms`. */
  terms: string
  time: number
  signature: string
}

/** Texts of adopted policies. INSERT and SELECT only. */
export interface PoliciesTable {
  /** `sha256:<hex>` of `texts`. */
  digest: string
  /** Canonical JSON: `{file, text}`, outermost layer first. */
  texts: string
}

/** Which policy is in force for a project: the newest row whose signature holds. INSERT and SELECT only. */
export interface AdoptionsTable {
  project: string
  time: number
  /** Of the compiled policy. */
  hash: string
  /** Row of `policies`. */
  digest: string
  by: string
  signature: string
}

/** Credentials, as a chain like that of approvers: the newest row of a name counts. INSERT and SELECT only. */
export interface CredentialsTable {
  /** From 1, without gaps. */
  position: number
  name: string
  action: "set" | "remove"
  /** Canonical JSON of `Credential`; "" for a removal. */
  credential: string
  /** base64 of the encrypted value; "" where its source is elsewhere. */
  sealed: string
  time: number
  by: string
  signature: string
}

/** Bodies of requests that wait for a person, encrypted. Deleted once it is over. */
export interface HeldTable {
  /** Id of the approval. */
  approval: string
  /** Id of the gateway that has the client, and since when; whoever asks again takes it over. */
  gateway: string
  time: number
  /** Encrypted bytes of the body. */
  sealed: Uint8Array
}

/** Who is stopped, as a chain: see `src/sandbox/kills/chain.ts`. INSERT and SELECT only. */
export interface KillsTable {
  /** From 1, without gaps. */
  position: number
  action: "kill" | "resume"
  /** "all", "agent:<name>" or "run:<id>". */
  target: string
  time: number
  by: string
  /** Words of whoever stopped or resumed. */
  reason: string
  /** Of a resume; "" for a kill, which needs nobody's leave. */
  signature: string
}

/** What budgets have used, a double as dollars have parts: added to, never set; counters of windows that began more than two days ago may go. */
export interface UsageTable {
  /** `<rule>/<unit>`, with `@<run>` behind it where the window is a run. */
  counter: string
  /** When the window began, milliseconds since the epoch; 0 for a run's. */
  window: number
  used: number
}

export interface Tables {
  events: EventsTable
  people: PeopleTable
  checkpoints: CheckpointsTable
  publications: PublicationsTable
  settings: SettingsTable
  approvers: ApproversTable
  approvals: ApprovalsTable
  decisions: DecisionsTable
  policies: PoliciesTable
  adoptions: AdoptionsTable
  credentials: CredentialsTable
  held: HeldTable
  usage: UsageTable
  kills: KillsTable
  tiles: TilesTable
  entries: EntriesTable
  agents: AgentsTable
  items: ItemsTable
  uses: UsesTable
  touched: TouchedTable
  derived: DerivedTable
}
