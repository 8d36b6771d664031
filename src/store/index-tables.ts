// The derived tables. They have no migrations: a version that differs is dropped and derived again.
import { type CreateTableBuilder, type Kysely, sql } from "kysely"
import type { Dialect } from "./migrate.ts"
import type { Tables } from "./schema.ts"

/** Raise it with every change to these tables or to what the deriver puts into them. */
export const INDEX_VERSION = 2

/** Where they are in PostgreSQL; SQLite has no schemas. */
const SCHEMA = "nanoguard"

/** `?`: may be null. */
type ColumnType = "id" | "int" | "int?" | "big" | "big?" | "text" | "bytes"

interface Shape<Row> {
  columns: { readonly [Column in keyof Row]: ColumnType }
  /** Where there is no `id`: the primary key. Else what the deriver finds a row by. */
  key: readonly (keyof Row)[]
}

type IndexTable = "tiles" | "entries" | "agents" | "items" | "uses" | "touched" | "derived"

const SHAPES: { readonly [Table in IndexTable]: Shape<Tables[Table]> } = {
  tiles: { columns: { level: "int", position: "int", hashes: "bytes" }, key: ["level", "position"] },
  entries: {
    columns: {
      ...{ seq: "big", time: "big", kind: "text", type: "text", agent: "text", run: "text" },
      ...{ effect: "text", outcome: "text", use: "int?", times: "big" },
    },
    key: ["seq"],
  },
  agents: {
    columns: {
      ...{ id: "id", agent: "text", run: "text", operator: "text", gateway: "text", policy: "text", boxed: "int?" },
      ...{ first: "big", last: "big", events: "big", started: "big?", ended: "big?", outcome: "text" },
    },
    key: ["agent", "run"],
  },
  items: {
    columns: { id: "id", kind: "text", name: "text", version: "text", digest: "text" },
    key: ["name", "version", "digest", "kind"],
  },
  uses: {
    columns: {
      ...{ id: "id", agent: "text", item: "int", outcome: "text", operator: "text", policy: "text", approvers: "text" },
      ...{ firstSeq: "big", lastSeq: "big", first: "big", last: "big", count: "big" },
    },
    key: ["item", "agent", "outcome", "operator", "policy", "approvers"],
  },
  touched: { columns: { advisory: "text", use: "int" }, key: ["advisory", "use"] },
  derived: { columns: { name: "text", value: "text" }, key: ["name"] },
}

const NAMES = Object.keys(SHAPES) as IndexTable[]

/**
 * Creates the derived tables of this version where there are none; drops those of another version or of another log first.
 * `derived` then holds `version`, `origin` and `seq` (0 when new). Returns true where the index starts empty. The caller has
 * begun a transaction that no other writer is in.
 */
export async function ensureIndexTables(db: Kysely<Tables>, dialect: Dialect, origin: string): Promise<boolean> {
  if (await isCurrent(db, origin)) return false
  for (const name of NAMES) await db.schema.dropTable(name).ifExists().execute()
  await createTables(db, dialect)
  await createIndexes(db)
  const facts = { version: String(INDEX_VERSION), origin, seq: "0" }
  const rows = Object.entries(facts).map(([name, value]) => ({ name, value }))
  await db.insertInto("derived").values(rows).execute()
  return true
}

async function isCurrent(db: Kysely<Tables>, origin: string): Promise<boolean> {
  const tables = await db.introspection.getTables()
  const found = new Set(tables.filter((table) => (table.schema ?? SCHEMA) === SCHEMA).map((table) => table.name))
  if (!NAMES.every((name) => found.has(name))) return false
  const rows = await db.selectFrom("derived").selectAll().execute()
  const facts = new Map(rows.map((row) => [row.name, row.value]))
  return facts.get("version") === String(INDEX_VERSION) && facts.get("origin") === origin && facts.has("seq")
}

/** Creates the tables, empty and without the further indexes that only a large one needs. */
export async function createTables(db: Kysely<Tables>, dialect: Dialect): Promise<void> {
  for (const name of NAMES) {
    const { columns, key } = SHAPES[name] as Shape<Record<string, unknown>>
    let table: CreateTableBuilder<string, string> = db.schema.createTable(name)
    for (const [column, type] of Object.entries(columns)) table = addColumn(table, column, type, dialect)
    table = Object.hasOwn(columns, "id")
      ? table.addUniqueConstraint(`${name}_key`, [...key])
      : table.addPrimaryKeyConstraint(`${name}_key`, [...key])
    await (dialect === "sqlite" ? table.modifyEnd(sql`strict`) : table).execute()
  }
}

function addColumn(
  table: CreateTableBuilder<string, string>,
  name: string,
  type: ColumnType,
  dialect: Dialect,
): CreateTableBuilder<string, string> {
  const postgres = dialect === "postgres"
  if (type === "id") {
    return table.addColumn(name, "integer", (column) =>
      postgres ? column.primaryKey().generatedByDefaultAsIdentity() : column.primaryKey(),
    )
  }
  const stored = {
    int: "integer",
    big: postgres ? "bigint" : "integer",
    text: "text",
    bytes: postgres ? "bytea" : "blob",
  } as const
  const plain = type.replace("?", "") as keyof typeof stored
  return table.addColumn(name, stored[plain], (column) => (type.endsWith("?") ? column : column.notNull()))
}

/** Each costs the deriver, so each is here for a query that needs it. */
async function createIndexes(db: Kysely<Tables>): Promise<void> {
  // The last time of a use before a date: `inventory --as-of`.
  await db.schema
    .createIndex("entries_use")
    .on("entries")
    .columns(["use", "time"])
    .where("use", "is not", null)
    .execute()
  // One agent's newest records: `audit tail --agent`.
  await db.schema.createIndex("entries_agent").on("entries").columns(["agent", "seq"]).execute()
  // One run's newest records, and what it had done by a date: queries that name a run say `run <> ''` as well.
  await db.schema.createIndex("entries_run").on("entries").columns(["run", "seq"]).where("run", "<>", "").execute()
}
