// The statements of derivation, the same for SQLite and PostgreSQL. They are few, so SQLite keeps them prepared: rows go in
// chunks of fixed sizes, many to a statement, because a statement costs more than a row.
import { CompiledQuery, type Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import type { Tile } from "../tree/tiles.ts"
import type { AgentRow, Changes, ItemRow, UseRow } from "./derive-fold.ts"

export type Engine = "sqlite" | "postgres"

/** A connection, or a transaction on one. */
type Connection = Kysely<Tables>

/** Rows of one statement, the largest chunk first. PostgreSQL takes 65,535 parameters, SQLite 32,766. */
const CHUNKS = [64, 8, 1] as const

interface Insert {
  table: string
  columns: readonly string[]
  /** What makes a row that is there already. */
  key: readonly string[]
}

const INSERTS = {
  tiles: { table: "tiles", columns: ["level", "position", "hashes"], key: ["level", "position"] },
  entries: {
    table: "entries",
    columns: ["seq", "time", "kind", "type", "agent", "run", "effect", "outcome", "use", "times"],
    key: ["seq"],
  },
  agents: {
    table: "agents",
    columns: [
      ...["id", "agent", "run", "operator", "gateway", "policy", "boxed", "first", "last", "events"],
      ...["started", "ended", "outcome"],
    ],
    key: ["id"],
  },
  items: { table: "items", columns: ["id", "kind", "name", "version", "digest"], key: ["id"] },
  uses: {
    table: "uses",
    columns: [
      ...["id", "agent", "item", "outcome", "operator", "policy", "approvers"],
      ...["firstSeq", "lastSeq", "first", "last", "count"],
    ],
    key: ["id"],
  },
  touched: { table: "touched", columns: ["advisory", "use"], key: ["advisory", "use"] },
  derived: { table: "derived", columns: ["name", "value"], key: ["name"] },
} as const satisfies Record<string, Insert>

/** Writes what a slice changed: final values over whatever of it is there. */
export async function writeChanges(db: Connection, engine: Engine, changes: Changes, tiles: readonly Tile[]) {
  const { entries, agents, items, uses, touched } = changes
  await put(db, engine, INSERTS.tiles, tiles)
  await put(db, engine, INSERTS.entries, entries)
  await put(db, engine, INSERTS.agents, [...agents])
  await put(db, engine, INSERTS.items, [...items])
  await put(db, engine, INSERTS.uses, [...uses])
  await put(db, engine, INSERTS.touched, touched)
}

/** Writes one fact about derivation. */
export async function writeDerived(db: Connection, engine: Engine, name: string, value: string): Promise<void> {
  await put(db, engine, INSERTS.derived, [{ name, value }])
}

/** A fact about derivation; undefined where there is none. */
export async function readDerived(db: Connection, name: string): Promise<string | undefined> {
  const { rows } = await run<{ value: string }>(db, `select "value" from "derived" where "name" = '${name}'`, [])
  return rows[0]?.value
}

/** The stored runs among these. */
export async function loadAgents(db: Connection, engine: Engine, keys: readonly Pick<AgentRow, "agent" | "run">[]) {
  const values = keys.map(({ agent, run }) => [agent, run])
  return select<AgentRow>(db, engine, INSERTS.agents, ["agent", "run"], values)
}

/** The stored items among these. */
export async function loadItems(db: Connection, engine: Engine, keys: readonly Omit<ItemRow, "id">[]) {
  const values = keys.map(({ kind, name, version, digest }) => [kind, name, version, digest])
  return select<ItemRow>(db, engine, INSERTS.items, ["kind", "name", "version", "digest"], values)
}

/** The stored uses among these; `item` is an id. */
export async function loadUses(db: Connection, engine: Engine, keys: readonly UseIdentity[]) {
  const columns = ["item", "agent", "outcome", "operator", "policy", "approvers"] as const
  return select<UseRow>(
    db,
    engine,
    INSERTS.uses,
    columns,
    keys.map((key) => columns.map((column) => key[column])),
  )
}

export type UseIdentity = Pick<UseRow, "agent" | "item" | "outcome" | "operator" | "policy" | "approvers">

/** The highest id of each table that has some. */
export async function readIds(db: Connection): Promise<{ agent: number; item: number; use: number }> {
  const highest = async (table: string) => {
    const { rows } = await run<{ id: number | null }>(db, `select max("id") as "id" from "${table}"`, [])
    return Number(rows[0]?.id ?? 0)
  }
  return { agent: await highest("agents"), item: await highest("items"), use: await highest("uses") }
}

/** One tile's hashes. */
export async function readTile(db: Connection, engine: Engine, level: number, position: number) {
  const [a, b] = placeholders(engine, 2)
  const sql = `select "hashes" from "tiles" where "level" = ${a} and "position" = ${b}`
  const { rows } = await run<{ hashes: Uint8Array }>(db, sql, [level, position])
  return rows[0]?.hashes
}

/** Runs a statement as it is. */
export function run<T>(db: Connection, sql: string, parameters: readonly unknown[] = []) {
  return db.executeQuery<T>(CompiledQuery.raw(sql, [...parameters]))
}

async function put(db: Connection, engine: Engine, insert: Insert, rows: readonly object[]): Promise<void> {
  const { columns } = insert
  for (let from = 0; from < rows.length; ) {
    const size = CHUNKS.find((chunk) => chunk <= rows.length - from)!
    const parameters: unknown[] = []
    for (let i = from; i < from + size; i++) {
      const row = rows[i] as Record<string, unknown>
      for (const column of columns) parameters.push(row[column])
    }
    await run(db, insertText(engine, insert, size), parameters)
    from += size
  }
}

const texts = new Map<string, string>()

function insertText(engine: Engine, { table, columns, key }: Insert, size: number): string {
  const name = `${engine} ${table} ${size}`
  let text = texts.get(name)
  if (text === undefined) {
    const updated = columns.filter((column) => !key.includes(column))
    const set = updated.map((column) => `"${column}" = excluded."${column}"`).join(", ")
    const action = set === "" ? "nothing" : `update set ${set}`
    // Ids are the deriver's own, also where PostgreSQL would give them.
    const into = `"${table}" (${quoted(columns)})${engine === "postgres" && key[0] === "id" ? " overriding system value" : ""}`
    const values = tuples(engine, size, columns.length)
    text = `insert into ${into} values ${values} on conflict (${quoted(key)}) do ${action}`
    texts.set(name, text)
  }
  return text
}

/** Rows by a key of several columns. A short chunk is filled up with its last key, so that there are few statements. */
async function select<T>(
  db: Connection,
  engine: Engine,
  { table, columns }: Insert,
  key: readonly string[],
  values: readonly (readonly unknown[])[],
): Promise<T[]> {
  const found: T[] = []
  for (let from = 0; from < values.length; ) {
    const size = CHUNKS.find((chunk) => chunk <= values.length - from)!
    const wanted = tuples(engine, size, key.length, key[0] === "item")
    const sql = `select ${quoted(columns)} from "${table}" where (${quoted(key)}) in (values ${wanted})`
    const { rows } = await run<T>(db, sql, values.slice(from, from + size).flat())
    found.push(...rows)
    from += size
  }
  return found
}

/** `numeric`: the first member of each tuple is a number, which PostgreSQL would take for a text in a list of values. */
function tuples(engine: Engine, count: number, width: number, numeric = false): string {
  const all = placeholders(engine, count * width)
  if (numeric) for (let i = 0; i < all.length; i += width) all[i] = `cast(${all[i]} as bigint)`
  const tuple = (row: number) => `(${all.slice(row * width, (row + 1) * width).join(", ")})`
  return Array.from({ length: count }, (_, row) => tuple(row)).join(", ")
}

function placeholders(engine: Engine, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (engine === "sqlite" ? "?" : `$${i + 1}`))
}

function quoted(columns: readonly string[]): string {
  return columns.map((column) => `"${column}"`).join(", ")
}
