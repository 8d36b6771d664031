// What agents consumed: the rows of `uses`, as they stand or as they stood.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import type { Item, Outcome } from "../types.ts"
import type { InventoryQuery } from "./types.ts"

/** What was asked for and not given, or not yet. A release that a crash hid (`unknown`) may have happened, so it counts as given. */
export const NOT_GIVEN: readonly Outcome[] = ["refused", "held", "failed"]

/** A use with its item, times in milliseconds. */
export interface UseRow {
  id: number
  item: number
  kind: Item["kind"]
  name: string
  version: string
  digest: string
  agent: string
  outcome: Outcome | ""
  operator: string
  policy: string
  approvers: string
  first: number
  last: number
  firstSeq: number
  lastSeq: number
  count: number
}

/** How many ids go into one statement. */
const CHUNK = 500

/**
 * The uses that a query chooses and that were on record by its `asOf`; with `items` only of these. `last`, `lastSeq` and `count`
 * are those of that instant. `others` counts uses whose outcome is on the other side of `refused`.
 */
export async function readUses(
  db: Kysely<Tables>,
  query: Pick<InventoryQuery, "agent" | "kind" | "asOf" | "refused">,
  items?: readonly number[],
): Promise<{ rows: UseRow[]; others: number }> {
  const rows: UseRow[] = []
  let others = 0
  const chunks = items === undefined ? [undefined] : chunksOf(items)
  for (const chunk of chunks) {
    for (const row of await readChunk(db, query, chunk)) {
      if (isGiven(row) === (query.refused !== true)) rows.push(row)
      else others++
    }
  }
  if (query.asOf !== undefined) await cutUses(db, rows, query.asOf)
  return { rows, others }
}

const isGiven = ({ outcome }: UseRow) => outcome === "" || !NOT_GIVEN.includes(outcome)

async function readChunk(
  db: Kysely<Tables>,
  query: Pick<InventoryQuery, "agent" | "kind" | "asOf">,
  items: readonly number[] | undefined,
): Promise<UseRow[]> {
  let select = db
    .selectFrom("uses")
    .innerJoin("items", "items.id", "uses.item")
    .select([
      "uses.id",
      "uses.item",
      "items.kind",
      "items.name",
      "items.version",
      "items.digest",
      "uses.agent",
      "uses.outcome",
      "uses.operator",
      "uses.policy",
      "uses.approvers",
      "uses.first",
      "uses.last",
      "uses.firstSeq",
      "uses.lastSeq",
      "uses.count",
    ])
  if (items !== undefined) select = select.where("uses.item", "in", items)
  if (query.agent !== undefined) select = select.where("uses.agent", "=", query.agent)
  if (query.kind !== undefined) select = select.where("items.kind", "=", query.kind)
  if (query.asOf !== undefined) select = select.where("uses.first", "<=", query.asOf)
  return (await select.execute()) as UseRow[]
}

/** Sets back what went on after `asOf`: from the entries, exactly. */
async function cutUses(db: Kysely<Tables>, rows: readonly UseRow[], asOf: number): Promise<void> {
  const later = new Map(rows.filter(({ last }) => last > asOf).map((row) => [row.id, row]))
  for (const ids of chunksOf([...later.keys()])) {
    const found = await db
      .selectFrom("entries")
      .select(({ fn }) => ["use", fn.max("time").as("last"), fn.max("seq").as("lastSeq"), fn.countAll().as("count")])
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
