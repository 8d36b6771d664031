// The store on a real PostgreSQL.
import { migratePostgres } from "../../src/store/postgres/migrate.ts"
import { parseServer } from "../../src/store/postgres/url.ts"
import { newDatabase } from "../postgres.ts"
import { describeStore } from "./suite.ts"

describeStore("PostgreSQL", async (ctx) => {
  const database = await newDatabase(ctx)
  await migratePostgres(parseServer(database.url))
  return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
})
