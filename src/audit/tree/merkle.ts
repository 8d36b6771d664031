// The Merkle tree of RFC 6962 section 2.1 (the same in RFC 9162): hashes in, hashes out. Sizes and indexes are whole
// numbers up to 2^53, so arithmetic is by powers of two and never by bits.
import { hash } from "node:crypto"

/** Bytes of a hash. */
export const HASH_SIZE = 32

/** What the root of a tree commits to. */
export interface TreeHead {
  /** Number of leaves. */
  size: number
  /** 32 bytes. */
  root: Uint8Array
}

/** Leaves `from` (included) to `to` (left out), counted from 0: what one hash of a proof stands for. */
export interface Range {
  from: number
  to: number
}

const EMPTY_ROOT = hash("sha256", "", "buffer")

// Hashing is synchronous, so that one place for 0x01 || left || right serves every call.
const NODE = Buffer.alloc(1 + 2 * HASH_SIZE, 1)

/** The hash of one leaf: sha256(0x00 || body). A string stands for its UTF-8 bytes. */
export function hashLeaf(body: string | Uint8Array): Uint8Array {
  return hash("sha256", typeof body === "string" ? `\0${body}` : Buffer.concat([Buffer.alloc(1), body]), "buffer")
}

/** The hash of an inner node: sha256(0x01 || left || right), of 32 bytes each. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_SIZE || right.length !== HASH_SIZE) throw new RangeError("a hash has 32 bytes")
  NODE.set(left, 1)
  NODE.set(right, 1 + HASH_SIZE)
  return hash("sha256", NODE, "buffer")
}

/** Hashes neighbours in a row of concatenated hashes pairwise into `into`, which may be the row itself; an odd last one is left out. */
export function hashPairs(row: Buffer, count: number, into: Buffer): void {
  const pairs = Math.floor(count / 2)
  for (let i = 0; i < pairs; i++) {
    row.copy(NODE, 1, i * 2 * HASH_SIZE, (i + 1) * 2 * HASH_SIZE)
    // As text of one byte a character the hash takes 40 % of the time that a Buffer for it does.
    into.write(hash("sha256", NODE, "binary"), i * HASH_SIZE, HASH_SIZE, "latin1")
  }
}

/** The right edge of a growing tree: the roots of its complete subtrees, the largest first. One for each 1 in the binary size. */
export interface Frontier {
  size: number
  nodes: Uint8Array[]
}

/** The frontier of a tree without leaves. */
export function emptyFrontier(): Frontier {
  return { size: 0, nodes: [] }
}

/** Appends a leaf's hash, in place: one inner node on average, 53 at most. */
export function pushLeaf(frontier: Frontier, leaf: Uint8Array): void {
  let node = leaf
  for (let size = frontier.size; size % 2 === 1; size = (size - 1) / 2) node = hashNode(frontier.nodes.pop()!, node)
  frontier.nodes.push(node)
  frontier.size++
}

/** The root over complete subtrees from left to right, which become smaller: the empty hash where there is none. */
export function foldRight(nodes: readonly Uint8Array[]): Uint8Array {
  return nodes.length === 0 ? EMPTY_ROOT : nodes.reduceRight((right, left) => hashNode(left, right))
}

/** MTH(D[n]) of leaf hashes; of none, sha256 of nothing. */
export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const frontier = emptyFrontier()
  for (const leaf of leaves) pushLeaf(frontier, leaf)
  return foldRight(frontier.nodes)
}

/** Which ranges of leaves the hashes of an inclusion proof stand for, in its order. */
export function inclusionRanges(index: number, size: number): Range[] {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`)
  const ranges: Range[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      ranges.push({ from: middle, to })
      to = middle
    } else {
      ranges.push({ from, to: middle })
      from = middle
    }
  }
  return ranges.reverse()
}

/** Which ranges of leaves the hashes of a consistency proof stand for, in its order. */
export function consistencyRanges(older: number, newer: number): Range[] {
  if (!isCount(older) || !isCount(newer) || older > newer) throw new RangeError(`a tree of ${newer} has no ${older}`)
  if (older === 0) return []
  const ranges: Range[] = []
  let [from, to] = [0, newer]
  while (older !== to) {
    const middle = from + splitOf(to - from)
    if (older <= middle) {
      ranges.push({ from: middle, to })
      to = middle
    } else {
      ranges.push({ from, to: middle })
      from = middle
    }
  }
  // The older tree itself needs no hash in the proof: the verifier has its root.
  if (from > 0) ranges.push({ from, to })
  return ranges.reverse()
}

/** Whether `proof` leads from the leaf hash at `index` (from 0) to the root (RFC 9162 section 2.1.3.2). Never throws. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  head: TreeHead,
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(index) || !isCount(head.size) || index >= head.size || !areHashes([leaf, head.root, ...proof]))
    return false
  let hash = leaf
  let [node, last] = [index, head.size - 1]
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      hash = hashNode(sibling, hash)
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      hash = hashNode(hash, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(hash, head.root)
}

/**
 * Whether `proof` shows that the newer tree begins with the older one (RFC 9162 section 2.1.4.2). Every tree begins with the
 * empty one, and a tree with itself: both by an empty proof. Never throws.
 */
export function verifyConsistency(older: TreeHead, newer: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (!isCount(older.size) || !isCount(newer.size) || older.size > newer.size) return false
  if (!areHashes([older.root, newer.root, ...proof])) return false
  if (older.size === newer.size) return proof.length === 0 && sameHash(older.root, newer.root)
  if (older.size === 0) return proof.length === 0 && sameHash(older.root, EMPTY_ROOT)
  let [node, last] = [older.size - 1, newer.size - 1]
  while (isOdd(node)) [node, last] = [half(node), half(last)]
  const path = node === 0 ? [older.root, ...proof] : proof
  if (path.length === 0) return false
  let [olderHash, newerHash] = [path[0]!, path[0]!]
  for (const sibling of path.slice(1)) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      olderHash = hashNode(sibling, olderHash)
      newerHash = hashNode(sibling, newerHash)
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      newerHash = hashNode(newerHash, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(olderHash, older.root) && sameHash(newerHash, newer.root)
}

/** Whether two hashes are the same bytes. None of them is a secret. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_SIZE)
}

/** The largest power of two below `count`, which is at least 2: where RFC 6962 splits a tree. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}
