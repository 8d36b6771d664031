// The complete subtrees of a stored tree: what a segment begins with, so that it can be checked without the segments before it.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { HASH_SIZE, hashPairs } from "../tree/merkle.ts"
import { loadTiles } from "../tree/tile-table.ts"
import { MissingTile, TILE_WIDTH } from "../tree/tiles.ts"

const HEIGHT = 8

/** 2^height leaves from `start` on, in the hashes of one tile from `offset` on. */
interface Subtree {
  height: number
  level: number
  position: number
  offset: number
}

/** The roots of the complete subtrees of the first `size` records, the largest first. Throws `MissingTile`. */
export async function loadFrontier(db: Kysely<Tables>, size: number): Promise<Uint8Array[]> {
  const subtrees = subtreesOf(size)
  const source = await loadTiles(db, subtrees)
  return subtrees.map(({ height, level, position, offset }) => {
    const count = 2 ** (height % HEIGHT)
    const hashes = source(level, position)?.subarray(offset * HASH_SIZE, (offset + count) * HASH_SIZE)
    if (hashes?.length !== count * HASH_SIZE) throw new MissingTile(level, position)
    const row = Buffer.from(hashes)
    for (let left = count; left > 1; left /= 2) hashPairs(row, left, row)
    return Uint8Array.from(row.subarray(0, HASH_SIZE))
  })
}

function subtreesOf(size: number): Subtree[] {
  const subtrees: Subtree[] = []
  for (let start = 0; start < size; ) {
    let height = 0
    while (2 ** (height + 1) <= size - start) height++
    const level = Math.floor(height / HEIGHT)
    const first = start / TILE_WIDTH ** level
    subtrees.push({ height, level, position: Math.floor(first / TILE_WIDTH), offset: first % TILE_WIDTH })
    start += 2 ** height
  }
  return subtrees
}
