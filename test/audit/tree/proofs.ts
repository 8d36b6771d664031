// Proofs out of all leaves, made slowly: what those out of tiles are held against.
import { consistencyRanges, inclusionRanges, rootOf } from "../../../src/audit/tree/merkle.ts"

/** PATH(index, D[n]): the hashes from the leaf's sibling up that lead to the root. Throws `RangeError` for a leaf that is not there. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  return inclusionRanges(index, leaves.length).map(({ from, to }) => rootOf(leaves.slice(from, to)))
}

/** PROOF(older, D[n]): that the tree of `leaves` begins with the tree of its first `older`. Nothing where `older` is 0 or all. */
export function consistencyProof(leaves: readonly Uint8Array[], older: number): Uint8Array[] {
  return consistencyRanges(older, leaves.length).map(({ from, to }) => rootOf(leaves.slice(from, to)))
}
