// Inclusion proofs of neighbours: the 256 records of a tile share every hash above it.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { hashLeaf, inclusionRanges, type Range, rootOf, sameHash, verifyInclusion } from "../tree/merkle.ts"
import { loadTiles } from "../tree/tile-table.ts"
import { openTree, TILE_WIDTH, tilesOfInclusion, tileWidth } from "../tree/tiles.ts"
import type { Checkpoint } from "../types.ts"

/**
 * Loads what the proofs of one tile's records need. The function that it resolves with gives a record's proof as the members of
 * a JSON array; undefined where the body is not the one in the tree. Throws `MissingTile`.
 */
export async function proveBlock(
  db: Kysely<Tables>,
  block: number,
  { size, root }: Checkpoint,
): Promise<(seq: number, body: string) => string | undefined> {
  const start = block * TILE_WIDTH
  const width = tileWidth(size, 0, block)
  const source = await loadTiles(db, [{ level: 0, position: block }, ...tilesOfInclusion(start, size)])
  const tile = source(0, block) ?? new Uint8Array()
  const leaves = Array.from({ length: width }, (_, i) => tile.subarray(i * 32, (i + 1) * 32))
  const outside = inclusionRanges(start, size).filter(({ from }) => from < start || from >= start + width)
  const whole = openTree(source).proveInclusion(start, size)
  const above = whole.slice(whole.length - outside.length)
  const tail = above.map(quote)
  const within = new Map<string, string>()
  const hashRange = ({ from, to }: Range): string => {
    const key = `${from}-${to}`
    const known = within.get(key) ?? quote(rootOf(leaves.slice(from, to)))
    within.set(key, known)
    return known
  }
  // One proof vouches for the rest: they differ below the tile's root only, and there every leaf is compared.
  const first = inclusionRanges(0, width).map(({ from, to }) => rootOf(leaves.slice(from, to)))
  const sound = leaves[0] !== undefined && verifyInclusion(leaves[0], start, { size, root }, [...first, ...above])
  return (seq, body) => {
    const at = seq - 1 - start
    const leaf = leaves[at]
    if (!sound || leaf === undefined || !sameHash(leaf, hashLeaf(body))) return undefined
    return [...inclusionRanges(at, width).map(hashRange), ...tail].join(",")
  }
}

function quote(hash: Uint8Array): string {
  return `"${Buffer.from(hash).toString("base64")}"`
}
