// The contracts of the gate: what a request is, what a protocol does with an upstream's document, and what a refusal carries.
import type { PackageDocument } from "../packages/types.ts"
import type { Scope } from "../policy/scope-types.ts"
import type { Ecosystem, Verdict } from "../policy/types.ts"

/** Who asks: from a token, or from the socket that a request came in by. */
export interface Attribution {
  agent: string
  /** The person who runs it. */
  operator: string
  run: string
  /** False outside of a box, where the gate is no boundary. */
  boxed: boolean
  /** One visit of the run, such as one wrapped command: what is summed up at its end. The run where absent. */
  visit?: string
  /** Runs above this one, and their agents: it is stopped with them. */
  parents?: readonly string[]
  /** Where its rights are narrower than the policy. */
  scope?: Scope
}

/**
 * Which client a request seems to come from. It is the client's own word, so it chooses how things are presented and which
 * command a correction names, and never what is decided.
 */
export type Client =
  | "npm"
  | "pnpm"
  /** Before its 12th, which chooses versions in another way. */
  | "pnpm-classic"
  | "yarn"
  | "yarn-classic"
  | "bun"
  | "pip"
  | "uv"
  | "poetry"
  | "pdm"
  | "cargo"
  | "go"
  | "other"

/** A request below a protocol's mount, as it came: nothing of it is trusted. */
export interface RawRequest {
  method: string
  /** Path below the mount, with its leading slash, still percent-encoded; at most 4,096 bytes. */
  path: string
  /** After the `?`, without it; "" where there is none. */
  query: string
  accept: string
}

/** What a request asks for, in canonical names (PEP 503 for Python). */
export type FrontRequest =
  /** All versions of a package. */
  | { kind: "listing"; name: string; form: string }
  /** One version's metadata, answered out of the listing (npm `/name/1.2.3` or `/name/latest`, Go's `@latest`). */
  | { kind: "release"; name: string; version: string; form: string }
  /** Bytes: an archive, or a file beside it (PEP 658 metadata, Go's .info and .mod). Addresses that spell a refusal are read as this, too. */
  | { kind: "artifact"; name: string; version: string; file: string }
  /** What the protocol answers from our own data: ping, cargo's config.json, npm's advisories and signature keys, Go's checksum database. */
  | { kind: "service"; service: string; rest?: string }
  /** Known to the protocol, and refused politely: search, login, publish. The sentence says what to do instead. */
  | { kind: "unsupported"; what: string; hint: string }

/** A file of a version, as the upstream's document promises it. */
export interface UpstreamFile {
  /** Name in the client's request. */
  file: string
  /** Absolute; checked before it is asked for. */
  url: string
  /** SRI hashes; empty where the upstream promises none. */
  integrity: readonly string[]
  size?: number
  contentType: string
  /**
   * Holds no code and is served for refused versions, too: Go reads the go.mod of versions that it does not take, and a way out of a
   * refusal leads past them.
   */
  metadata?: true
}

/** How a version appears to a client: as it is; kept, marked and with an address that spells its refusal; or left out. */
export type Presentation = "served" | "listed" | "withheld"

/** What is said of a version that is not served. */
export interface Withheld {
  presentation: Exclude<Presentation, "served">
  verdict: Verdict
}

/** What a listing is rendered with. */
export interface Plan {
  /** Our own address of the protocol's mount, as the client reached it: no slash at its end. */
  base: string
  client: Client
  /** Versions that are not served; all others are. */
  withheld: ReadonlyMap<string, Withheld>
  /** The version that a tag of a withheld one points to instead; undefined where no version is served. */
  replacement: string | undefined
  /** Path, below the mount, of the address that spells a refusal: built from validated words only, ends in `/<file>`. */
  blockedPath: (name: string, version: string, file: string) => string
}

export interface Rendered {
  contentType: string
  body: string | Buffer
  /** Further headers; names and values are the protocol's own or validated. */
  headers?: Readonly<Record<string, string>>
}

/** The document is not what the protocol says it is; the message is one of our own templates. */
export class ListingError extends Error {
  override name = "ListingError"
}

/**
 * One registry protocol, without I/O: data in, data out. `D` is an upstream document, parsed once and kept by the front as long
 * as the upstream's bytes are the same.
 */
export interface Protocol<D = unknown> {
  readonly ecosystem: Ecosystem
  /** Reads a request strictly: undefined for whatever the protocol does not know, and for every trick with a path. */
  read(request: RawRequest): FrontRequest | undefined
  /** Where the upstream at `base` has the document of all versions of a package; `own` is the base of the person's own configuration. */
  source(name: string, base: string, own?: string): { url: string; accept: string }
  /** A further document of the upstream that addresses of files depend on (cargo's config.json): asked for once a base. */
  prepare?(base: string): { url: string; accept: string }
  /** Throws `ListingError` where the bytes are no document of `name`. `url` is what they were read from, for relative addresses. */
  parse(body: Buffer, name: string, url: string): D
  /** Versions in the document, in its order. */
  versions(document: D): readonly string[]
  /** The name as the upstream spells it, where requests only have a key to it (cargo's index is lower case): decisions are about this one. */
  nameOf?(document: D): string
  /** What the document's tags name: npm dist-tags. */
  tags(document: D): Readonly<Record<string, string>>
  /**
   * Files of one version; empty for one that is not there. `base` is the upstream's, `prepared` the body of what `prepare` named;
   * throws `ListingError` where that is not what it should be.
   */
  files(document: D, version: string, base: string, prepared?: Buffer): readonly UpstreamFile[]
  /**
   * What decisions need of all versions, out of the same parsing: as the registry's own reader finds it in these bytes, before any
   * question about single versions. `now`: when the upstream last answered for it, milliseconds since the epoch.
   */
  facts?(document: D, now: number): PackageDocument
  /** The client's answer to a listing. */
  render(document: D, request: FrontRequest & { kind: "listing" }, plan: Plan): Rendered
  /** The client's answer about one served version; undefined where the protocol has no such request. */
  renderRelease?(document: D, request: FrontRequest & { kind: "release" }, version: string, plan: Plan): Rendered
  /**
   * Where the upstream makes a version of a release that no listing names: Go's branches and commits, and `@latest` of a module without
   * tags. The version is then decided like any other.
   */
  resolve?(request: FrontRequest & { kind: "release" }, base: string): { url: string; accept: string }
  /** The version that the answer to `resolve` names. Throws `ListingError`. */
  resolved?(body: Buffer, name: string): string
  /** Where a release is answered with a file of the version, from the upstream (Go's `@latest`): its name. */
  releaseFile?(version: string): string
  /** The answer to a service request that needs nothing but our own address of the mount; undefined for others. */
  answerService?(request: FrontRequest & { kind: "service" }, base: string): Rendered | undefined
  /** Whether a listing without any served version is answered with a refusal instead (false where a client then says nothing). */
  readonly refusesListing: boolean
}

/** The body of every 403. */
export interface Refusal {
  /** First member: one short line that stands alone. */
  error: string
  requestId: string
  verdict: Verdict
  retryable: boolean
  approval?: { id: string; state: string; expires: string; note?: string }
}
