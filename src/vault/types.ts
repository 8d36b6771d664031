// The contract of the vault: what a credential is, where it may go, and what stands for it in an agent's hands.

/** Where in a request a credential goes. */
export type Slot =
  /** `authorization: Bearer <value>` */
  | { in: "bearer" }
  /** A header; `prefix` stands before the value. */
  | { in: "header"; name: string; prefix?: string }
  /** `authorization: Basic base64(user:value)`; any user where none is named. */
  | { in: "basic"; user?: string }
  | { in: "query"; name: string }
  /** A whole segment of the path, wherever the placeholder stands as one. */
  | { in: "path" }
  /** A member of a JSON body (RFC 6901 pointer), a field of a form, or one of a multipart form (`part`, RFC 7578). */
  | { in: "body"; pointer?: string; field?: string; part?: string }
  | { in: "cookie"; name: string }
  /** The request is signed anew. The value is `<access key id>:<secret key>[:<session token>]`. */
  | { in: "aws"; service?: string; region?: string }
  /** The value is `<client id>:<client secret>`: the gate fetches the token and sends it as a bearer. */
  | { in: "oauth-client"; tokenUrl: string; scope?: string }

/** Where a credential may go: nowhere else, whatever a rule says. */
export interface Reach {
  /** Host patterns, as policies write them. At least one. */
  hosts: readonly string[]
  methods?: readonly string[]
  /** Path patterns, as policies write them. */
  paths?: readonly string[]
  /** Names of agents; all where absent. */
  agents?: readonly string[]
}

/** Where a value comes from each time that it is needed. Only `value` is kept, encrypted; the others are asked for on the host. */
export type Source =
  | { from: "value" }
  | { from: "env"; name: string }
  | { from: "file"; path: string }
  /** A program and its arguments, run without a shell. */
  | { from: "command"; command: readonly string[] }
  /** `op://vault/item/field`, read by 1Password's own `op read`. */
  | { from: "1password"; reference: string }
  /** An entry of `pass`. */
  | { from: "pass"; entry: string }
  /** A login of an agent's own program, kept like `value` and renewed by the gate when its access token is about to end. */
  | { from: "login"; login: "claude" | "codex" | "gemini" }

/** A credential, without its value. */
export interface Credential {
  /** As policies name it. */
  name: string
  reach: Reach
  slot: Slot
  source: Source
  /** What its placeholder looks like: a shape by name (`github`, `anthropic`, `aws`, `jwt`, ...), or `plain`. */
  shape: string
  /** Variables of an agent's environment that carry its placeholder; by its shape where absent (`GITHUB_TOKEN`). */
  env?: readonly string[]
  /** Never given out to be used: whoever sends its placeholder anywhere has read what it should not. */
  canary?: true
  /** Counts up with each `set` and `rotate`; placeholders stay the same. */
  version: number
  /** Who set it. */
  by: string
  /** Milliseconds since the epoch. */
  time: number
}

/** Credentials as the gate uses them. Nothing that it returns is ever printed or recorded, but names and placeholders. */
export interface Vault {
  /** The key is not there: 503 `vault.locked` for whatever needs a credential. */
  readonly locked: boolean
  /** Credentials that are in force now; reads nothing that is locked. */
  list: () => readonly Credential[]
  /** The value. Rejects with `NanoguardError` (environment) where it is locked, or where its source has none. */
  reveal: (name: string) => Promise<string>
  /** What stands for a credential in one run: the same each time, for every gate that shares this vault. Throws where it is locked. */
  placeholder: (name: string, run: string) => string
  /** Whose placeholder a text is, which `findPlaceholders` found to look like one: of any credential and any run. */
  identify: (text: string) => Identified | undefined
  /** Encrypts what waits on disk (spooled bodies), under a key of its own; `context` has to be the same to open it. */
  seal: (bytes: Uint8Array, context: string) => Buffer
  /** Throws where it was changed, or sealed under another key or context. */
  open: (sealed: Uint8Array, context: string) => Buffer
  /** Told when a credential was set, rotated or removed, by whatever process. */
  reload: () => Promise<void>
  close: () => void
}

export interface Identified {
  /** Name of the credential. */
  credential: string
  /** Whether it is this run's. A stranger's is a stolen one. */
  runTag: string
}

/** A place in a request where something that looks like a placeholder stands. */
export interface FoundPlaceholder {
  text: string
  /** `authorization`, `header:x-a`, `query`, `path`, `body`, `cookie`. */
  where: string
  /** How it was written: `plain`, `base64`, `hex`, `percent`, `json`, `gzip`, ... */
  encoding: string
}
