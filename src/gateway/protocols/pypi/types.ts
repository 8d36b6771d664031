// A project's page of the simple repository API, read once: what of it is worth passing on, validated.

/** Hex digest by the algorithm's name in PEP 503 fragments. */
export interface Hash {
  algorithm: "sha512" | "sha384" | "sha256" | "sha1" | "md5"
  hex: string
}

/** One distribution file. Every text in it fits a grammar of its own: nothing free is passed on. */
export interface ProjectFile {
  /** A plain name: see `versionOfFile`. */
  filename: string
  /** Canonical by PEP 440. */
  version: string
  /** Absolute http(s) address, without fragment or credentials. */
  url: string
  /** Strongest first; one of the SHA-2 family where the page has any. */
  hashes: readonly Hash[]
  /** The file's metadata lies beside it (PEP 658): its hash, or true where the page states none. */
  metadata?: Hash | true
  /** PEP 440 specifiers. */
  requiresPython?: string
  /** Bytes. */
  size?: number
  /** ISO 8601 in UTC. */
  uploaded?: string
  /** By the upstream (PEP 592); its reason is free text and stays behind. */
  yanked: boolean
  /** Where its attestations lie (PEP 740); null where it has none on an index that has any. For facts alone. */
  provenance?: string | null
}

export interface Project {
  /** PEP 503. */
  name: string
  /** Archived or deprecated (PEP 792). */
  outOfUse: boolean
  /** In the page's order, no name twice. */
  files: readonly ProjectFile[]
  byVersion: ReadonlyMap<string, readonly ProjectFile[]>
}
