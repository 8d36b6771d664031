// Tiles out of the store: asynchronous, so that what a proof needs is loaded first and the proof itself stays a computation.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import {
  openTree,
  type TileAddress,
  type TileSource,
  tilesOfConsistency,
  tilesOfInclusion,
  tilesOfRoot,
} from "./tiles.ts"

/** Loads the given tiles, in one query a level; those that are not stored are missing from the source. */
export async function loadTiles(db: Kysely<Tables>, addresses: readonly TileAddress[]): Promise<TileSource> {
  const found = new Map<string, Uint8Array>()
  for (const [level, tiles] of Map.groupBy(addresses, ({ level }) => level)) {
    const positions = tiles.map(({ position }) => position)
    const query = db.selectFrom("tiles").select(["position", "hashes"])
    const rows = await query.where("level", "=", level).where("position", "in", positions).execute()
    for (const { position, hashes } of rows) found.set(`${level}/${position}`, hashes)
  }
  return (level, position) => found.get(`${level}/${position}`)
}

/** The root over the first `size` records. Throws `MissingTile`. */
export async function loadRoot(db: Kysely<Tables>, size: number): Promise<Uint8Array> {
  return openTree(await loadTiles(db, tilesOfRoot(size))).rootAt(size)
}

/** The proof that the record at `index` (its sequence number less 1) is in the tree of `size`. Throws `MissingTile`. */
export async function loadInclusion(db: Kysely<Tables>, index: number, size: number): Promise<Uint8Array[]> {
  return openTree(await loadTiles(db, tilesOfInclusion(index, size))).proveInclusion(index, size)
}

/** The proof that the tree of `newer` records begins with that of `older`. Throws `MissingTile`. */
export async function loadConsistency(db: Kysely<Tables>, older: number, newer: number): Promise<Uint8Array[]> {
  return openTree(await loadTiles(db, tilesOfConsistency(older, newer))).proveConsistency(older, newer)
}
