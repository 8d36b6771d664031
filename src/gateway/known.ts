// What is kept of one package's documents, and what that weighs: some packages have a thousand times the versions of others.
import type { DocumentResult, PackageDocument } from "../packages/types.ts"
import type { PackageFacts } from "../policy/types.ts"

export interface Known {
  id: string
  /** Versions whose facts were collected since. */
  learnt: number
  document?: Promise<DocumentResult>
  settled?: PackageDocument
  /** The last answer with requirements, of these versions. */
  requiring?: { key: string; result: Promise<DocumentResult> }
  full: Map<string, { detail: Promise<DocumentResult>; facts?: PackageFacts }>
}

/** Releases that are kept of all packages together, at some three hundred bytes each. */
export const MAX_WEIGHT = 120_000
/** What a package takes besides. */
const BASE = 20

/** Releases of the document, and once more for each version that has a document of its own. */
export function weigh({ settled, learnt }: Known): number {
  return BASE + (settled?.releases.size ?? 0) * (1 + learnt)
}
