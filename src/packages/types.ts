// The contract of the evidence: what lockfile readers and registry clients hand on.
import type { Ecosystem, MissingReason, PackageSource, Provenance } from "../policy/types.ts"

export type LockfileFormat =
  | "package-lock.json"
  | "npm-shrinkwrap.json"
  | "pnpm-lock.yaml"
  | "yarn.lock"
  | "bun.lock"
  | "requirements.txt"
  | "Pipfile.lock"
  | "poetry.lock"
  | "uv.lock"
  | "pdm.lock"
  | "pylock.toml"
  | "Cargo.lock"
  | "go.mod"
  | "cyclonedx"
  | "spdx"

/** One package as one lockfile has it. */
export interface Dependency {
  /** Canonical purl, with version where there is one. */
  purl: string
  /** A purl type; only the four of `Ecosystem` have registries here. */
  ecosystem: Ecosystem | (string & {})
  /** Canonical in its ecosystem (PEP 503 for Python), npm scope included. */
  name: string
  /** Exact version; "" where the lockfile pins none (a requirements line without ==). */
  version: string
  source: PackageSource
  /** The name it is installed under, where that is another one (npm:real@1 as alias). */
  alias?: string
  /** Hashes as `algorithm-base64` (SRI), whatever the lockfile's own spelling; several where it lists several files. */
  integrity: readonly string[]
  /** Only reached through development dependencies. */
  dev: boolean
  optional: boolean
  peer: boolean
  /** Its bytes come inside the archive of the package above it: it has neither an address nor a hash of its own to miss. */
  bundled?: boolean
  /** The lockfile has a hash, but of the package manager's own archive (yarn berry): nothing to compare, yet not unprotected. */
  ownHash?: boolean
  /** Named by a root or workspace manifest. */
  direct: boolean
  /** The key that identifies this entry in its file, for `lineOf` and for edges; unique within the file. */
  key: string
  /** What the lockfile itself says of the package; evidence against it, never for it. */
  claims?: { license?: string; installScripts?: boolean; deprecated?: boolean }
}

/** `from` wants `to` within `range`. Roots and workspaces are `from` keys listed in `Lockfile.roots`. */
export interface Edge {
  from: string
  to: string
  /** The range as `from` states it; "" where the format does not keep it. */
  range: string
}

export interface Lockfile {
  /** As given to the parser: relative to the vetted root, with forward slashes. */
  path: string
  format: LockfileFormat
  /** The lockfile's own version: "3", "9.0", "berry-8". */
  formatVersion: string
  dependencies: Dependency[]
  edges: Edge[]
  /** Keys of the project itself and its workspaces, with a name to show. */
  roots: { key: string; name: string }[]
  /** What could not be read as more than it says: never silently dropped. Texts from our own templates. */
  warnings: string[]
  /** Line (from 1) of an entry, computed when asked for; 1 where it cannot be told. */
  lineOf: (key: string) => number
  /** Takes `dev` back where the file states it and its own edges do not bear it out; to be called before going by it. */
  checkFlags?: () => void
}

/**
 * Reads other files that a lockfile refers to (requirements -r, go.sum, .npmrc): undefined where there is none. `d/../x` is `x`, and
 * `as-opened` what an operating system opens by that: where `d` is a link, what lies beside the directory that it leads to.
 */
export type ReadSibling = (relativePath: string, how?: "as-opened") => string | undefined

/** A lockfile reader: text in, packages out. Throws `NanoguardError` with file and line on anything it cannot read. */
export type LockfileParser = (text: string, path: string, readSibling: ReadSibling) => Lockfile | Promise<Lockfile>

/** One version as its registry describes it, reduced to what decisions need. */
export interface ReleaseInfo {
  version: string
  /** Milliseconds since the epoch. */
  published?: number
  /** SPDX expression or what stands in its place; "" where none is stated. */
  license?: string
  installScripts?: readonly string[]
  deprecated?: boolean
  yanked?: boolean
  /** SRI hashes of its artifacts. */
  integrity?: readonly string[]
  /** "attested" and "signed" are the registry's word; "verified" only after `verifyProvenance`. */
  provenance?: Provenance
  /** Who built it, by a verified attestation: the identity provider that vouched for the builder, and the source. */
  provenanceOf?: { issuer: string; repository: string }
  /** Provenance was stated and does not hold: it is missing as "invalid", never "none". */
  provenanceInvalid?: true
  /** The registry's own signatures over name, version and integrity; filled where `DocumentNeed.verify` is set. */
  signatures?: readonly { key: string; signature: string }[]
  /** Where the attestations of its files lie; filled where `DocumentNeed.verify` is set. */
  attestations?: readonly { file: string; sha256: string; url: string }[]
  /** Account that published it. */
  publisher?: string
  /** Dependencies by name with their ranges, where the index states them. */
  requires?: Readonly<Record<string, string>>
  /** Interpreter range (npm engines.node, requires-python, rust-version), where stated. */
  engine?: string
}

/** What a registry says of one package. */
export interface PackageDocument {
  ecosystem: Ecosystem
  name: string
  releases: ReadonlyMap<string, ReleaseInfo>
  /** npm dist-tags; `latest` is filled for every ecosystem. */
  tags: Readonly<Record<string, string>>
  maintainers: readonly string[]
  /** Milliseconds since the epoch; when the registry last answered for it. */
  fetchedAt: number
  /**
   * Set where the registry could not be asked again: releases then hold only what never changes about a published
   * version, tags are empty, and there may be newer releases.
   */
  stale?: MissingReason
  /** By version, a file that the index names and whose metadata can be read (PyPI wheels). */
  links?: Readonly<Record<string, string>>
}

/** A document, or why there is none. `not-found` is a fact of its own: the name does not exist. */
export type DocumentResult =
  | { ok: true; document: PackageDocument }
  | { ok: false; reason: MissingReason | "not-found"; detail: string }

/** What is wanted of a document beyond the facts of its releases. */
export interface DocumentNeed {
  /** Versions whose details matter where a registry gives them one by one (Go times, licences of PyPI and cargo). */
  versions?: readonly string[]
  /** Where the lockfile has it from, as in `PackageSource`; another registry than the one in use answers "unsupported". */
  origin?: string
  /** Verify the provenance of `versions` instead of taking the registry's word. */
  verify?: boolean
  /** Fill `ReleaseInfo.requires`, which is most of a document's bulk. */
  requires?: boolean
}

export interface Registry {
  ecosystem: Ecosystem
  /** Base URL in use, to show and to compare lockfile origins with. */
  baseUrl: string
  /** Whether a name that a lockfile has from `origin` belongs to the registry at `baseUrl`, and to no other. */
  isHomeOf?: (name: string, origin: string | undefined) => boolean
  /** Bounded in bytes and time; never throws for what a network or a server did. */
  document: (name: string, need?: DocumentNeed) => Promise<DocumentResult>
}
