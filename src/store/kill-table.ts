// The table of the kill switch. Part of what must never be lost.
import { type Kysely, sql } from "kysely"

/** Creates it. In PostgreSQL the connection's search_path says in which schema. */
export async function createKillTable(db: Kysely<unknown>, dialect: "sqlite" | "postgres"): Promise<void> {
  const int = dialect === "sqlite" ? "integer" : "bigint"
  const table = db.schema
    .createTable("kills")
    .addColumn("position", int, (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("target", "text", (column) => column.notNull())
    .addColumn("time", int, (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("signature", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("kills_key", ["position"])
  await (dialect === "sqlite" ? table.modifyEnd(sql`strict`) : table).execute()
}
