// The tables of the gate for actions: credentials, bodies of requests that wait for a person, and what budgets have used. Part of
// what must never be lost.
import { type CreateTableBuilder, type Kysely, sql } from "kysely"

type Column = "text" | "integer" | "bigint" | "blob" | "bytea" | "real" | "double precision"

/** Creates them. In PostgreSQL the connection's search_path says in which schema. */
export async function createActionTables(db: Kysely<unknown>, dialect: "sqlite" | "postgres"): Promise<void> {
  const sqlite = dialect === "sqlite"
  const int = sqlite ? "integer" : "bigint"
  const create = (name: string, columns: Readonly<Record<string, Column>>) => {
    let table: CreateTableBuilder<string, string> = db.schema.createTable(name)
    for (const [column, type] of Object.entries(columns)) table = table.addColumn(column, type, (c) => c.notNull())
    return sqlite ? table.modifyEnd(sql`strict`) : table
  }
  await create("credentials", {
    ...{ position: int, name: "text", action: "text", credential: "text", sealed: "text" },
    ...{ time: int, by: "text", signature: "text" },
  })
    .addPrimaryKeyConstraint("credentials_key", ["position"])
    .execute()
  await create("held", { approval: "text", gateway: "text", time: int, sealed: sqlite ? "blob" : "bytea" })
    .addPrimaryKeyConstraint("held_key", ["approval"])
    .execute()
  // Also keeps out NaN, which PostgreSQL holds for greater than any number.
  const bounded = sql`used >= 0 and used <= 1e18`
  await create("usage", { counter: "text", window: int, used: sqlite ? "real" : "double precision" })
    .addPrimaryKeyConstraint("usage_key", ["counter", "window"])
    .addCheckConstraint("usage_bounded", bounded)
    .execute()
}
