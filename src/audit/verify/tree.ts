// The tree over all that was hashed: roots of tiles of 256 records from left to right, from which the root at any size of
// interest follows. In memory: 64 bytes for 256 records.
import { foldRight, HASH_SIZE, hashPairs } from "../tree/merkle.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"

export interface HashedTree {
  /** Takes the next range's tile roots, and partial tiles by the size at which they end. */
  add(roots: Uint8Array, partial: ReadonlyMap<number, Uint8Array>): void
  /** From this record on, leaves may be no real ones: what covers it can be compared with nothing. */
  endAt(seq: number): void
  /** Whether all leaves of the first `size` records are real ones. */
  knows(size: number): boolean
  /** The root over the first `size` records; undefined for a size that no range was asked to hash. */
  rootAt(size: number): Uint8Array | undefined
  /** Stored hashes of a tile (level at least 1) that are not what was hashed: the place of the first; undefined where all are. */
  differsAt(level: number, position: number, hashes: Uint8Array): number | undefined
}

/** An empty tree. */
export function beginTree(): HashedTree {
  const partials = new Map<number, Uint8Array>()
  // Row n holds the hashes of subtrees of 256 * 2^n records; rows above the first are made when they are asked for.
  const rows: Buffer[] = [Buffer.alloc(0)]
  const parts: Uint8Array[] = []
  let known = Number.POSITIVE_INFINITY

  const rowAt = (n: number): Buffer => {
    if (parts.length > 0) rows.splice(0, rows.length, Buffer.concat([rows[0]!, ...parts.splice(0)]))
    for (let i = rows.length; i <= n; i++) {
      const below = rows[i - 1]!
      const count = Math.floor(below.length / HASH_SIZE)
      rows.push(Buffer.alloc(Math.floor(count / 2) * HASH_SIZE))
      hashPairs(below, count, rows[i]!)
    }
    return rows[n]!
  }

  return {
    add: (roots, partial) => {
      if (roots.length > 0) parts.push(roots)
      for (const [size, root] of partial) partials.set(size, root)
    },
    endAt: (seq) => {
      known = Math.min(known, seq - 1)
    },
    knows: (size) => size <= known,
    rootAt: (size) => {
      const full = Math.floor(size / TILE_WIDTH)
      if (full * HASH_SIZE > rowAt(0).length) return undefined
      const peaks: Uint8Array[] = []
      for (let at = 0; at < full; ) {
        const n = Math.floor(Math.log2(full - at))
        const index = at / 2 ** n
        peaks.push(rowAt(n).subarray(index * HASH_SIZE, (index + 1) * HASH_SIZE))
        at += 2 ** n
      }
      if (size % TILE_WIDTH === 0) return foldRight(peaks)
      const partial = partials.get(size)
      return partial && foldRight([...peaks, partial])
    },
    differsAt: (level, position, hashes) => {
      const row = rowAt((level - 1) * 8)
      const start = position * TILE_WIDTH * HASH_SIZE
      const count = Math.min(hashes.length, Math.max(0, row.length - start))
      const width = TILE_WIDTH ** level
      for (let at = 0; at < count; at += HASH_SIZE) {
        if (((start + at) / HASH_SIZE + 1) * width > known) return undefined
        const same = row.compare(hashes, at, at + HASH_SIZE, start + at, start + at + HASH_SIZE) === 0
        if (!same) return at / HASH_SIZE
      }
      return undefined
    },
  }
}
