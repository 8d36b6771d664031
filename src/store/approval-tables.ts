// The tables of approvals: requests, answers, who may answer, and the policies in force. Part of what must never be lost.
import { type CreateTableBuilder, type Kysely, sql } from "kysely"

/** Creates them. In PostgreSQL the connection's search_path says in which schema. */
export async function createApprovalTables(db: Kysely<unknown>, dialect: "sqlite" | "postgres"): Promise<void> {
  const sqlite = dialect === "sqlite"
  const int = sqlite ? "integer" : "bigint"
  const create = (name: string, columns: Readonly<Record<string, "text" | "integer" | "bigint">>) => {
    let table: CreateTableBuilder<string, string> = db.schema.createTable(name)
    for (const [column, type] of Object.entries(columns)) table = table.addColumn(column, type, (c) => c.notNull())
    return sqlite ? table.modifyEnd(sql`strict`) : table
  }
  await create("approvers", {
    ...{ position: int, action: "text", name: "text", key: "text", time: int, by: "text", signature: "text" },
  })
    .addPrimaryKeyConstraint("approvers_key", ["position"])
    .execute()
  await create("approvals", {
    ...{ id: "text", digest: "text", topic: "text", binding: "text", kind: "text", agent: "text", subject: "text" },
    ...{ requested: int, expires: int, state: "text", uses: int, ends: int },
  })
    .addPrimaryKeyConstraint("approvals_key", ["id"])
    .execute()
  // What is asked again while it waits is the same request.
  await sql`create unique index approvals_pending on ${sql.table("approvals")} (topic) where state = 'pending'`.execute(
    db,
  )
  await db.schema.createIndex("approvals_topic").on("approvals").columns(["topic", "requested"]).execute()
  await db.schema.createIndex("approvals_agent").on("approvals").columns(["agent", "state", "ends"]).execute()
  await db.schema.createIndex("approvals_state").on("approvals").columns(["state", "expires"]).execute()
  await create("decisions", {
    ...{ approval: "text", by: "text", answer: "text", terms: "text", time: int, signature: "text" },
  })
    .addPrimaryKeyConstraint("decisions_key", ["approval", "by"])
    .execute()
  await create("policies", { digest: "text", texts: "text" })
    .addPrimaryKeyConstraint("policies_key", ["digest"])
    .execute()
  await create("adoptions", {
    ...{ project: "text", time: int, hash: "text", digest: "text", by: "text", signature: "text" },
  })
    .addPrimaryKeyConstraint("adoptions_key", ["project", "time"])
    .execute()
}
