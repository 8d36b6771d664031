// What agents consumed: the rows of `uses`, as they stand or as they stood.
import type { Kysely, Selectable } from "kysely"
import type { ItemsTable, Tables, UsesTable } from "../../store/schema.ts"
import type { Item, Outcome } from "../types.ts"
import type { InventoryQuery } from "./types.ts"

/** What was asked for and not given, or not yet. A release that a crash hid (`unknown`) may have happened, so it counts as given. */
const NOT_GIVEN: readonly Outcome[] = ["refused", "held", "failed"]

/** A row of `uses`; times in milliseconds. */
export type UseRow = Omit<Selectable<UsesTable>, "outcome"> & { outcome: Outcome | "" }

/** A row of `items`. */
export type ItemRow = Omit<Selectable<ItemsTable>, "kind"> & { kind: Item["kind"] }

/** Uses, the items that they are of by id, and how many uses have an outcome on the other side of `refused`. */
export interface Uses {
  rows: UseRow[]
  items: Map<number, ItemRow>
  others: number
}

/** How many ids go into one statement. */
const CHUNK = 500

/**
 * The uses that a query chooses and that were on record by its `asOf`; with `items` only of these. `last`, `lastSeq` and `count`
 * are those of that instant.
 */
export async function readUses(
  db: Kysely<Tables>,
  query: Pick<InventoryQuery, "agent" | "kind" | "asOf" | "refused">,
  items?: readonly number[],
): Promise<Uses> {
  const found: Uses = { rows: [], items: new Map(), others: 0 }
  for (const chunk of items === undefined ? [undefined] : chunksOf(items)) await readChunk(db, query, chunk, found)
  if (query.asOf !== undefined) await cutUses(db, found.rows, query.asOf)
  return found
}

async function readChunk(
  db: Kysely<Tables>,
  query: Pick<InventoryQuery, "agent" | "kind" | "asOf" | "refused">,
  chunk: readonly number[] | undefined,
  found: Uses,
): Promise<void> {
  let items = db.selectFrom("items").selectAll()
  let uses = db.selectFrom("uses").selectAll()
  if (chunk !== undefined) {
    items = items.where("id", "in", chunk)
    uses = uses.where("item", "in", chunk)
  }
  if (query.kind !== undefined) items = items.where("kind", "=", query.kind)
  if (query.agent !== undefined) uses = uses.where("agent", "=", query.agent)
  if (query.asOf !== undefined) uses = uses.where("first", "<=", query.asOf)
  for (const item of (await items.execute()) as ItemRow[]) found.items.set(item.id, item)
  for (const row of (await uses.execute()) as UseRow[]) {
    if (!found.items.has(row.item)) continue
    if (isGiven(row) === (query.refused !== true)) found.rows.push(row)
    else found.others++
  }
}

const isGiven = ({ outcome }: UseRow) => outcome === "" || !NOT_GIVEN.includes(outcome)

/** Sets back what went on after `asOf`: from the entries, exactly. */
async function cutUses(db: Kysely<Tables>, rows: readonly UseRow[], asOf: number): Promise<void> {
  const later = new Map(rows.filter(({ last }) => last > asOf).map((row) => [row.id, row]))
  for (const ids of chunksOf([...later.keys()])) {
    const found = await db
      .selectFrom("entries")
      .select(({ fn }) => ["use", fn.max("time").as("last"), fn.max("seq").as("lastSeq"), fn.sum("times").as("count")])
      .where("use", "in", ids)
      .where("time", "<=", asOf)
      .groupBy("use")
      .execute()
    for (const { use, last, lastSeq, count } of found) {
      Object.assign(later.get(use!)!, { last: Number(last), lastSeq: Number(lastSeq), count: Number(count) })
    }
  }
}

function chunksOf(ids: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, n) => ids.slice(n * CHUNK, (n + 1) * CHUNK))
}
