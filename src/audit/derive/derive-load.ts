// What derivation has to know of the index before it adds a slice: where it stands, and the stored rows that the slice extends.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { type Edge, readEdge, tilesOfEdge } from "../tree/tiles.ts"
import { agentKey, emptyKnown, itemKey, type Known, type UseRow, useKey } from "./derive-fold.ts"
import { type Engine, loadAgents, loadItems, loadUses, readIds, readTile, type UseIdentity } from "./derive-sql.ts"
import type { IndexRow, ItemKey } from "./index-rows.ts"

/** Rows of runs, items and uses that stay in memory between slices; with more than these it starts over. */
const MOST_KNOWN = 50_000

/** Everything that derivation carries from one slice to the next. It is true as long as nobody else derives. */
export interface Standing {
  /** The last record that the index contains. */
  seq: number
  edge: Edge
  known: Known
}

/** Where the index stands after its first `seq` records. Throws `MissingTile` where the stored tree is not whole. */
export async function loadStanding(db: Kysely<Tables>, engine: Engine, seq: number): Promise<Standing> {
  const tiles = new Map<string, Uint8Array | undefined>()
  for (const { level, position } of tilesOfEdge(seq))
    tiles.set(`${level}/${position}`, await readTile(db, engine, level, position))
  const edge = readEdge(seq, (level, position) => tiles.get(`${level}/${position}`))
  return { seq, edge, known: emptyKnown(await readIds(db)) }
}

/** Forgets what can be loaded again, where it has become much. */
export function boundKnown(known: Known): Known {
  const size = known.agents.size + known.items.size + known.uses.size
  return size <= MOST_KNOWN ? known : { ...emptyKnown(known.ids), complete: false }
}

/** Loads into `known` every stored row that these records extend. */
export async function loadKnown(
  db: Kysely<Tables>,
  engine: Engine,
  known: Known,
  rows: readonly IndexRow[],
): Promise<void> {
  if (known.complete) return
  const agents = new Map<string, IndexRow>()
  const items = new Map<string, ItemKey>()
  for (const row of rows) {
    const key = agentKey(row)
    if (!known.agents.has(key)) agents.set(key, row)
    if (row.use && !known.items.has(itemKey(row.use.item))) items.set(itemKey(row.use.item), row.use.item)
  }
  for (const row of await loadAgents(db, engine, [...agents.values()])) known.agents.set(agentKey(row), numbered(row))
  for (const row of await loadItems(db, engine, [...items.values()])) known.items.set(itemKey(row), numbered(row))
  // An item without a row has no uses.
  const uses = new Map<string, UseIdentity>()
  for (const { use, agent } of rows) {
    const item = use === undefined ? undefined : known.items.get(itemKey(use.item))?.id
    if (use === undefined || item === undefined) continue
    const key = useKey(item, agent, use)
    if (!known.uses.has(key)) uses.set(key, { ...use, agent, item })
  }
  for (const row of await loadUses(db, engine, [...uses.values()])) {
    const use: UseRow = numbered(row)
    known.uses.set(useKey(use.item, use.agent, use), { row: use, touched: new Set() })
  }
}

const NUMBERS = ["id", "item", "boxed", "first", "last", "events", "started", "ended", "firstSeq", "lastSeq", "count"]

/** PostgreSQL gives 64-bit numbers as text unless told otherwise; whoever opened the connection may not have. */
function numbered<T extends object>(row: T): T {
  const values = row as Record<string, unknown>
  for (const name of NUMBERS) if (typeof values[name] === "string") values[name] = Number(values[name])
  return row
}
