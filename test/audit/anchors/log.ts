// A log small enough to hold in memory, to publish from.
import { generateKeyPairSync } from "node:crypto"
import type { ProveConsistency } from "../../../src/audit/anchors/publish.ts"
import { signCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { makeSigner } from "../../../src/audit/checkpoints/note.ts"
import { rootOf } from "../../../src/audit/tree/merkle.ts"
import type { Checkpoint } from "../../../src/audit/types.ts"
import { leafHashes } from "../oracle.ts"
import { consistencyProof } from "../tree/proofs.ts"

export const ORIGIN = "nanoguard/0123abcd4567ef89"
export const KEY = makeSigner(ORIGIN, generateKeyPairSync("ed25519").privateKey)

export interface TestLog {
  /** The signed head over the first `size` records. */
  at(size: number): Checkpoint
  prove: ProveConsistency
}

/** A log of `size` records. The same seed is the same history; from `changedFrom` on it is another. */
export function makeLog(size: number, changedFrom = size): TestLog {
  const leaves = [...leafHashes(changedFrom), ...leafHashes(size, "other").slice(changedFrom)]
  return {
    at: (some) => signCheckpoint({ size: some, root: rootOf(leaves.slice(0, some)) }, KEY),
    prove: async (older, newer) => (newer > size ? undefined : consistencyProof(leaves.slice(0, newer), older)),
  }
}
