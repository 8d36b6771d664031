// What the store says about itself, read in the same snapshot as everything else; none of it is believed.
import { type Kysely, sql } from "kysely"
import type { Tables } from "../../store/schema.ts"

export interface Facts {
  /** Name of the log; "" where the store has none. */
  origin: string
  /** Last sequence number, of a body or of an archived one. */
  records: number
  /** Last record whose body is said to be archived; 0 where none is. */
  archived: number
  /** Last record that the derived tables contain. */
  derived: number
  /** Rows of the log that are outside of what a sequence number may be. */
  strange: number
}

/** Reads them. `indexed`: whether the derived tables are there. */
export async function readFacts(db: Kysely<Tables>, indexed: boolean): Promise<Facts> {
  // The index first: what it contains must be in the log that is read after it.
  const position = indexed ? await readValue(db, "derived", "seq") : undefined
  const archived = countOf(await readValue(db, "settings", "archived"))
  const most = Number.MAX_SAFE_INTEGER
  const events = await db
    .selectFrom("events")
    .select(({ fn }) => fn.max<number | null>("seq").as("last"))
    .where(sql<boolean>`seq between 1 and ${most}`)
    .executeTakeFirst()
  const strange = await db
    .selectFrom("events")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where(sql<boolean>`seq < 1 or seq > ${most}`)
    .executeTakeFirst()
  return {
    origin: (await readValue(db, "settings", "origin")) ?? "",
    records: Math.max(Number(events?.last ?? 0), archived),
    archived,
    derived: countOf(position),
    strange: Number(strange?.count ?? 0),
  }
}

async function readValue(db: Kysely<Tables>, table: "settings" | "derived", name: string): Promise<string | undefined> {
  const row = await db.selectFrom(table).select("value").where("name", "=", name).executeTakeFirst()
  return row?.value
}

function countOf(text: string | undefined): number {
  const count = Number(text ?? 0)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
