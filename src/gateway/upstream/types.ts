// What the gate asks of its upstreams, and what it gets: values for every failure, bytes that are held to their hash.
import type { LookupFunction } from "node:net"
import type { HttpClient, HttpLimits } from "../../packages/registries/http.ts"
import type { CurationBlock } from "./curation.ts"
import type { Waiver } from "./waiver.ts"

/** One request to an upstream, made by us alone: no header or path of a client goes through. */
export interface UpstreamRequest {
  url: string
  /**
   * The configured address that `url` was learnt below, for artifacts; without it `url` itself counts as configured. One on
   * another origin is only asked where it looks public, over https, and every address of its name is.
   */
  base?: string
  accept?: string
  /** The authorization value for exactly this URL; asked again for every redirect. */
  authorize?: (url: URL) => string | undefined
  /** Origins that may be redirected to, or that an index may name, besides the request's own. */
  origins?: ReadonlySet<string>
}

/** Why there is no answer. `detail` is one of our own templates with a status or a limit in it, never a server's text. */
export interface UpstreamFailure {
  ok: false
  /** `mismatch`: an artifact that is not the promised one; `refused`: 401 or 403. */
  kind: "not-found" | "refused" | "unreachable" | "invalid" | "too-large" | "mismatch" | "offline"
  status?: number
  detail: string
  /** Where the refusal is one of JFrog Curation: what it says, bounded and read, but still a server's text. */
  curation?: CurationBlock
}

/** A whole metadata document. `id` is the sha256 of the body (hex): equal for equal bodies, so that work on it can be kept. */
export interface Metadata {
  ok: true
  body: Buffer
  id: string
  etag?: string
  /** Milliseconds since the epoch: when the upstream last vouched for it. */
  fetchedAt: number
  /** Set where the upstream could not be asked and an old answer serves. */
  stale?: true
}

export interface ArtifactRequest extends UpstreamRequest {
  /** SRI values that metadata promised; one of the strongest algorithm must hold. Empty: nothing promised (Go). */
  integrity: readonly string[]
  /** Bytes that metadata promised. */
  size?: number
}

export interface Artifact {
  ok: true
  size?: number
  contentType?: string
  /** Whether it came whole from the disk. */
  cached: boolean
  /**
   * To be read once, or discarded. The last chunk is only yielded once the hash holds; throws `IntegrityError` where it does not,
   * `TransferError` where the upstream broke off. A small artifact is checked before there is an answer at all.
   */
  bytes: AsyncIterable<Uint8Array>
  /** Lets go of bytes that nobody will read (any more); may be called at any time. Done after a minute without a first read. */
  discard(): void
}

/** The bytes are not those that were promised: what was sent of them so far must not be taken for whole. */
export class IntegrityError extends Error {}

/** The upstream broke off in the middle; the message is safe to show. */
export class TransferError extends Error {}

export interface UpstreamStats {
  metadata: { hits: number; misses: number; revalidated: number; stale: number; failures: number; bytes: number }
  artifacts: { hits: number; misses: number; joined: number; failures: number; dropped: number; bytes: number }
  /** Bytes of the cache on disk, as far as they were counted. */
  cacheBytes: number
}

export interface UpstreamLimits extends HttpLimits {
  /** Bytes of one artifact. */
  artifactBytes: number
  /** Milliseconds that one artifact may take; `body` bounds each silence in it. */
  artifactTotal: number
  /** Bytes of metadata kept in memory. */
  memoryBytes: number
  /** Sockets to one host. */
  connections: number
}

export interface UpstreamOptions {
  /** Where answers are kept; undefined: nowhere that outlives the process. */
  directory: string | undefined
  /** Bytes that the directory may hold. */
  maxBytes?: number
  env: Readonly<Record<string, string | undefined>>
  /** PEM certificates to trust beside Node's own. */
  ca?: readonly string[]
  /** Milliseconds since the epoch. */
  now: () => number
  /** Serve what is at hand and ask no one. */
  offline?: boolean
  /** Milliseconds after its last confirmation for which an answer may serve while the upstream is down; 0: never. */
  stale?: number
  limits?: Partial<UpstreamLimits>
  /** How the names of hosts become addresses; the system's way where it is left out. */
  lookup?: LookupFunction
}

export interface Upstream {
  /** A whole document, from memory, disk or upstream. Never throws for what a network, a server or a file did. */
  metadata(request: UpstreamRequest): Promise<Metadata | UpstreamFailure>
  /** The `id` of the document that `metadata` would answer with, asking no one; undefined where that is not known. */
  fresh(request: UpstreamRequest): string | undefined
  /** The bytes of an artifact. Never throws; its `bytes` do. */
  artifact(request: ArtifactRequest): Promise<Artifact | UpstreamFailure>
  /**
   * Names origins that the person or the policy configured. From then on all others are learnt: asked only over https, and only
   * on public addresses. Those that were named stay so.
   */
  trust(origins: Iterable<string>): void
  /** The registries' own client over the same metadata cache, so that facts and listings come from the same answer. */
  http: HttpClient
  /** Asks a JFrog Artifactory for a waiver of its Curation for the artifact at `url`. `reason`: 5 to 300 printable ASCII characters. */
  requestWaiver(request: UpstreamRequest, reason: string): Promise<Waiver | UpstreamFailure>
  stats(): UpstreamStats
  close(): Promise<void>
}
