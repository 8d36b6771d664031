// What a verification is told.
import type { Verifier } from "../checkpoints/note.ts"
import type { Anchor } from "../types.ts"

/** Of a store; an export has options of its own. */
export interface VerifyOptions {
  /** Keys that checkpoints may be signed with. */
  keys: readonly Verifier[]
  anchors: readonly Anchor[]
  /** Whether the rows of the index are compared too. */
  index: boolean
  /** The directory that holds archived bodies. */
  archive?: string
  /** Worker threads; as many as the log is worth where absent. */
  threads?: number
  /** Told how many records are done. */
  onProgress?: (done: number, of: number) => void
}
