// The tiles above the leaves: what follows from the bodies' hashes must be what is stored.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"
import type { Problems } from "./report.ts"
import type { HashedTree } from "./tree.ts"

const PAGE = 64

/** Compares every stored tile above the leaves. What a tile lacks, or has besides, is the deriver's affair. */
export async function compareTiles(db: Kysely<Tables>, tree: HashedTree, problems: Problems): Promise<void> {
  let last = { level: 1, position: -1 }
  for (let full = true; full; ) {
    const { level, position } = last
    const rows = await db
      .selectFrom("tiles")
      .selectAll()
      .where((where) =>
        where.or([
          where("level", ">", level),
          where.and([where("level", "=", level), where("position", ">", position)]),
        ]),
      )
      .orderBy("level")
      .orderBy("position")
      .limit(PAGE)
      .execute()
    for (const tile of rows) {
      const at = tree.differsAt(tile.level, tile.position, tile.hashes)
      if (at === undefined) continue
      const seq = (tile.position * TILE_WIDTH + at) * TILE_WIDTH ** tile.level + 1
      const what = `tile ${tile.level}/${tile.position} of the tree has another hash for the records from ${seq} on than they make`
      problems.add({ code: "tree.damaged", seq, what })
    }
    last = rows.at(-1) ?? last
    full = rows.length === PAGE
  }
}
